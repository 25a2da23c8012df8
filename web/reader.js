/** The reader as the page sees it: a worker that answers in promises. */

import { bytesOf, isOneFile, urlOf } from "./assets.js";
import { readingsOf } from "./readings.js";

const RUNTIME = "runtime/ort.wasm.bundle.min.mjs";
const WASM = "runtime/ort-wasm-simd-threaded.wasm";

export class Reader {
  #worker = null;
  #waiting = new Map();
  #next = 0;
  #loads = new Map();

  /** @param {{live: string, still: string, hands: string}} models names of models */
  constructor(models) {
    this.models = models;
    this.loaded = new Set();
  }

  /** Start the worker and load the model for live video. */
  async start() {
    // a file has no origin that a module could be imported from
    const type = isOneFile() ? "classic" : "module";
    this.#worker = new Worker(await urlOf("worker.js"), { type });
    this.#worker.addEventListener("message", ({ data }) => this.#settle(data));
    this.#worker.addEventListener("error", (event) => this.#fail(event.message || "it did not start"));
    if (isOneFile()) await this.#call("start", { wasmBytes: await bytesOf(WASM) });
    else await this.#call("start", { runtime: await urlOf(RUNTIME), wasm: await urlOf(WASM) });
    await this.load(`reader-${this.models.live}`);
  }

  /** Load a file of `models/` once. */
  load(name) {
    if (!this.#loads.has(name)) {
      const loading = bytesOf(`models/${name}.onnx`)
        .then((bytes) => this.#call("load", { name, bytes }, [bytes]))
        .then(() => this.loaded.add(name));
      loading.catch(() => this.#loads.delete(name)); // such as offline: try again when asked
      this.#loads.set(name, loading);
    }
    return this.#loads.get(name);
  }

  /** Load the model for stills. */
  loadStill() {
    return this.load(`reader-${this.models.still}`);
  }

  /** Whether the model for stills is loaded. */
  get hasStill() {
    return this.loaded.has(`reader-${this.models.still}`);
  }

  /** The best model that is loaded. */
  get best() {
    return this.hasStill ? this.models.still : this.models.live;
  }

  /**
   * Read the clocks of an image.
   * @param {ImageBitmap} image is moved to the worker
   * @param {{model: string, purpose: "still"|"frame", preview?: boolean, scale?: number}} options
   */
  async read(image, { model, purpose, preview = false, scale = 1 }) {
    const values = { model: `reader-${model}`, image, purpose, preview };
    const result = await this.#call("read", values, [image]);
    return { ...result, readings: readingsOf(result.outputs, scale) };
  }

  /** Unroll one dial of an image, given the homography from the dial to the image's pixels. */
  async inspect(image, homography) {
    const model = `hands-${this.models.hands}`;
    await this.load(model);
    return this.#call("inspect", { model, image, homography }, [image]);
  }

  #call(action, values, transfer = []) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, action, ...values }, transfer);
    });
  }

  #settle({ id, result, error }) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  }

  #fail(message) {
    for (const { reject } of this.#waiting.values()) reject(new Error(message));
    this.#waiting.clear();
  }
}
