/** One card per photo: the picture, its times, and what went wrong. */

import { element } from "./dom.js";
import { draw } from "./overlay.js";
import { USUAL_HOURS, certainty, percent, timeTextWithSecond } from "./readings.js";

const WORDS = { sure: "", unsure: "unsure", guess: "a guess" };

function timeRow(reading, onSelect) {
  const level = certainty(reading.confidence);
  const text = reading.second === null ? reading.time : timeTextWithSecond(reading);
  const [hour, minute, second] = text.split(":");
  const time = element("span", "time", `${hour}:${minute}`);
  if (second) time.append(element("small", "", `:${second}`));
  const bar = element("span", "bar", element("i", ""));
  bar.firstChild.style.inlineSize = `${100 * reading.confidence}%`;
  bar.ariaHidden = "true";
  const words = [percent(reading.confidence), WORDS[level]];
  if (reading.mirrored) words.push("mirrored");
  if ((reading.hours ?? USUAL_HOURS) !== USUAL_HOURS) words.push(`${reading.hours}-hour dial`);
  const chance = element("span", "chance", bar, words.filter(Boolean).join(", "));
  const how = element("button", "button small how", "Show how");
  how.type = "button";
  how.ariaLabel = `Show how ${reading.time} was read`;
  how.addEventListener("click", onSelect);
  return element("li", `reading ${level}`, time, chance, how);
}

function remark(photo) {
  if (photo.error) return element("p", "problem", `${photo.error}.`);
  if (photo.readings === null) return element("p", "remark", "Reading …");
  if (!photo.readings.length) {
    return element("p", "remark", "No clock found. A larger or sharper picture of the dial may help.");
  }
  return null;
}

export class Card {
  /**
   * @param {{name: string}} photo
   * @param {{onInspect: (photo: object, index: number) => void, onRemove: (photo: object) => void}} actions
   */
  constructor(photo, actions) {
    this.photo = photo;
    this.actions = actions;
    this.element = element("li", "card");
    this.picture = element("div", "picture");
    this.body = element("div", "card-body");
    this.element.append(element("div", "frame", this.picture), this.body);
    this.update();
  }

  /** Show the photo as it is now: waiting, read, or failed. */
  update() {
    const { photo } = this;
    this.element.classList.toggle("failed", Boolean(photo.error));
    this.element.classList.toggle("waiting", photo.readings === null && !photo.error);
    if (photo.picture && !this.image) this.#showPicture();
    this.#drawReadings();
    const remove = element("button", "remove", "×");
    remove.type = "button";
    remove.ariaLabel = `Remove ${photo.name}`;
    remove.addEventListener("click", () => this.actions.onRemove(photo));
    const title = element("h3", "", photo.name);
    title.title = photo.name;
    this.body.replaceChildren(element("div", "card-head", title, remove));
    const readings = photo.readings ?? [];
    if (readings.length) {
      const select = (index) => () => this.actions.onInspect(photo, index);
      this.body.append(element("ul", "times", ...readings.map((r, i) => timeRow(r, select(i)))));
    }
    const text = remark(photo);
    if (text) this.body.append(text);
    const notes = [...(photo.notes ?? [])];
    if (photo.refining) notes.push("a more exact reading follows");
    if (notes.length) this.body.append(element("p", "note", notes.join("; ")));
  }

  #showPicture() {
    this.image = element("img", "");
    this.image.alt = "";
    this.image.width = this.photo.width;
    this.image.height = this.photo.height;
    this.image.src = this.photo.picture;
    this.overlay = element("div", "overlay");
    this.element.style.setProperty("--shape", this.photo.width / this.photo.height);
    this.picture.append(this.image, this.overlay);
  }

  #drawReadings() {
    const { photo } = this;
    if (!this.overlay || !photo.readings) return;
    const times = photo.readings.map((reading) => reading.time).join(", ");
    this.image.alt = times ? `${photo.name}, showing ${times}` : `${photo.name}, no clock found`;
    const onSelect = (index) => this.actions.onInspect(photo, index);
    draw(this.overlay, photo.readings, { width: photo.width, height: photo.height, onSelect });
  }
}
