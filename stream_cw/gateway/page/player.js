/** A small player: it shows nothing, but tells where it is, as players do. */

import { numberOf, showOf } from "./titles.js";
import { clockTime, minutes } from "./words.js";

const TICK_MS = 1000;
const SKIP_MS = 5 * 60_000;
const LONGEST_MS = 3 * 3_600_000;

export class Player {
  #parts;
  #titles;
  #send;
  #title = null;
  #position = 0;
  #state = "idle";

  /** `send(events)` takes plays, pauses and stops. */
  constructor(parts, titles, send) {
    this.#parts = parts;
    this.#titles = titles;
    this.#send = send;
    parts.play.addEventListener("click", () => this.#act("play"));
    parts.pause.addEventListener("click", () => this.#act("pause"));
    parts.stop.addEventListener("click", () => this.#act("stop"));
    parts.skip.addEventListener("click", () => this.#seek(this.#position + SKIP_MS));
    parts.finish.addEventListener("click", () => this.#seek(this.#credits()));
    parts.position.addEventListener("input", () => this.#seek(Number(parts.position.value)));
    this.#draw();
  }

  /** Start a title; what was playing is stopped where it is. */
  start(title, position, origin) {
    const events = this.#isOn() ? [this.#report("stop")] : [];
    this.#title = title;
    this.#position = position;
    this.#state = "playing";
    events.push({ ...this.#report("play"), origin });
    this.#draw();
    this.#send(events);
  }

  /** Let the time of a playing title go on; at its end it stops. */
  tick() {
    if (this.#state !== "playing") return;
    this.#seek(this.#position + TICK_MS);
    if (this.#position >= this.#length()) this.#act("stop");
  }

  /** Forget what was loaded. */
  clear() {
    this.#title = null;
    this.#position = 0;
    this.#state = "idle";
    this.#draw();
  }

  #act(type) {
    if (!this.#may(type)) return;
    this.#state = { play: "playing", pause: "paused", stop: "stopped" }[type];
    this.#draw();
    this.#send([this.#report(type)]);
  }

  #may(type) {
    if (!this.#title) return false;
    if (type === "play") return this.#state !== "playing";
    return type === "pause" ? this.#state === "playing" : this.#isOn();
  }

  #isOn() {
    return this.#state === "playing" || this.#state === "paused";
  }

  #report(type) {
    return { type, title: this.#title, position_ms: Math.round(this.#position) };
  }

  #seek(position) {
    if (!this.#title) return;
    this.#position = Math.max(0, Math.min(position, this.#length()));
    this.#draw();
  }

  #length() {
    return this.#title?.duration_ms ?? LONGEST_MS;
  }

  #credits() {
    return this.#title?.credits_ms ?? this.#length();
  }

  #draw() {
    const { title, state, position, time, play, pause, stop, skip, finish, picture } = this.#parts;
    const on = this.#title;
    const show = on && showOf(on);
    title.textContent = on ? this.#titles.name(show) : "Nothing is on";
    state.textContent = on ? `${numberOf(on)} · ${this.#state}` : "Pick a tile or something new";
    if (picture.dataset.show !== (show ?? "")) {
      picture.replaceChildren(...(on ? [this.#titles.poster(show)] : []));
      picture.dataset.show = show ?? "";
    }
    position.max = this.#length();
    position.value = this.#position;
    position.disabled = !on;
    position.setAttribute("aria-valuetext", `${minutes(this.#position)} of ${minutes(this.#length())}`);
    position.style.setProperty("--share", this.#position / this.#length());
    time.textContent = on ? `${clockTime(this.#position)} / ${clockTime(this.#length())}` : "–:––";
    enable(play, this.#may("play"));
    enable(pause, this.#may("pause"));
    enable(stop, this.#may("stop"));
    enable(skip, Boolean(on));
    enable(finish, Boolean(on));
  }
}

// A button that is disabled loses the keyboard's focus; one that only says so keeps it.
function enable(button, can) {
  button.setAttribute("aria-disabled", String(!can));
}
