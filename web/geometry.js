/** Points of a dial in pixels of its photo, through the homography that the reader returns. */

export const HOUR_LENGTH = 0.55; // dial radii, as clockread draws hands
export const MINUTE_LENGTH = 0.85;
export const SECOND_LENGTH = 0.9;

/**
 * Map a dial point to the photo.
 * @param {ArrayLike<number>} h homography, nine numbers, row by row
 * @returns {[number, number]} pixels
 */
export function project(h, x, y) {
  const w = h[6] * x + h[7] * y + h[8];
  return [(h[0] * x + h[1] * y + h[2]) / w, (h[3] * x + h[4] * y + h[5]) / w];
}

/** Return the photo's point at an angle (radians, clockwise from 12) and a radius. */
export function atAngle(h, angle, radius) {
  return project(h, Math.sin(angle) * radius, -Math.cos(angle) * radius);
}

/** Return the points of a circle around the dial's center, as it lies in the photo. */
export function ring(h, radius, count = 72) {
  return Array.from({ length: count }, (_, i) => atAngle(h, (2 * Math.PI * i) / count, radius));
}

/** Return the bounds { x, y, width, height } of points. */
export function boundsOf(points) {
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** Return matrix · homography, both nine numbers, row by row. */
export function multiply(a, b) {
  return Array.from({ length: 9 }, (_, i) => {
    const [row, column] = [Math.floor(i / 3), i % 3];
    return a[3 * row] * b[column] + a[3 * row + 1] * b[column + 3] + a[3 * row + 2] * b[column + 6];
  });
}

/** Return a mean direction (sine, cosine) as radians, clockwise from 12. */
export function angleOf([sine, cosine]) {
  return Math.atan2(sine, cosine);
}
