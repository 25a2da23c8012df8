/** The page: photos and camera in, readings out. */

import { bytesOf, isOneFile } from "./assets.js";
import { Camera, cameraProblem } from "./camera.js";
import { Card } from "./cards.js";
import { startDemo } from "./demo.js";
import { showDetail } from "./detail.js";
import { PhotoError, decode, filesOf } from "./photos.js";
import { Reader } from "./reader.js";
import { photosCsv, photosJson, scaled } from "./readings.js";

const EXAMPLES = ["wall.jpg", "two.jpg"];

const $ = (id) => document.getElementById(id);
const { live, still, hands } = document.documentElement.dataset;
const reader = new Reader({ live, still, hands });
const cards = new Map(); // photo → card, in the order of their arrival
let stillFailed = false; // the model for stills cannot be loaded, such as without a network
let work = Promise.resolve(); // photos are read one after the other

function setStatus(text, state) {
  $("status-text").textContent = text;
  $("status").dataset.state = state;
}

function showProblem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function summarize() {
  const photos = [...cards.keys()];
  const clocks = photos.reduce((sum, photo) => sum + (photo.readings?.length ?? 0), 0);
  const open = photos.filter((photo) => photo.readings === null && !photo.error).length;
  const state = open ? `, ${open} to read` : "";
  $("summary").textContent = `${plural(clocks, "clock")} in ${plural(photos.length, "photo")}${state}`;
  $("results").hidden = !photos.length;
}

function refresh(photo) {
  cards.get(photo)?.update();
  summarize();
}

/** Read a photo with a model and show the result. */
async function read(photo, model) {
  const { image, width, height, scale, notes } = await decode(photo.file);
  const result = await reader.read(image, { model, purpose: "still", preview: !photo.picture, scale });
  if (result.preview) photo.picture = URL.createObjectURL(result.preview);
  const refining = model !== reader.models.still && !stillFailed;
  Object.assign(photo, { width, height, notes, readings: result.readings, refining });
  photo.milliseconds = result.milliseconds;
}

function enqueue(photo) {
  work = work.then(async () => {
    if (!cards.has(photo)) return; // removed meanwhile
    try {
      await ready;
      await read(photo, reader.best);
      if (photo.refining && reader.hasStill) enqueue(photo); // it was loaded meanwhile
    } catch (error) {
      const message = error instanceof PhotoError ? error.message : `cannot be read: ${error.message}`;
      if (!photo.readings) photo.error = message;
      photo.refining = false;
    }
    refresh(photo);
  });
}

/** Read the photos again that only the smaller model has read. */
function refine() {
  for (const photo of cards.keys()) if (photo.refining) enqueue(photo);
}

/** Keep what the smaller model has read. */
function settle() {
  stillFailed = true;
  for (const photo of cards.keys()) {
    photo.refining = false;
    refresh(photo);
  }
}

function addPhoto(file, name) {
  const photo = { file, name, readings: null, error: null, notes: [], picture: null, refining: false };
  const card = new Card(photo, { onInspect: inspect, onRemove: remove });
  cards.set(photo, card);
  $("cards").append(card.element);
  enqueue(photo);
  return card;
}

function addFiles(files) {
  showProblem("");
  const added = files.map((file) => addPhoto(file, file.name || "pasted picture"));
  summarize();
  added[0]?.element.scrollIntoView({ behavior: "smooth", block: "nearest" });
}

function remove(photo) {
  if (photo.picture) URL.revokeObjectURL(photo.picture);
  cards.get(photo)?.element.remove();
  cards.delete(photo);
  summarize();
  (document.querySelector(".remove") ?? $("files")).focus();
}

/** Show how a dial of a photo was read. */
function inspect(photo, index) {
  const reading = photo.readings[index];
  const views = decode(photo.file).then(({ image, scale }) =>
    reader.inspect(image, scaled(reading.homography, 1 / scale)),
  );
  showDetail($("detail"), photo.name, reading, views);
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea"); // such as in a file, or without permission
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const button = $(`copy-${what.toLowerCase()}`);
  button.textContent = "Copied";
  $("copied").textContent = `${what} copied`;
  setTimeout(() => {
    button.textContent = `Copy ${what}`;
    $("copied").textContent = "";
  }, 1500);
}

async function addExamples() {
  showProblem("");
  try {
    for (const name of EXAMPLES) {
      addFiles([new File([await bytesOf(`examples/${name}`)], name, { type: "image/jpeg" })]);
    }
  } catch (error) {
    showProblem(`The examples cannot be loaded: ${error.message}`);
  }
}

function connectPhotos() {
  $("files").addEventListener("change", ({ target }) => {
    addFiles([...target.files]);
    target.value = ""; // so that the same file can be chosen again
  });
  addEventListener("paste", ({ clipboardData }) => addFiles(filesOf(clipboardData)));
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    $("veil").hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) $("veil").hidden = true;
  });
  addEventListener("drop", (event) => {
    $("veil").hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    addFiles(filesOf(event.dataTransfer));
  });
  $("example").addEventListener("click", addExamples);
  $("copy-json").addEventListener("click", () => copy(JSON.stringify(photosJson([...cards.keys()]), null, 1), "JSON"));
  $("copy-csv").addEventListener("click", () => copy(photosCsv([...cards.keys()]), "CSV"));
  $("clear").addEventListener("click", () => {
    for (const photo of [...cards.keys()]) remove(photo);
  });
}

function connectCamera() {
  const elements = {
    video: $("video"),
    overlay: $("live-overlay"),
    stage: $("stage"),
    time: $("live-time"),
    spoken: $("live-spoken"),
    rate: $("rate"),
  };
  const camera = new Camera(elements, reader);
  const open = async (start) => {
    showProblem("");
    try {
      await start();
      $("live").hidden = false;
      $("turn-camera").hidden = !(await camera.hasOther());
      $("live").scrollIntoView({ behavior: "smooth", block: "nearest" });
    } catch (error) {
      camera.stop();
      showProblem(cameraProblem(error));
    }
  };
  camera.onStop = () => {
    $("live").hidden = true;
    $("camera-on").focus();
  };
  $("camera-on").addEventListener("click", () => open(async () => {
    await ready;
    await camera.start();
  }));
  $("turn-camera").addEventListener("click", () => open(() => camera.turn()));
  $("camera-off").addEventListener("click", () => camera.stop());
  $("keep").addEventListener("click", async () => {
    const picture = await camera.still();
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    const file = await canvas.convertToBlob({ type: "image/png" });
    const time = new Date().toTimeString().slice(0, 8).replaceAll(":", "-");
    addPhoto(file, `camera ${time}.png`);
    summarize();
  });
}

async function workOffline() {
  if (isOneFile()) return setStatus("Ready, in one file", "ready");
  setStatus("Ready", "ready");
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register("service-worker.js");
  await navigator.serviceWorker.ready;
  setStatus("Ready, also offline", "offline");
}

async function start() {
  if (!globalThis.OffscreenCanvas || !globalThis.WebAssembly) {
    throw new Error("this browser is too old; update it");
  }
  await reader.start();
  setStatus("Ready, loading the more exact model …", "ready");
}

startDemo($("demo"));
connectPhotos();
connectCamera();
const ready = start();
ready
  .then(() => reader.loadStill())
  .then(refine, (error) => {
    if (!reader.loaded.size) throw error;
    settle();
  })
  .then(workOffline)
  .catch((error) => {
    if (reader.loaded.size) return console.warn(error); // it reads, but not offline
    setStatus("The reader did not start", "failed");
    showProblem(`The reader cannot start: ${error.message}`);
  });
