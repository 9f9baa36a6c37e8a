/** Things that a profile may have watched, as the events that its players would have sent. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Days ago, from the eighth on: the local hour, the device, and what it showed how far. */
const WEEK = [
  { hour: 7.5, device: "phone", show: "otter-post", days: [7, 6, 5, 4, 3, 2, 1] },
  { hour: 22, device: "phone", show: "night-desk", days: [8, 7, 6, 5, 4, 3, 2] },
  { hour: 16, device: "tv", show: "paper-lanterns", days: [7, 5, 4, 2, 1] },
  { hour: 20.5, device: "tv", show: "cold-harbour", days: [8, 6, 5, 3, 2], last: 0.6 },
  { hour: 20, device: "tv", show: "the-long-thaw", days: [4], last: 0.4 },
];

export const SCENES = {
  household: {
    name: "Phone and browser",
    told: "a children’s show on the phone, then a crime drama in the browser",
    devices: ["phone", "computer"],
    events: household,
  },
  week: {
    name: "A week of habits",
    told: "a week of mornings and nights, so that the hour matters",
    devices: ["phone", "tv"],
    events: week,
  },
};

/**
 * @param {object} world `titles`; `now`, ms; `offset`, local time minus UTC in minutes.
 * @returns Events without ids and profile, each with its `device`, in the order of their times.
 */
function household({ titles, now }) {
  return [
    ...watched("phone", titles.title("otter-post"), now - 12 * MINUTE, 4 * MINUTE),
    ...watched("computer", titles.title("cold-harbour"), now - 7 * MINUTE, 6 * MINUTE),
  ];
}

function week({ titles, now, offset }) {
  const midnight = Math.floor((now + offset * MINUTE) / DAY) * DAY - offset * MINUTE;
  return WEEK.flatMap(({ hour, device, show, days, last = 1 }) =>
    days.flatMap((day, at) => {
      const title = titles.title(show, at);
      const seen = at === days.length - 1 ? last : 1;
      const until = seen < 1 ? seen * title.duration_ms : title.credits_ms;
      return watched(device, title, midnight - day * DAY + hour * HOUR, until);
    }),
  ).sort((a, b) => a.ts - b.ts);
}

function watched(device, title, ts, until) {
  return [
    { type: "session_start", device, ts },
    { type: "play", device, ts, title, position_ms: 0 },
    { type: "stop", device, ts: ts + until, title, position_ms: until },
  ];
}
