/**
 * A client of the gateway for browsers: follow a device's row, send its events. No dependencies.
 *
 *     import { followRow } from "./client.js";
 *
 *     const row = followRow({
 *       base: "https://gateway.example",       // "" is the page's own origin
 *       token,                                 // or a function that gives one, asked for each call
 *       profile: "p1",
 *       device: "living-room",
 *       deviceType: "tv",
 *       onRow: (row, version) => show(row.tiles, row.placement),
 *       onErased: () => show([], null),
 *       onState: (state) => console.info(state),
 *     });
 *     await row.open();                        // the session begins: its row is computed now
 *     await row.send({ type: "play", title, position_ms: 0, origin: { surface: "browse" } });
 *     row.close();
 *
 * Rows come in the order of their versions, each at most once, whatever the connection does. When
 * the page is seen again after the row was open for 15 minutes, it is opened again by itself.
 */

const REOPEN_AFTER_MS = 15 * 60_000;
const FIRST_RETRY_MS = 400;
const LONGEST_RETRY_MS = 15_000;
const TRIES = 4;

/** What the gateway refused: `status`, `reason` (a stable word), and `body` as it came. */
export class GatewayError extends Error {
  constructor(status, body, retryAfterMs = 0) {
    super(body?.detail || body?.title || `the gateway answered ${status}`);
    Object.assign(this, { name: "GatewayError", status, body, retryAfterMs });
    this.reason = body?.reason ?? "";
  }
}

/**
 * Follow the row of one device.
 *
 * @param {object} options As above; further: `sessionId`, one of its own if left out, and
 *   `tzOffsetMin`, a function that gives local time minus UTC in minutes, the browser's if left
 *   out. `onState` is told `connecting`, `live`, `waiting`, `expired`, `refused` or `closed`.
 */
export function followRow(options) {
  return new Follower(options);
}

