/** A clock that moves the local hour: `tz_offset_min` of what is sent, never its time. */

const STEP_MIN = 30;
const DAY_MIN = 24 * 60;
const HALF_DAY_MIN = DAY_MIN / 2;

export class Clock {
  #parts;
  #changed;

  /** `changed()` is called when a member has put the clock to another hour. */
  constructor(parts, changed) {
    this.#parts = parts;
    this.#changed = changed;
    this.offset = homeOffset();
    parts.hour.addEventListener("input", () => this.#set(Number(parts.hour.value)));
    parts.hour.addEventListener("change", () => this.#changed());
    parts.reset.addEventListener("click", () => {
      this.offset = homeOffset();
      this.tick();
      this.#changed();
    });
    this.tick();
  }

  /** Draw what time it is there now. */
  tick() {
    const local = this.#local();
    const { hour, time, offset } = this.#parts;
    time.textContent = clock(local);
    hour.value = Math.floor(local / STEP_MIN) * STEP_MIN;
    hour.setAttribute("aria-valuetext", `${clock(local)}, ${partOfDay(local)}`);
    offset.textContent = `${partOfDay(local)}, tz_offset_min ${this.offset}`;
  }

  #set(wanted) {
    const moved = this.offset + wanted - Math.floor(this.#local() / STEP_MIN) * STEP_MIN;
    this.offset = mod(moved + HALF_DAY_MIN, DAY_MIN) - HALF_DAY_MIN;
    this.tick();
  }

  #local() {
    return mod(Math.floor(Date.now() / 60_000) + this.offset, DAY_MIN);
  }
}

function homeOffset() {
  return -new Date().getTimezoneOffset();
}

function clock(minutes) {
  return [minutes / 60, minutes % 60].map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
}

function partOfDay(minutes) {
  const names = ["night", "morning", "afternoon", "evening"];
  return names[Math.floor(mod(minutes, DAY_MIN) / 360)];
}

function mod(value, by) {
  return ((value % by) + by) % by;
}
