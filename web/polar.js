/** Samples a dial from its photo: the unrolled strip, and a view from the front. */

import { boundsOf, multiply, ring } from "./geometry.js";

const OUTER_RADIUS = 1.12; // dial radii; as in clockread.sampling
const ANGLES = 240; // of the strip that the network reads
const RADII = 64;
const NETWORK_PATCH = 160; // pixels per side of the patch that the network's strip is sampled from
const VIEW_PATCH = 640; // of the one for people
const VIEW_ANGLES = 720;
const VIEW_RADII = 128;
const FRONT = 360; // pixels per side of the view from the front
const MARGIN = 1.25; // side of the patch in sides of the dial's box

/** Cut a dial out of a photo: a square canvas, and the homography from the dial to its pixels. */
function patchAround(image, homography, side) {
  const box = boundsOf(ring(homography, OUTER_RADIUS));
  const size = Math.max(2, Math.max(box.width, box.height) * MARGIN);
  const left = box.x + box.width / 2 - size / 2;
  const top = box.y + box.height / 2 - size / 2;
  const context = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#808080"; // beyond the photo
  context.fillRect(0, 0, side, side);
  const scale = side / size;
  context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
  context.drawImage(image, 0, 0);
  // pixel centers are at whole numbers in the photo and in the patch
  const move = (start) => (0.5 - start) * scale - 0.5;
  const toPatch = [scale, 0, move(left), 0, scale, move(top), 0, 0, 1];
  return { pixels: context.getImageData(0, 0, side, side), inPatch: multiply(toPatch, homography) };
}

/** Sample pixels at the dial points that `pointOf(column, row)` returns; RGBA, bilinear. */
function sample({ pixels, inPatch: h }, width, height, pointOf) {
  const out = new Uint8ClampedArray(width * height * 4);
  const { data, width: side } = pixels;
  const last = side - 1.001;
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += 4) {
      const [dx, dy] = pointOf(column, row);
      const w = Math.max(h[6] * dx + h[7] * dy + h[8], 1e-3);
      const x = Math.min(Math.max((h[0] * dx + h[1] * dy + h[2]) / w, 0), last);
      const y = Math.min(Math.max((h[3] * dx + h[4] * dy + h[5]) / w, 0), last);
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const [fx, fy] = [x - left, y - top];
      const first = 4 * (top * side + left);
      for (let c = 0; c < 3; c++) {
        const i = first + c;
        const above = data[i] * (1 - fx) + data[i + 4] * fx;
        const below = data[i + 4 * side] * (1 - fx) + data[i + 4 * side + 4] * fx;
        out[at + c] = above * (1 - fy) + below * fy;
      }
      out[at + 3] = 255;
    }
  }
  return new ImageData(out, width, height);
}

function onStrip(angle, radius) {
  return [Math.sin(angle) * radius, -Math.cos(angle) * radius];
}

/** Return the grey strip (angles × radii) that the network reads, 12 first. */
export function networkStrip(image, homography) {
  const patch = patchAround(image, homography, NETWORK_PATCH);
  const strip = sample(patch, RADII, ANGLES, (column, row) =>
    onStrip((2 * Math.PI * row) / ANGLES, ((column + 0.5) * OUTER_RADIUS) / RADII),
  );
  const grey = new Uint8Array(ANGLES * RADII);
  for (let i = 0; i < grey.length; i++) {
    const [r, g, b] = strip.data.subarray(4 * i, 4 * i + 3);
    grey[i] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
  }
  return { grey, shape: [1, ANGLES, RADII] };
}

/** Return the strip in color for people: 12 at both ends, the rim at the top. */
export function viewedStrip(patch) {
  return sample(patch, VIEW_ANGLES, VIEW_RADII, (column, row) =>
    onStrip((2 * Math.PI * (column + 0.5)) / VIEW_ANGLES, (1 - (row + 0.5) / VIEW_RADII) * OUTER_RADIUS),
  );
}

/** Return the dial as it looks from the front, 12 at the top. */
export function frontView(patch) {
  const scale = (2 * OUTER_RADIUS) / FRONT;
  return sample(patch, FRONT, FRONT, (column, row) => [
    (column + 0.5) * scale - OUTER_RADIUS,
    (row + 0.5) * scale - OUTER_RADIUS,
  ]);
}

/** Cut the patch that `viewedStrip` and `frontView` are sampled from. */
export function viewedPatch(image, homography) {
  return patchAround(image, homography, VIEW_PATCH);
}
