/** The page's files: from its origin or, in the offline file, from the document itself. */

const urls = new Map();

async function unpacked(element) {
  const text = element.textContent.trim();
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(stream).arrayBuffer();
  return URL.createObjectURL(new Blob([bytes], { type: element.dataset.type }));
}

/** Return a URL of a file of the page, such as "models/reader-small.onnx". */
export async function urlOf(name) {
  if (!urls.has(name)) {
    const element = document.querySelector(`script[data-file="${name}"]`);
    urls.set(name, element ? unpacked(element) : new URL(name, document.baseURI).href);
  }
  return urls.get(name);
}

/** Return the bytes of a file of the page. */
export async function bytesOf(name) {
  const response = await fetch(await urlOf(name));
  if (!response.ok) throw new Error(`${name} cannot be loaded (status ${response.status})`);
  return response.arrayBuffer();
}

/** Whether all files are in the document. */
export function isOneFile() {
  return document.querySelector("script[data-file]") !== null;
}
