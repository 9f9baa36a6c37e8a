/** The page: two devices of one profile side by side, and what can be done with them. */

import { Clock } from "./clock.js";
import { askForCredentials, dropCredentials, readCredentials } from "./credentials.js";
import { Device } from "./device.js";
import { element, icon } from "./dom.js";
import { Journal } from "./journal.js";
import { SCENES } from "./scenes.js";
import { Titles } from "./titles.js";
import { DEVICES } from "./words.js";

const PAIRS = [["phone", "tv"], ["phone", "computer"], ["tv", "computer"]];
const ERASED_WITHIN_MS = 2000;
const TICK_MS = 1000;

const parts = {};
for (const part of document.querySelectorAll("body [data-part]")) parts[part.dataset.part] = part;

class Page {
  #world;
  #devices = new Map();

  constructor(credentials, titles) {
    const journal = new Journal(parts, titles);
    const clock = new Clock(parts, () => this.#open("home_view"));
    this.#world = { credentials, titles, journal, clock, over };
    parts.profile.textContent = credentials.profile;
    parts.pairs.append(...PAIRS.map((pair) => this.#pairButton(pair)));
    parts.scenes.append(...Object.values(SCENES).map((scene) => this.#sceneButton(scene)));
    parts.forget.addEventListener("click", () => this.#forget());
    setInterval(() => this.#tick(), TICK_MS);
  }

  async start({ devices, scene }) {
    const asked = devices?.split(",").filter((id) => id in DEVICES) ?? [];
    const answers = await this.#show(asked.length === 2 ? asked : PAIRS[0]);
    const isNew = answers.every((answer) => answer && !answer.row?.tiles.length);
    if (scene in SCENES && isNew) await this.#play(SCENES[scene]);
  }

  /** Put two devices side by side; those that come are opened. */
  async #show(pair) {
    for (const [id, device] of this.#devices) {
      if (pair.includes(id)) continue;
      device.close();
      this.#devices.delete(id);
    }
    const came = pair.filter((id) => !this.#devices.has(id));
    for (const id of came) this.#devices.set(id, new Device(id, this.#world));
    parts.devices.replaceChildren(...pair.map((id) => this.#devices.get(id).root));
    parts.devices.dataset.pair = pair.join("-");
    for (const button of parts.pairs.children) {
      button.setAttribute("aria-pressed", String(button.dataset.pair === pair.join("-")));
    }
    return Promise.all(came.map((id) => this.#devices.get(id).open()));
  }

  #open(event) {
    return Promise.all([...this.#devices.values()].map((device) => device.open(event)));
  }

  async #play(scene) {
    await this.#show(scene.devices);
    await this.#forget();
    const { titles, clock } = this.#world;
    const events = scene.events({ titles, now: Date.now(), offset: clock.offset });
    const first = this.#devices.get(scene.devices[0]);
    await first.send(events.map((event) => this.#of(event)), `the scene: ${scene.told}`);
    await this.#open("home_view");
  }

  // An event of whichever device it says; a session that ended long ago is not the one of now.
  #of({ device: id, ...event }) {
    const { session } = this.#devices.get(id);
    const isOfNow = Date.now() - event.ts < 30 * 60_000;
    const session_id = isOfNow ? session.id : `${id}-${event.ts}`;
    return { ...event, device_id: id, device_type: session.type, session_id };
  }

  async #forget() {
    const devices = [...this.#devices.values()];
    for (const device of devices) device.player.clear();
    const gone = devices.map((device) => device.erased(ERASED_WITHIN_MS));
    await devices[0].send([{ type: "forget_profile" }]);
    await Promise.all(gone);
  }

  #tick() {
    this.#world.clock.tick();
    for (const device of this.#devices.values()) device.player.tick();
  }

  #pairButton(pair) {
    const names = pair.map((id) => DEVICES[id].name).join(" and ");
    const shown = [icon(pair[0]), icon(pair[1]), element("span", { class: "unseen" }, names)];
    const attributes = { type: "button", "data-pair": pair.join("-"), title: names };
    return element("button", { ...attributes, onclick: () => this.#show(pair) }, ...shown);
  }

  #sceneButton(scene) {
    const attributes = { type: "button", class: "button", title: `Starts anew: ${scene.told}` };
    return element("button", { ...attributes, onclick: () => this.#play(scene) }, scene.name);
  }
}

function over(state) {
  dropCredentials();
  askForCredentials(
    state === "expired" ? "The token has expired." : "The token is not for this profile.",
  );
}

const credentials = readCredentials();
if (credentials) await new Page(credentials, await Titles.read()).start(credentials);
else askForCredentials("`make demo` prints a link that brings both.");
