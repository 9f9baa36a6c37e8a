/** What the app knows of its films and series: here, the catalog entries of `titles.jsonl`. */

import { element } from "./dom.js";

const HUES = {
  adventure: 195, anime: 310, cartoon: 52, comedy: 340, crime: 268, documentary: 165, drama: 22,
  learning: 145, reality: 38, romance: 5, scifi: 235,
};

export class Titles {
  #shows = new Map();

  constructor(entries) {
    for (const entry of entries) this.#shows.set(entry.id, entry);
  }

  static async read() {
    const text = await (await fetch("page/titles.jsonl")).text();
    return new Titles(text.trim().split("\n").map((line) => JSON.parse(line)));
  }

  /** The shows with this kind, in the catalog's order. */
  ofKind(kind) {
    return [...this.#shows.values()].filter((show) => show.kind === kind);
  }

  /** What a show is called; a made-up name for one that only the service knows. */
  name(showId) {
    return this.#shows.get(showId)?.name ?? readable(showId);
  }

  /** What an event says of a film, or of an episode: the one at a place, 0 is the first. */
  title(showId, at = 0) {
    return this.#titlesOf(showId)[at];
  }

  /** What is to be played when a tile is chosen; of a finished title the one after it. */
  toPlay(tile) {
    const all = this.#titlesOf(tile.show_id);
    const at = all.findIndex(({ id }) => id === tile.title_id);
    return (tile.up_next && all[at + 1]) || all[at] || titleOf(tile);
  }

  #titlesOf(showId) {
    const show = this.#shows.get(showId);
    if (!show) return [];
    if (show.kind === "movie") return [film(show)];
    return show.seasons.flatMap(({ season, episodes }) =>
      episodes.map((episode) => episodeOf(show, season, episode)),
    );
  }

  /** A picture that nobody had to draw: colours of the genre, and the name's first letters. */
  poster(showId) {
    const name = this.name(showId);
    const seed = hash(showId);
    const genre = this.#shows.get(showId)?.genres?.[0];
    const hue = (HUES[genre] ?? seed % 360) + (seed % 17) - 8;
    return element(
      "span",
      {
        class: "poster",
        "aria-hidden": "true",
        style: { "--hue": hue, "--x": `${10 + (seed % 50)}%`, "--y": `${60 + ((seed >>> 8) % 40)}%` },
      },
      element("span", { class: "initials" }, initials(name)),
    );
  }
}

/** `S1 E4`, or `Film`; what is not known is left out. */
export function numberOf({ kind, season, episode }) {
  if (kind === "movie") return "Film";
  const parts = [season && `S${season}`, episode && `E${episode}`].filter(Boolean);
  return parts.join(" ") || "Series";
}

function film({ id, duration_ms, credits_ms }) {
  return { kind: "movie", id, duration_ms, credits_ms };
}

function episodeOf(show, season, { id, episode, duration_ms, credits_ms }) {
  return { kind: "episode", id, series_id: show.id, season, episode, duration_ms, credits_ms };
}

function titleOf({ kind, show_id, title_id, season, episode, duration_ms }) {
  if (kind === "movie") return { kind, id: title_id, duration_ms };
  return { kind: "episode", id: title_id, series_id: show_id, season, episode, duration_ms };
}

/** The show that a title of an event belongs to. */
export function showOf(title) {
  return title.series_id ?? title.id;
}

function initials(name) {
  const words = name.split(/\s+/).filter((word) => !/^(a|an|the|of|for)$/i.test(word));
  return words.slice(0, 2).map((word) => word[0].toUpperCase()).join("");
}

function readable(id) {
  const words = id.replace(/[._~-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1) || id;
}

function hash(text) {
  let value = 2166136261;
  for (const character of text) value = Math.imul(value ^ character.codePointAt(0), 16777619);
  return value >>> 0;
}
