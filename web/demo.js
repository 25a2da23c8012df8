/** The drawing at the top of the page: a clock with the present time, marked as a reading is. */

import { svg } from "./dom.js";
import { dialDrawing } from "./overlay.js";
import { timeText } from "./readings.js";

const RADIUS = 100;
const TURNED = 8; // degrees

function direction(turns) {
  return [Math.sin(2 * Math.PI * turns), Math.cos(2 * Math.PI * turns)];
}

function face() {
  const parts = [svg("circle", { class: "case", r: 116 }), svg("circle", { class: "face", r: RADIUS })];
  for (let minute = 0; minute < 60; minute++) {
    const length = minute % 5 ? 4 : 10;
    parts.push(svg("path", { class: "tick", d: `M0 -${94 - length}V-94`, transform: `rotate(${6 * minute})` }));
  }
  for (let hour = 1; hour <= 12; hour++) {
    const [sine, cosine] = direction(hour / 12);
    const text = svg("text", { x: 70 * sine, y: -70 * cosine + 6, class: "numeral" });
    text.textContent = hour;
    parts.push(text);
  }
  return parts;
}

function drawTime(drawing) {
  const now = new Date();
  const minutes = (now.getHours() % 12) * 60 + now.getMinutes();
  const [hour, minute] = [direction(minutes / 720), direction(minutes / 60)];
  const hand = (name, pair, length) =>
    svg("path", { class: `real ${name}`, d: `M${-10 * pair[0]} ${10 * pair[1]}L${length * pair[0]} ${-length * pair[1]}` });
  const clock = svg("g", { transform: `rotate(${TURNED})` }, ...face(), hand("hour", hour, 52), hand("minute", minute, 80));
  const turn = (TURNED * Math.PI) / 180;
  const [s, c] = [RADIUS * Math.sin(turn), RADIUS * Math.cos(turn)];
  const homography = [c, -s, 0, s, c, 0, 0, 0, 1];
  const reading = { homography, hour, minute, second: null, confidence: 1 };
  const text = svg("text", { class: "demo-time", y: 112 });
  text.textContent = timeText(minutes);
  const label = svg("g", {}, svg("rect", { class: "demo-tag", x: -36, y: 94, width: 72, height: 26, rx: 13 }), text);
  drawing.replaceChildren(clock, dialDrawing(reading), label);
}

/** Draw the clock now and at the beginning of every minute. */
export function startDemo(drawing) {
  drawTime(drawing);
  const untilNext = 60_000 - (Date.now() % 60_000);
  setTimeout(() => startDemo(drawing), untilNext + 50);
}
