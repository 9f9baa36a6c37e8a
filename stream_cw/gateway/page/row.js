/** The tiles of a row; one element for each show, kept while the show is in the row. */

import { element, hidden, icon, setProperties } from "./dom.js";
import { arrange } from "./flip.js";
import { numberOf } from "./titles.js";
import { progressOf, reason } from "./words.js";

export class RowView {
  #list;
  #titles;
  #choose;
  #tiles = new Map();
  #order = [];
  #row = null;

  /** `choose(tile, origin)` is called when a member picks a tile. */
  constructor(list, titles, choose) {
    this.#list = list;
    this.#titles = titles;
    this.#choose = choose;
  }

  /** Show a row, or none; returns what changed in words, empty if nothing a listener must know. */
  show(row) {
    const tiles = row?.tiles ?? [];
    const before = this.#order;
    this.#row = row;
    this.#order = tiles.map((tile) => tile.show_id);
    const shown = tiles.map((tile, rank) => this.#update(tile, rank));
    arrange(this.#list, shown);
    for (const id of this.#tiles.keys()) if (!this.#order.includes(id)) this.#tiles.delete(id);
    if (before[0] !== this.#order[0]) this.#list.scrollTo({ left: 0, behavior: "smooth" });
    return this.#change(before, tiles);
  }

  #update(tile, rank) {
    const known = this.#tiles.get(tile.show_id) ?? this.#make(tile.show_id);
    this.#tiles.set(tile.show_id, known);
    known.tile = tile;
    known.rank.textContent = rank + 1;
    known.episode.textContent = numberOf(this.#titles.toPlay(tile));
    known.progress.textContent = progressOf(tile);
    known.chip.textContent = reason(tile.reason);
    const share = tile.duration_ms ? Math.min(1, tile.position_ms / tile.duration_ms) : 0;
    known.bar.classList.toggle("unknown", !tile.duration_ms);
    setProperties(known.bar, { "--share": tile.up_next ? 0 : share });
    known.root.dataset.rank = rank;
    return known.root;
  }

  #make(showId) {
    const parts = {
      rank: element("span", { class: "rank", "aria-hidden": "true" }),
      episode: element("span", {}),
      progress: element("span", { class: "muted" }),
      bar: element("span", { class: "bar", "aria-hidden": "true" }),
      chip: element("span", { class: "chip" }),
    };
    const poster = this.#titles.poster(showId);
    poster.append(parts.rank, parts.bar, element("span", { class: "go" }, icon("play")));
    const name = element("span", { class: "name" }, this.#titles.name(showId));
    const facts = element("span", { class: "facts" }, parts.episode, hidden(", "), parts.progress);
    const button = element(
      "button",
      { type: "button", class: "tile", onclick: () => this.#chosen(showId) },
      ...[poster, name, hidden(", "), facts, hidden(". "), parts.chip],
    );
    return { ...parts, root: element("li", { "data-show": showId }, button) };
  }

  #chosen(showId) {
    const rank = this.#order.indexOf(showId);
    const revision = this.#row.version.revision;
    this.#choose(this.#tiles.get(showId).tile, { surface: "row", revision, rank });
  }

  #change(before, tiles) {
    const after = this.#order;
    if (after[0] && after[0] !== before[0]) {
      return `${this.#titles.name(after[0])} is now first. ${reason(tiles[0].reason)}.`;
    }
    const came = after.find((id) => !before.includes(id));
    if (came) return `${this.#titles.name(came)} came in at place ${after.indexOf(came) + 1}.`;
    const gone = before.find((id) => !after.includes(id));
    return gone ? `${this.#titles.name(gone)} left the row.` : "";
  }
}
