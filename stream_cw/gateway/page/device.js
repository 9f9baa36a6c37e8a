/** One device of the profile: its home page with the row, a player, and the stream behind them. */

import { followRow, newId } from "./client.js";
import { fromTemplate, icon } from "./dom.js";
import { HomeView } from "./home.js";
import { Player } from "./player.js";
import { RowView } from "./row.js";
import { DEVICES } from "./words.js";

const STATES = {
  connecting: "connecting",
  live: "live",
  waiting: "connecting again",
  expired: "session over",
  refused: "not allowed",
  closed: "closed",
};

export class Device {
  #parts;
  #home;
  #row;
  #follower;
  #journal;
  #waiting = [];

  /**
   * @param {string} id One of `DEVICES`.
   * @param {object} world `credentials`, `titles`, `journal`, `clock`, and `over(state)`, called
   *   when the stream may not go on.
   */
  constructor(id, { credentials, titles, journal, clock, over }) {
    const { name, type } = DEVICES[id];
    const { root, parts } = fromTemplate("device");
    this.id = id;
    this.root = root;
    this.session = { id: sessionOf(id), type };
    this.shown = null;
    this.#parts = parts;
    this.#journal = journal;
    root.dataset.device = id;
    parts.name.textContent = name;
    parts.picture.replaceWith(icon(id));
    parts.tiles.setAttribute("aria-label", `Continue Watching, ${name}`);
    parts.player.setAttribute("aria-label", `Player, ${name}`);
    label(root, parts.name, id);
    this.#row = new RowView(parts.tiles, titles, (tile, origin) => this.#resume(tile, origin));
    this.#home = new HomeView(parts, titles, (showId) =>
      this.player.start(titles.title(showId), 0, { surface: "browse" }),
    );
    const player = { ...parts, title: parts.playing, state: parts.doing, picture: parts.poster };
    this.player = new Player(player, titles, (events) => this.send(events));
    this.titles = titles;
    this.#follower = followRow({
      token: credentials.token,
      profile: credentials.profile,
      device: id,
      deviceType: type,
      sessionId: this.session.id,
      tzOffsetMin: () => clock.offset,
      onRow: (row, version) => this.#show(row, version),
      onErased: () => this.#show(null),
      onState: (state) => this.#tell(state, over),
    });
  }

  /** Open the app here: the row of this moment. */
  async open(event) {
    return this.#journal.opened(this.id, () => this.#follower.open(event));
  }

  /** Send events of this device, as one entry of the log. */
  async send(events, told = null) {
    const named = events.map((event) => ({ event_id: newId(), ...event }));
    return this.#journal.sent(this.id, named, told, () => this.#follower.send(named));
  }

  /** Wait until the row is gone, or for so long. */
  erased(mostMs) {
    if (!this.shown) return Promise.resolve();
    return new Promise((resolve) => {
      setTimeout(resolve, mostMs);
      this.#waiting.push(resolve);
    });
  }

  /** Leave the page. */
  close() {
    this.#follower.close();
    this.root.remove();
  }

  #resume(tile, origin) {
    this.player.start(this.titles.toPlay(tile), tile.position_ms, origin);
  }

  #show(row, version) {
    this.shown = row;
    const change = this.#row.show(row);
    this.#home.show(row);
    this.#parts.version.textContent = row ? `version ${version}` : "";
    if (change) this.#parts.announcement.textContent = `${DEVICES[this.id].name}: ${change}`;
    if (row) this.#journal.row(this.id, row);
    else this.#waiting.splice(0).forEach((resolve) => resolve());
  }

  #tell(state, over) {
    this.#parts.state.textContent = STATES[state];
    this.#parts.state.dataset.state = state;
    if (state === "expired" || state === "refused") over(state);
  }
}

// A tab that is loaded again goes on with its session, as an app that was in the background does.
function sessionOf(device) {
  const key = `stream-cw.session.${device}`;
  const id = sessionStorage.getItem(key) ?? newId();
  sessionStorage.setItem(key, id);
  return id;
}

function label(root, name, id) {
  name.id = `name-${id}`;
  root.setAttribute("aria-labelledby", name.id);
}