/** An id for an event or a session: 128 random bits. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

class Follower {
  #options;
  #path;
  #held = null;
  #source = null;
  #retry = 0;
  #failures = 0;
  #openedAt = null;
  #closed = false;

  constructor(options) {
    this.#options = {
      base: "",
      deviceType: "computer",
      sessionId: newId(),
      tzOffsetMin: () => -new Date().getTimezoneOffset(),
      onRow: () => {},
      onErased: () => {},
      onState: () => {},
      ...options,
    };
    const { base, profile, device } = this.#options;
    this.#path = `${base}/v1/profiles/${profile}/devices/${device}`;
    document.addEventListener("visibilitychange", this.#seen);
    this.#connect();
  }

  /** Open the app on this device: the row of this moment, also given to `onRow`. */
  async open(event = this.#openedAt === null ? "session_start" : "home_view") {
    const { deviceType, sessionId, tzOffsetMin } = this.#options;
    this.#openedAt = performance.now();
    const answer = await this.#call("POST", `${this.#path}/open`, {
      device_type: deviceType,
      event,
      session_id: sessionId,
      tz_offset_min: tzOffsetMin(),
    });
    if (answer.row) this.#take(answer.row);
    return answer;
  }

  /**
   * Send one event or a list. What an event leaves out is filled in: ids, device, time, offset of
   * local time. It is sent again where nobody knows what came of it: the same id counts once.
   *
   * @returns {Promise<{accepted: object[], refused: object[]}>} Also where none was accepted.
   */
  async send(events) {
    const list = (Array.isArray(events) ? events : [events]).map((event) => this.#filled(event));
    try {
      return await this.#call("POST", `${this.#options.base}/v1/events`, list);
    } catch (error) {
      if (error.body?.refused) return error.body;
      throw error;
    }
  }

  /** End the stream; nothing is called after it. */
  close() {
    this.#closed = true;
    document.removeEventListener("visibilitychange", this.#seen);
    this.#disconnect();
    this.#options.onState("closed");
  }

  #filled(event) {
    const { profile, device, deviceType, sessionId, tzOffsetMin } = this.#options;
    return {
      event_id: newId(),
      profile_id: profile,
      device_id: device,
      device_type: deviceType,
      ts: Date.now(),
      session_id: sessionId,
      tz_offset_min: tzOffsetMin(),
      ...event,
    };
  }

  #seen = () => {
    if (document.visibilityState !== "visible" || this.#openedAt === null) return;
    if (performance.now() - this.#openedAt < REOPEN_AFTER_MS) return;
    this.open("home_view").catch(() => {}); // the stream brings the row, and tells what is wrong
  };

  async #connect() {
    this.#options.onState("connecting");
    try {
      const { ticket } = await this.#call("POST", `${this.#path}/tickets`);
      if (!this.#closed) this.#listen(ticket);
    } catch (error) {
      if (this.#closed) return;
      if (error.status === 401) this.#end("expired");
      else if (error.status === 403) this.#end("refused");
      else this.#reconnect();
    }
  }

  // A ticket is taken once: the browser's own attempt to connect again would come with a used one.
  #listen(ticket) {
    const source = new EventSource(`${this.#path}/rows?ticket=${encodeURIComponent(ticket)}`);
    this.#source = source;
    source.onopen = () => {
      this.#failures = 0;
      this.#options.onState("live");
      if (this.#held) this.#askAfter(this.#held);
    };
    source.onerror = () => this.#reconnect();
    source.addEventListener("row", ({ data }) => this.#take(JSON.parse(data)));
    source.addEventListener("erased", () => this.#erase());
    source.addEventListener("expired", () => this.#expired());
  }

  // A stream that begins says nothing where there is no row: was the one that is held erased?
  async #askAfter(held) {
    try {
      await this.#call("GET", `${this.#path}/row`);
    } catch (error) {
      if (error.status === 404 && this.#held === held) this.#erase();
    }
  }

  #expired() {
    if (typeof this.#options.token === "function") this.#reconnect();
    else this.#end("expired");
  }

  #reconnect() {
    this.#disconnect();
    this.#options.onState("waiting");
    this.#retry = setTimeout(() => this.#connect(), retryDelay(this.#failures++));
  }

  #disconnect() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  #end(state) {
    this.#disconnect();
    this.#options.onState(state);
  }

  #take(row) {
    const held = this.#held;
    if (this.#closed || (held && !isNewer(row, held))) return;
    this.#held = row;
    this.#options.onRow(row, versionOf(row));
  }

  #erase() {
    this.#held = null;
    if (!this.#closed) this.#options.onErased();
  }

  async #call(method, url, body) {
    const { token } = this.#options;
    for (let tries = 1; ; tries++) {
      const bearer = typeof token === "function" ? await token() : token;
      try {
        return await request(method, url, bearer, body);
      } catch (error) {
        const again = !(error instanceof GatewayError) || [429, 503].includes(error.status);
        if (!again || tries === TRIES || this.#closed) throw error;
        await sleep(Math.max(retryDelay(tries - 1), error.retryAfterMs ?? 0));
      }
    }
  }
}

async function request(method, url, token, body) {
  const headers = { Authorization: `Bearer ${token}` };
  if (body) headers["Content-Type"] = "application/json";
  const sent = { method, headers, body: body && JSON.stringify(body), cache: "no-store" };
  const response = await fetch(url, sent);
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw new GatewayError(
    response.status,
    answer,
    1000 * (Number(response.headers.get("Retry-After")) || 0),
  );
}

/** How a version is written: `revision.catalog.model`. */
export function versionOf({ version: { revision, catalog, model } }) {
  return `${revision}.${catalog}.${model}`;
}

// Revisions grow with event time. A lower one at a later time is of a profile that was forgotten
// while nobody was connected, and begins anew.
function isNewer(row, held) {
  if (row.ts > held.ts) return true;
  const [a, b] = [row.version, held.version];
  return (a.revision - b.revision || a.catalog - b.catalog || a.model - b.model) > 0;
}

// Many clients lose a gateway at once: they must not come back at once.
function retryDelay(failures) {
  const most = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
  return most * (0.5 + Math.random() / 2);
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
