/** Photo files → images, with messages that say what is wrong and what to do. */

const MAX_MEGAPIXELS = 120; // a browser needs 4 bytes per pixel to decode a photo
const READ_MEGAPIXELS = 16; // larger photos are reduced: dials lose nothing, memory is saved
const DECODE_SECONDS = 60; // after which a photo is given up

/** A photo that cannot be read; the message is for people. */
export class PhotoError extends Error {}

const REMEDIES = {
  HEIC: "this browser cannot open HEIC. Save it as JPEG, or on an iPhone choose Settings, Camera, Formats, Most Compatible",
  TIFF: "this browser cannot open TIFF. Save it as JPEG or PNG",
  "JPEG 2000": "this browser cannot open JPEG 2000. Save it as JPEG or PNG",
  "JPEG XL": "this browser cannot open JPEG XL. Save it as JPEG or PNG",
  AVIF: "this browser cannot open this AVIF. Save it as JPEG or PNG",
  PDF: "this is a PDF, not a photo. Save its page as JPEG or PNG",
  video: "this is a video. Use a still picture of it",
};
const HEIF_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"];

/** Return the format of a file, by its first bytes: a key of REMEDIES, "image" or "other". */
function formatOf(bytes) {
  const text = String.fromCharCode(...bytes);
  if (text.slice(4, 8) === "ftyp") {
    const brand = text.slice(8, 12);
    if (HEIF_BRANDS.includes(brand)) return "HEIC";
    return brand.startsWith("avi") ? "AVIF" : "video";
  }
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return "TIFF";
  if (text.startsWith("\0\0\0\x0cjP")) return "JPEG 2000";
  if (text.startsWith("\xff\x0a") || text.startsWith("\0\0\0\x0cJXL")) return "JPEG XL";
  if (text.startsWith("%PDF")) return "PDF";
  if (text.startsWith("\x1aE\xdf\xa3")) return "video";
  const known = ["\xff\xd8", "\x89PNG", "GIF8", "BM"].some((start) => text.startsWith(start));
  return known || text.slice(8, 12) === "WEBP" ? "image" : "other";
}

async function reasonOf(file) {
  if (file.size === 0) return "the file is empty";
  try {
    const format = formatOf(new Uint8Array(await file.slice(0, 16).arrayBuffer()));
    if (format === "image") return "the file is damaged or cut off. Copy it again from where it came from";
    return REMEDIES[format] ?? "this is not a photo that the browser can open. Use JPEG, PNG or WebP";
  } catch {
    return "the file cannot be read. Was it moved or deleted?";
  }
}

/** Return the size of a picture, { width, height } upright, without decoding its pixels. */
async function sizeOf(file) {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    const loaded = new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
    });
    image.src = url;
    await loaded;
    return { width: image.naturalWidth, height: image.naturalHeight };
  } finally {
    URL.revokeObjectURL(url);
  }
}

function withinTime(promise, message) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new PhotoError(message)), 1000 * DECODE_SECONDS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/**
 * Decode a photo, upright; a very large one is reduced.
 * @param {Blob} file
 * @returns {Promise<{image: ImageBitmap, width: number, height: number, scale: number, notes: string[]}>}
 *   the size of the photo, and its pixels per pixel of the image
 */
export async function decode(file) {
  const size = await sizeOf(file).catch(() => null);
  if (!size?.width) throw new PhotoError(await reasonOf(file));
  const { width, height } = size;
  const megapixels = (width * height) / 1e6;
  const described = `${width} × ${height}, ${Math.round(megapixels)} megapixels`;
  if (megapixels > MAX_MEGAPIXELS) {
    throw new PhotoError(`too large (${described}). The limit in a browser is ${MAX_MEGAPIXELS}; save it smaller`);
  }
  const scale = Math.max(1, Math.sqrt(megapixels / READ_MEGAPIXELS));
  const options = scale > 1
    ? { resizeWidth: Math.round(width / scale), resizeHeight: Math.round(height / scale), resizeQuality: "medium" }
    : {};
  let image;
  try {
    image = await withinTime(createImageBitmap(file, options), `decoding it takes too long (${described})`);
  } catch (error) {
    if (error instanceof PhotoError) throw error;
    const large = megapixels > READ_MEGAPIXELS;
    throw new PhotoError(large ? `this browser cannot decode it (${described}); save it smaller` : await reasonOf(file));
  }
  const notes = scale > 1 ? [`reduced from ${Math.round(megapixels)} to ${READ_MEGAPIXELS} megapixels for reading`] : [];
  return { image, width, height, scale: width / image.width, notes };
}

/** Return the photos among dropped or pasted things; other files too, to say what they are. */
export function filesOf(transfer) {
  return [...(transfer?.files ?? [])];
}
