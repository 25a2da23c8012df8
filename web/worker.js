/** Runs the networks beside the page, so that it stays responsive. */

import { frontView, networkStrip, viewedPatch, viewedStrip } from "./polar.js";

const PREVIEW_SIDE = 1600; // pixels of the long side of the picture that the page shows
const PREVIEW_QUALITY = 0.9; // of its JPEG

let ort = null;
const sessions = new Map();
const canvases = new Map(); // one for stills, one for frames of the camera

/** Draw an image on a white ground and return its canvas' context. */
function drawn(image, purpose) {
  const { width, height } = image;
  let context = canvases.get(purpose);
  if (!context) {
    const canvas = new OffscreenCanvas(width, height);
    context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    canvases.set(purpose, context);
  }
  if (context.canvas.width !== width || context.canvas.height !== height) {
    Object.assign(context.canvas, { width, height });
  }
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0);
  return context;
}

/** Return a smaller copy of a canvas as a JPEG. */
async function previewOf(canvas) {
  const scale = Math.min(1, PREVIEW_SIDE / Math.max(canvas.width, canvas.height));
  const side = (pixels) => Math.max(1, Math.round(pixels * scale));
  const small = new OffscreenCanvas(side(canvas.width), side(canvas.height));
  const context = small.getContext("2d", { alpha: false });
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, small.width, small.height);
  return small.convertToBlob({ type: "image/jpeg", quality: PREVIEW_QUALITY });
}

function softmax(logits) {
  const highest = Math.max(...logits);
  const weights = Array.from(logits, (value) => Math.exp(value - highest));
  const total = weights.reduce((sum, value) => sum + value, 0);
  return weights.map((value) => value / total);
}

const actions = {
  /** Load onnxruntime; one thread, which needs no special headers and is fastest for `small`. */
  async start({ runtime, wasm, wasmBytes }) {
    ort = globalThis.ort ?? (await import(runtime)); // in the offline file, it is part of this script
    ort.env.wasm.numThreads = 1;
    if (wasmBytes) ort.env.wasm.wasmBinary = wasmBytes;
    else ort.env.wasm.wasmPaths = { wasm };
    ort.env.logLevel = "error";
  },

  async load({ name, bytes }) {
    const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    sessions.set(name, session);
  },

  /** Read the clocks of an image (an ImageBitmap, which is closed). */
  async read({ model, image, purpose, preview }) {
    const { width, height } = image;
    const context = drawn(image, purpose);
    image.close();
    const { data } = context.getImageData(0, 0, width, height);
    const pixels = new Uint8Array(data.buffer);
    const photo = new ort.Tensor("uint8", pixels, [height, width, 4]);
    const before = performance.now();
    const results = await sessions.get(model).run({ photo });
    const milliseconds = performance.now() - before;
    const outputs = Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [name, tensor.data]),
    );
    const picture = preview ? await previewOf(context.canvas) : null;
    if (purpose === "still") canvases.delete(purpose); // photos differ in size, and are large
    return { width, height, outputs, milliseconds, preview: picture };
  },

  /** Unroll one dial of an image, and read its strip. */
  async inspect({ model, image, homography }) {
    const { grey, shape } = networkStrip(image, homography);
    const patch = viewedPatch(image, homography);
    image.close();
    const polar = new ort.Tensor("uint8", grey, shape);
    const seen = await sessions.get(model).run({ polar });
    const chances = Object.fromEntries(
      ["hour", "minute", "second"].map((hand) => [hand, softmax(seen[hand].data)]),
    );
    return { strip: viewedStrip(patch), front: frontView(patch), chances };
  },
};

let queue = Promise.resolve(); // one action at a time: a session is not reentrant

addEventListener("message", ({ data: { id, action, ...values } }) => {
  queue = queue.then(async () => {
    try {
      postMessage({ id, result: await actions[action](values) });
    } catch (error) {
      postMessage({ id, error: String(error?.message ?? error) });
    }
  });
});
