/** Readings: from the outputs of the networks to objects, JSON and CSV, named as clockread does. */

export const CONFIDENT = 0.9; // confidence from which an outline is solid
export const GUESS = 0.5; // below it, a time is more likely wrong than right

export const USUAL_HOURS = 12; // on a dial

/** Return a time as `h:mm`, with 12 for hour 0 on a usual dial, as one of unknown hours is. */
export function timeText(minutes, hours) {
  const [hour, minute] = [Math.floor(minutes / 60), minutes % 60];
  const isUsual = (hours ?? USUAL_HOURS) === USUAL_HOURS;
  return `${isUsual ? hour || 12 : hour}:${String(minute).padStart(2, "0")}`;
}

/** Return a time as `h:mm:ss`: the nearest whole minute becomes the one that has begun. */
export function timeTextWithSecond({ minutes, second, hours }) {
  const onDial = 60 * (hours ?? USUAL_HOURS);
  const begun = Math.round((60 * minutes - second) / 60);
  const seconds = String(second).padStart(2, "0");
  return `${timeText((begun + onDial) % onDial, hours)}:${seconds}`;
}

/** Return "sure", "unsure" or "guess". */
export function certainty(confidence) {
  if (confidence >= CONFIDENT) return "sure";
  return confidence >= GUESS ? "unsure" : "guess";
}

/** Return a probability in whole percent; 100 % is never claimed. */
export function percent(confidence) {
  return `${Math.min(99, Math.round(100 * confidence))}\u00a0%`;
}

/** Return the homography to pixels of a photo that is `scale` times as large. */
export function scaled(homography, scale) {
  const shift = (scale - 1) / 2; // pixel centers are at whole numbers
  const [a, b, c, d, e, f, g, h, i] = homography;
  return [
    ...[scale * a + shift * g, scale * b + shift * h, scale * c + shift * i],
    ...[scale * d + shift * g, scale * e + shift * h, scale * f + shift * i],
    ...[g, h, i],
  ];
}

/** Return one object per clock, best first, in pixels of the full photo. */
export function readingsOf(outputs, scale = 1) {
  const part = (name, i, size) => Array.from(outputs[name].subarray(size * i, size * (i + 1)));
  return Array.from(outputs.minutes, (minutes, i) => ({
    minutes,
    time: timeText(minutes, outputs.hours?.[i]),
    confidence: outputs.confidence[i],
    dialScore: outputs.dial_score[i],
    box: part("box", i, 4).map((value) => value * scale),
    homography: scaled(part("homography", i, 9), scale),
    rotation: outputs.rotation[i],
    hour: part("hour_sincos", i, 2),
    minute: part("minute_sincos", i, 2),
    second: outputs.second[i] < 0 ? null : outputs.second[i],
    // of later files; null if the file does not say
    mirrored: outputs.mirrored ? Boolean(outputs.mirrored[i]) : null,
    hours: outputs.hours?.[i] ?? null,
  }));
}

const rounded = (value, digits) => Number(value.toFixed(digits));

function readingJson(reading) {
  const h = reading.homography.map((value) => Number((value / reading.homography[8]).toPrecision(8)));
  const json = {
    time: reading.time,
    hour: Math.floor(reading.minutes / 60),
    minute: reading.minutes % 60,
    confidence: rounded(reading.confidence, 4),
    box: reading.box.map((value) => rounded(value, 2)),
    center: [rounded(h[2], 2), rounded(h[5], 2)],
    hour_sincos: reading.hour.map((value) => rounded(value, 4)),
    minute_sincos: reading.minute.map((value) => rounded(value, 4)),
    rotation: rounded(reading.rotation, 2),
    homography: [h.slice(0, 3), h.slice(3, 6), h.slice(6)],
    dial_score: rounded(reading.dialScore, 4),
    second: reading.second,
  };
  if (reading.mirrored !== null) json.mirrored = reading.mirrored;
  if (reading.hours !== null) json.dial_hours = reading.hours;
  return json;
}

/** Return photos and their readings as clockread's JSON: an array of objects. */
export function photosJson(photos) {
  return photos.map((photo) => ({
    path: photo.name,
    width: photo.width ?? null,
    height: photo.height ?? null,
    readings: (photo.readings ?? []).map(readingJson),
    error: photo.error ?? null,
    notes: photo.notes ?? [],
  }));
}

const COLUMNS = [
  ...["path", "width", "height", "time", "hour", "minute", "confidence", "x", "y", "w", "h"],
  ...["center_x", "center_y", "hour_sin", "hour_cos", "minute_sin", "minute_cos", "rotation"],
  ...["dial_score", "second", "error", "notes"],
];

function cell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Return photos as clockread's CSV: one row per clock, or one for a photo without a clock. */
export function photosCsv(photos) {
  const rows = photosJson(photos).flatMap((photo) => {
    const start = [photo.path, photo.width, photo.height];
    const end = [photo.error, photo.notes.join("; ")];
    if (!photo.readings.length) return [[...start, ...Array(17).fill(""), ...end]];
    return photo.readings.map((r) => [
      ...[...start, r.time, r.hour, r.minute, r.confidence, ...r.box, ...r.center],
      ...[...r.hour_sincos, ...r.minute_sincos, r.rotation, r.dial_score, r.second, ...end],
    ]);
  });
  return [COLUMNS, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
