/** Readings drawn over a picture: outline, 12, hands, and a button with the time. */

import { HOUR_LENGTH, MINUTE_LENGTH, SECOND_LENGTH, angleOf, atAngle, boundsOf, project, ring } from "./geometry.js";
import { certainty, percent } from "./readings.js";

const SVG = "http://www.w3.org/2000/svg";
const LABEL_ROOM = 0.09; // of the picture's height: below it, a label goes above its dial

/** Return an SVG element with attributes. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function path(points, close) {
  const text = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  return `M${text}${close ? "Z" : ""}`;
}

function line(h, kind, angle, length) {
  const points = path([project(h, 0, 0), atAngle(h, angle, length)], false);
  return [svg("path", { class: "under", d: points }), svg("path", { class: `hand ${kind}`, d: points })];
}

/** Return the drawing of one dial: a group in pixels of the photo. */
export function dialDrawing({ homography: h, hour, minute, second, confidence }) {
  const outline = path(ring(h, 1), true);
  const twelve = path([atAngle(h, 0, 0.9), atAngle(h, 0, 1.08)], false);
  const seconds = second === null ? [] : line(h, "second", (second * Math.PI) / 30, SECOND_LENGTH);
  return svg(
    "g",
    { class: `clock ${certainty(confidence)}` },
    svg("path", { class: "under", d: outline }),
    svg("path", { class: "outline", d: outline }),
    svg("path", { class: "twelve", d: twelve }),
    ...line(h, "hour", angleOf(hour), HOUR_LENGTH),
    ...line(h, "minute", angleOf(minute), MINUTE_LENGTH),
    ...seconds,
    svg("circle", { class: "pivot", cx: h[2] / h[8], cy: h[5] / h[8], r: 0.1 }),
  );
}

/** Return the place of a label, { x, y, above }: below its dial or, without room there, above. */
function labelPlace(reading, width, height) {
  const box = boundsOf(ring(reading.homography, 1));
  const x = Math.min(Math.max(box.x + box.width / 2, 0), width);
  const bottom = box.y + box.height;
  if (bottom < height * (1 - LABEL_ROOM)) return { x, y: bottom, above: false };
  return { x, y: Math.max(box.y, height * LABEL_ROOM), above: true };
}

function label(reading, { width, height, time, interactive }) {
  const { x, y, above } = labelPlace(reading, width, height);
  const element = document.createElement(interactive ? "button" : "span");
  element.className = `tag ${certainty(reading.confidence)}${above ? " above" : ""}`;
  element.style.left = `${(100 * x) / width}%`;
  element.style.top = `${(100 * y) / height}%`;
  const text = document.createElement("b");
  text.textContent = time;
  element.append(text);
  if (certainty(reading.confidence) !== "sure") element.append(` ${percent(reading.confidence)}`);
  if (interactive) {
    element.type = "button";
    element.ariaLabel = `${time}, ${percent(reading.confidence)} likely. Show how it was read`;
  }
  return element;
}

/**
 * Draw readings over a picture; the best one is on top.
 * @param {HTMLElement} container lies over the picture and has its shape
 * @param {object[]} readings best first; each may have a `shownTime`
 * @param {{width: number, height: number, onSelect?: (index: number) => void}} options
 *   the photo's size in pixels, and what a selected dial calls
 */
export function draw(container, readings, { width, height, onSelect }) {
  const picture = svg("svg", { viewBox: `-0.5 -0.5 ${width} ${height}`, "aria-hidden": "true" });
  const labels = [];
  for (const [index, reading] of [...readings.entries()].reverse()) {
    const time = reading.shownTime ?? reading.time;
    const dial = dialDrawing(reading);
    const tag = label(reading, { width, height, time, interactive: Boolean(onSelect) });
    if (onSelect) {
      for (const element of [dial, tag]) element.addEventListener("click", () => onSelect(index));
    }
    picture.append(dial);
    labels.unshift(tag);
  }
  container.replaceChildren(picture, ...labels);
}
