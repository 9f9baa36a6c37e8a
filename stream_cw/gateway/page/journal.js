/** What was sent, what the gateway said to it, and how long it took until each row had followed. */

import { element, icon } from "./dom.js";
import { numberOf, showOf } from "./titles.js";
import { DEVICES, clockTime, millis } from "./words.js";

const MOST_ENTRIES = 60;
const MOST_ROWS = 100;

export class Journal {
  #parts;
  #titles;
  #entries = [];
  #rows = [];
  #spans = [];

  /** `parts`: `entries` (a list), `empty` and `figures`. */
  constructor(parts, titles) {
    this.#parts = parts;
    this.#titles = titles;
  }

  /** Tell of events while they are sent; the time counts from here. */
  async sent(device, events, told, send) {
    const words = told ?? events.map((event) => this.#words(event)).join(", then ");
    const entry = this.#add(device, events.at(-1).type, words);
    entry.ids = events.map(({ event_id }) => event_id);
    return this.#answered(entry, send, ({ accepted, refused }) => {
      if (refused.length) return this.#fail(entry, refusal(refused));
      entry.answer.textContent = `${accepted.length > 1 ? `${accepted.length} events ` : ""}kept after`;
      return true;
    });
  }

  /** Tell of an opening of the app. */
  async opened(device, open) {
    const entry = this.#add(device, "open", "opened the app");
    return this.#answered(entry, open, ({ event, stale }) => {
      entry.ids = [event.event_id];
      entry.answer.textContent = stale ? "older row after" : "answered after";
      return true;
    });
  }

  /** A row has come to a device. */
  row(device, { cause }) {
    this.#rows.push({ device, id: cause.event_id, at: performance.now() });
    if (this.#rows.length > MOST_ROWS) this.#rows.shift();
    this.#match();
  }

  async #answered(entry, call, tell) {
    try {
      const answer = await call();
      if (tell(answer)) {
        entry.answer.textContent += ` ${millis(performance.now() - entry.at)}`;
        this.#match();
      }
      return answer;
    } catch (error) {
      this.#fail(entry, error.message);
      return null;
    }
  }

  #fail(entry, words) {
    entry.root.classList.add("failed");
    entry.answer.textContent = words;
    return false;
  }

  // The last event of an entry is the one whose row counts. The row of a later one answers it too.
  #match() {
    for (const entry of this.#entries) {
      if (!entry.ids) continue;
      for (const row of this.#rows) {
        if (row.id === entry.ids.at(-1) && !entry.spans.has(row.device)) {
          this.#matched(entry, row.device, row.at - entry.at);
        }
      }
    }
  }

  #matched(entry, device, span) {
    entry.spans.set(device, span);
    const text = `${DEVICES[device].name} ${millis(span)}`;
    entry.rows.append(element("span", { class: "span", "data-device": device }, text));
    if (entry.kind === "open") return;
    this.#spans.push(span);
    const sorted = this.#spans.toSorted((a, b) => a - b);
    const at = (share) => millis(sorted[Math.ceil(share * sorted.length) - 1]);
    this.#parts.figures.textContent =
      `Click to row: median ${at(0.5)}, 95th percentile ${at(0.95)}, ${sorted.length} rows`;
  }

  #add(device, kind, words) {
    const entry = { at: performance.now(), kind, ids: null, spans: new Map() };
    entry.answer = element("span", { class: "answer" }, "…");
    entry.rows = element("span", { class: "spans" });
    const time = new Date().toLocaleTimeString([], { hour12: false });
    entry.root = element(
      "li",
      { class: "entry", "data-kind": kind },
      element("span", { class: "who" }, icon(device), DEVICES[device].name),
      element("span", { class: "what" }, words),
      element("time", { class: "muted" }, time),
      entry.answer,
      entry.rows,
    );
    this.#parts.entries.prepend(entry.root);
    this.#parts.empty.hidden = true;
    this.#entries.unshift(entry);
    while (this.#entries.length > MOST_ENTRIES) this.#entries.pop().root.remove();
    return entry;
  }

  #words({ type, title, position_ms }) {
    if (!title) return type.replaceAll("_", " ");
    const name = `${this.#titles.name(showOf(title))} ${numberOf(title)}`;
    return `${type} ${name} at ${clockTime(position_ms)}`;
  }
}

function refusal(refused) {
  return refused.map(({ field, reason }) => `refused: ${reason} ${field ?? ""}`).join("; ");
}
