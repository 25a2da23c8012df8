/** Live camera: frames are read one after the other, and the readings drawn over the video. */

import { draw } from "./overlay.js";
import { percent, timeText } from "./readings.js";
import { Steady } from "./steady.js";

const READ_SIDE = 640; // pixels of the long side of a frame, for reading
const SPOKEN_EVERY = 3000; // milliseconds between announcements to screen readers
const RATE_OVER = 30; // frames that the shown rate is the mean of
const IN_FLIGHT = 2; // frames: one is read while the next one is fetched from the video

const PROBLEMS = {
  NotAllowedError: "The camera is not allowed for this page. Allow it in the browser's site settings, or choose a photo.",
  NotFoundError: "No camera was found. Connect one, or choose a photo.",
  NotReadableError: "The camera is in use by another program. Close that program, or choose a photo.",
  OverconstrainedError: "The camera cannot deliver a picture that fits. Choose a photo instead.",
};

/** Return what a person can do about a camera that does not open. */
export function cameraProblem(error) {
  return PROBLEMS[error?.name] ?? `The camera cannot be opened (${error?.message ?? error}). Choose a photo instead.`;
}

export class Camera {
  #running = 0; // number of the present run; 0: stopped
  #runs = 0;
  #facing = "environment";
  #arrived = 0; // frames of the video
  #taken = 0; // the last one that was read
  #sleepers = [];
  #ends = [];
  #spoken = { text: "", at: 0 };

  /** @param {{video, overlay, stage, time, spoken, rate}} elements @param reader */
  constructor(elements, reader) {
    this.elements = elements;
    this.reader = reader;
    this.frames = 0;
  }

  get isOn() {
    return this.#running > 0;
  }

  /** Open the camera and read until `stop`; throws what getUserMedia throws. */
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("it needs a page from https, from localhost or from a file");
    }
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: this.#facing, width: { ideal: 1280 }, height: { ideal: 960 } },
    });
    const { video } = this.elements;
    this.#close();
    video.srcObject = stream;
    await video.play();
    stream.getVideoTracks()[0].addEventListener("ended", () => this.stop());
    this.#running = ++this.#runs;
    this.#ends = [];
    this.#countFrames(this.#running);
    const steady = new Steady();
    for (let i = 0; i < IN_FLIGHT; i++) this.#loop(this.#running, steady);
  }

  /** Return whether there are several cameras. */
  async hasOther() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((device) => device.kind === "videoinput").length > 1;
  }

  /** Use the camera on the other side of the device. */
  async turn() {
    this.#facing = this.#facing === "environment" ? "user" : "environment";
    await this.start();
  }

  stop() {
    this.#running = 0;
    this.#wake();
    this.#close();
    this.elements.overlay.replaceChildren();
    this.onStop?.();
  }

  /** Return the present picture at full size. */
  still() {
    return createImageBitmap(this.elements.video);
  }

  #close() {
    const { video } = this.elements;
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
  }

  /** Count the frames of the video, and wake those who wait for a new one. */
  #countFrames(run) {
    const { video } = this.elements;
    const next = (call) =>
      video.requestVideoFrameCallback ? video.requestVideoFrameCallback(call) : requestAnimationFrame(call);
    const count = () => {
      if (this.#running !== run) return;
      this.#arrived++;
      this.#wake();
      next(count);
    };
    next(count);
  }

  async #newFrame(run) {
    while (this.#running === run && this.#arrived === this.#taken) {
      await new Promise((resolve) => this.#sleepers.push(resolve));
    }
    this.#taken = this.#arrived;
  }

  #wake() {
    for (const resolve of this.#sleepers.splice(0)) resolve();
  }

  async #loop(run, steady) {
    for (;;) {
      await this.#newFrame(run);
      if (this.#running !== run) return;
      try {
        await this.#readFrame(steady, run);
      } catch (error) {
        if (this.#running === run) this.elements.time.textContent = error.message;
        return;
      }
    }
  }

  async #readFrame(steady, run) {
    const { video, stage } = this.elements;
    const { videoWidth: width, videoHeight: height } = video;
    if (!width) return;
    stage.style.aspectRatio = `${width} / ${height}`;
    stage.style.setProperty("--shape", width / height);
    const shrink = Math.min(1, READ_SIDE / Math.max(width, height));
    const size = { resizeWidth: Math.round(width * shrink), resizeHeight: Math.round(height * shrink) };
    const image = await createImageBitmap(video, size);
    const scale = width / image.width;
    const model = this.reader.models.live;
    const result = await this.reader.read(image, { model, purpose: "frame", scale });
    if (this.#running !== run) return;
    const readings = steady.update(result.readings, performance.now(), timeText);
    draw(this.elements.overlay, readings, { width, height });
    this.frames++;
    this.#show(readings, result.milliseconds);
  }

  #show(readings, milliseconds) {
    const { time, rate } = this.elements;
    time.textContent = readings.length ? readings.map((one) => one.time).join("  ") : "–:––";
    const now = performance.now();
    this.#ends = [...this.#ends, now].slice(-RATE_OVER - 1);
    const frames = this.#ends.length - 1;
    const perSecond = frames ? (1000 * frames) / (now - this.#ends[0]) : 0;
    rate.textContent = `${perSecond.toFixed(0)} frames/s · ${milliseconds.toFixed(0)} ms`;
    this.#speak(readings, now);
  }

  /** Tell screen readers a time when it has changed, not more often than they can speak. */
  #speak(readings, now) {
    const text = readings.map((one) => `${one.time}, ${percent(one.confidence)}`).join("; ") || "No clock in the picture";
    const times = readings.map((one) => one.time).join();
    if (times === this.#spoken.text || now - this.#spoken.at < SPOKEN_EVERY) return;
    this.#spoken = { text: times, at: now };
    this.elements.spoken.textContent = text;
  }
}
