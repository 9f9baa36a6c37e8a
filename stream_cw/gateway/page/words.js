/** Numbers and names in words, the same wherever the page shows them. */

/** The devices that the page can show: id, name, and class as events have it. */
export const DEVICES = {
  phone: { name: "Phone", type: "phone" },
  tv: { name: "TV", type: "tv" },
  computer: { name: "Computer", type: "computer" },
};

/** Why a tile stands where it stands; the words of `stream-cw tail`. */
export const REASONS = {
  recently_watched: "you just watched this",
  on_this_device: "you watch this here",
  around_this_time: "you watch this around this time",
  binge: "next in a binge",
  watched_often: "you watch this often",
  unfinished: "you left in the middle",
  popular: "many go on with this",
  next_episode: "the next episode",
  new_episode: "a new episode is here",
  asleep: "you may have slept through the rest",
  long_in_a_row: "you watched this for hours",
};

/** A reason in words. */
export function reason(word) {
  const words = REASONS[word] ?? word.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `7:05`, or `1:07:05`. */
export function clockTime(ms) {
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes, rest] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(Math.floor);
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** How far a tile was watched, in words. */
export function progressOf({ position_ms, duration_ms, up_next }) {
  if (up_next) return "Next episode";
  if (!duration_ms) return `${minutes(position_ms)} in`;
  return `${minutes(Math.max(0, duration_ms - position_ms))} left`;
}

/** Minutes, spelled for a length. */
export function minutes(ms) {
  const all = Math.max(1, Math.round(ms / 60_000));
  const [hours, rest] = [Math.floor(all / 60), all % 60];
  if (!hours) return `${rest} min`;
  return rest ? `${hours} h ${rest} min` : `${hours} h`;
}

/** Millionths as per cent. */
export function percent(micro) {
  return `${Math.round(micro / 10_000)} %`;
}

/** `first`, `second`, … as far as a page has rows; then numbers. */
export function ordinal(at) {
  return ["first", "second", "third", "fourth", "fifth"][at] ?? `number ${at + 1}`;
}

/** A span of time as it was measured. */
export function millis(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
