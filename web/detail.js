/** How one dial was read: its view from the front, its strip, and the chances of each angle. */

import { element, svg } from "./dom.js";
import { HOUR_LENGTH, MINUTE_LENGTH, SECOND_LENGTH, angleOf } from "./geometry.js";
import { dialDrawing } from "./overlay.js";
import { certainty, percent } from "./readings.js";

const WIDTH = 720; // of the strip and its curves, pixels
const HEIGHT = 120; // of the curves
const OUTER_RADIUS = 1.12; // dial radii; as the views are sampled
const HANDS = { hour: HOUR_LENGTH, minute: MINUTE_LENGTH, second: SECOND_LENGTH };
const TURN = 2 * Math.PI;

function canvasOf(imageData, label) {
  const canvas = element("canvas", "");
  Object.assign(canvas, { width: imageData.width, height: imageData.height });
  canvas.getContext("2d").putImageData(imageData, 0, 0);
  canvas.role = "img";
  canvas.ariaLabel = label;
  return canvas;
}

/** Return the angles of the hands that are shown, as shares of a turn, 0 to 1. */
function turnsOf(reading) {
  const turn = (pair) => (angleOf(pair) / TURN + 1) % 1;
  const turns = { hour: turn(reading.hour), minute: turn(reading.minute) };
  return reading.second === null ? turns : { ...turns, second: reading.second / 60 };
}

function frontFigure(front, reading) {
  const side = front.width;
  const scale = side / (2 * OUTER_RADIUS);
  const homography = [scale, 0, side / 2, 0, scale, side / 2, 0, 0, 1];
  const drawing = svg("svg", { viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true" });
  drawing.append(dialDrawing({ ...reading, homography }));
  const view = element("div", "front", canvasOf(front, "The dial, seen from the front"), drawing);
  return element("figure", "", view, element("figcaption", "", "Seen from the front, 12 at the top"));
}

/** Return the marks of the hours under a strip. */
function hourMarks() {
  const row = element("div", "hours");
  row.ariaHidden = "true";
  for (let hour = 0; hour <= 12; hour++) {
    const mark = element("span", "", String(hour || 12));
    mark.style.insetInlineStart = `${(100 * hour) / 12}%`;
    row.append(mark);
  }
  return row;
}

function stripFigure(strip, turns) {
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${strip.height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const [hand, turn] of Object.entries(turns)) {
    const top = strip.height * (1 - HANDS[hand] / OUTER_RADIUS);
    drawing.append(svg("path", { class: `hand ${hand}`, d: `M${turn * WIDTH} ${strip.height}V${top}` }));
  }
  const view = element("div", "strip", canvasOf(strip, "The dial unrolled into a strip"), drawing);
  return view;
}

/** Return the curve of a hand's chances over the angle, the highest one at the top. */
function curve(chances) {
  const highest = Math.max(...chances);
  const step = WIDTH / chances.length;
  const points = [...chances, chances[0]].map((chance, i) => {
    const y = HEIGHT - 4 - (HEIGHT - 12) * (chance / highest);
    return `${(i * step).toFixed(1)} ${y.toFixed(1)}`;
  });
  return `M0 ${HEIGHT}L${points.join("L")}L${WIDTH} ${HEIGHT}Z`;
}

function curvesFigure(chances, hands) {
  const drawing = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": "How likely each angle is, for each hand",
  });
  for (let hour = 1; hour < 12; hour++) {
    drawing.append(svg("path", { class: "grid", d: `M${(hour * WIDTH) / 12} 0V${HEIGHT}` }));
  }
  for (const hand of hands) drawing.append(svg("path", { class: `curve ${hand}`, d: curve(chances[hand]) }));
  return element("div", "curves", drawing);
}

function legend(turns) {
  const texts = {
    hour: (turn) => `Hour hand at ${(turn * 12 || 12).toFixed(1)} hours`,
    minute: (turn) => `Minute hand at ${(turn * 60).toFixed(1)} minutes`,
    second: (turn) => `Second hand at ${Math.round(turn * 60)} seconds`,
  };
  const items = Object.entries(turns).map(([hand, turn]) => element("li", hand, texts[hand](turn)));
  return element("ul", "legend", ...items);
}

function verdict(reading) {
  const level = certainty(reading.confidence);
  const chance = percent(reading.confidence);
  const sentence = {
    sure: `Both hands agree on ${reading.time}.`,
    unsure: `${reading.time} fits both hands best, but other times are possible.`,
    guess: `${reading.time} fits best, but it is more likely wrong than right.`,
  }[level];
  return element("p", `verdict ${level}`, `${sentence} The probability of being right within a minute is ${chance}.`);
}

/** Fill the dialog with a reading and, once they are there, the views of `inspected`. */
export async function showDetail(dialog, title, reading, inspected) {
  dialog.querySelector("#detail-title").textContent = `${reading.time} · ${title}`;
  const body = dialog.querySelector("#detail-body");
  body.replaceChildren(verdict(reading), element("p", "remark", "Unrolling the dial …"));
  dialog.showModal();
  try {
    const { strip, front, chances } = await inspected;
    const turns = turnsOf(reading);
    const unrolled = element("figure", "unrolled", stripFigure(strip, turns), hourMarks(), curvesFigure(chances, Object.keys(turns)));
    unrolled.append(element("figcaption", "", "The unrolled dial: rim at the top, center at the bottom. Below, how likely each angle is for each hand."));
    const views = element("div", "views", frontFigure(front, reading), unrolled);
    body.replaceChildren(verdict(reading), legend(turns), views);
  } catch (error) {
    body.replaceChildren(verdict(reading), element("p", "problem", `The dial cannot be shown: ${error.message}`));
  }
}
