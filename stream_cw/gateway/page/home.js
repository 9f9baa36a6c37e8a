/** A home page in outline: the row among rows of discovery, where its placement puts it. */

import { element, setProperties } from "./dom.js";
import { arrange } from "./flip.js";
import { ordinal, percent } from "./words.js";

const SHELVES = { Series: "series", Films: "movie" };

export class HomeView {
  #parts;
  #shelves;

  /** `start(showId)` is called when a member picks something new. */
  constructor(parts, titles, start) {
    this.#parts = parts;
    this.#shelves = Object.entries(SHELVES).map(([name, kind]) =>
      shelf(`Discover: ${name.toLowerCase()}`, titles.ofKind(kind), titles, start),
    );
    this.show(null);
  }

  /** Place the row; without one it stands first, and says that it is empty. */
  show(row) {
    const { home, row: section, empty, chance, share, placement } = this.#parts;
    const slot = row?.placement.slot ?? 0;
    const at = Math.min(slot, this.#shelves.length);
    arrange(home, this.#shelves.toSpliced(at, 0, section));
    empty.hidden = Boolean(row?.tiles.length);
    chance.hidden = !row;
    if (!row) {
      placement.textContent = "No row yet.";
      return;
    }
    const likely = percent(row.placement.p_continue);
    share.textContent = likely;
    setProperties(chance, { "--share": row.placement.p_continue / 1e6 });
    placement.replaceChildren(
      "It is ",
      element("b", {}, `${likely} likely`),
      " that this session goes on with one of these, so their row is the ",
      element("b", {}, `${ordinal(slot)} of the page`),
      ` (slot ${slot}).`,
    );
  }
}

function shelf(name, shows, titles, start) {
  const cards = shows.map((show) =>
    element(
      "li",
      {},
      element(
        "button",
        { type: "button", class: "card", onclick: () => start(show.id) },
        titles.poster(show.id),
        element("span", { class: "name" }, show.name),
      ),
    ),
  );
  const list = element("ul", { class: "cards", "aria-label": name }, ...cards);
  return element("div", { class: "shelf" }, element("h3", {}, name), list);
}
