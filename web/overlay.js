/** Readings drawn over a picture: outline, 12, hands, and a button with the time. */

import { element, svg } from "./dom.js";
import { HOUR_LENGTH, MINUTE_LENGTH, SECOND_LENGTH, angleOf, atAngle, boundsOf, project, ring } from "./geometry.js";
import { certainty, percent } from "./readings.js";

const LABEL_ROOM = 0.14; // of the picture's height: below it, a label goes above its dial
const EDGE = 0.2; // of the picture's width: nearer to an edge, a label is not centered on its dial

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
  const level = certainty(reading.confidence);
  const tag = element(interactive ? "button" : "span", `tag ${level}${above ? " above" : ""}`);
  const share = x / width;
  const anchor = Math.min(share / EDGE, 1) / 2 + Math.max(0, 1 - (1 - share) / EDGE) / 2;
  tag.style.left = `${100 * share}%`;
  tag.style.setProperty("--anchor", `${-100 * anchor}%`);
  tag.style.top = `${(100 * y) / height}%`;
  tag.append(element("b", "", time));
  if (level !== "sure") tag.append(` ${percent(reading.confidence)}`);
  if (interactive) {
    tag.type = "button";
    tag.ariaLabel = `${time}, ${percent(reading.confidence)} likely. Show how it was read`;
  }
  return tag;
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
  const tags = [];
  for (const [index, reading] of [...readings.entries()].reverse()) {
    const time = reading.shownTime ?? reading.time;
    const dial = dialDrawing(reading);
    const tag = label(reading, { width, height, time, interactive: Boolean(onSelect) });
    if (onSelect) {
      for (const target of [dial, tag]) target.addEventListener("click", () => onSelect(index));
    }
    picture.append(dial);
    tags.unshift(tag);
  }
  container.replaceChildren(picture, ...tags);
}
