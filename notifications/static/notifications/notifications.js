/* Follows streams and loses nothing. All tabs of a browser share one connection (worker.js, link.js), where browsers can.
 *
 * In a page: <div data-stream="order:17" data-epoch="4f" data-offset="3" hx-trigger="notification" ...> gets a
 * bubbling `notification` event for each event after that position; its detail is {stream, kind, data, id, time}. Two
 * kinds are not in the log: "reset" when the element must be fetched afresh, "closed" when this reader may not follow
 * the stream (any more). What no element took arrives at `document`.
 * With data-follow="in-view" it follows only while it can be seen, and goes on from there when it comes back.
 * In a script: subscribe(stream, {epoch, offset}, onEvent, onReset); it returns a function that ends it and says where.
 * The `notification-link` event at `document` tells {state, code}: "online", "offline", or "ended" with the code of the
 * server's last word, such as 4503 once whom the page was made for is signed out. */

import { Switchboard, url as workerUrl } from "./worker.js";

const IN_VIEW_MOST = 24; // of the 32 streams that fit a connection: what is always followed needs some
const SETTLE_MS = 250; // what only flies by while somebody scrolls is not asked for

const reader = document.querySelector("[data-reader]")?.dataset.reader ?? null; // whom this page was made for
const followers = new Map();
let count = 0;
let way = null;
let mayShare = "SharedWorker" in globalThis && Boolean(navigator.locks);
let ownBoard;

export function subscribe(stream, { epoch = "", offset = null } = {}, onEvent, onReset) {
  const follower = { id: ++count, stream, epoch, offset, onEvent, onReset };
  followers.set(follower.id, follower);
  if (way) askFor(follower);
  else join();
  return () => {
    if (followers.delete(follower.id)) way?.say("leave", follower.id);
    return { epoch: follower.epoch, offset: follower.offset };
  };
}

function askFor({ id, stream, epoch, offset }) {
  way.say("follow", id, stream, epoch, offset);
}

// The way to the link: through the shared worker, or in this page

class SharedWay {
  #port;
  #isJoined = false;
  #parting = new AbortController();

  constructor() {
    const worker = new SharedWorker(workerUrl, { type: "module", name: JSON.stringify(reader) });
    worker.onerror = () => this.#lose(false);
    this.#port = worker.port;
    this.#port.onmessage = ({ data }) => (data.lock ? this.#watch(data.lock) : hear(data));
    const lock = crypto.randomUUID();
    this.#hold(lock, () => {
      if (this.#parting.signal.aborted) return;
      this.#isJoined = true;
      this.say("join", lock);
      followers.forEach(askFor);
      return new Promise((free) => this.#parting.signal.addEventListener("abort", free));
    });
  }

  say(...words) {
    if (this.#isJoined) this.#port.postMessage(words);
  }

  part() {
    this.say("part");
    this.#isJoined = false;
    this.#parting.abort();
    this.#port.close();
  }

  /* It gets the worker's own lock only when the worker is gone. */
  #watch(lock) {
    this.#hold(lock, () => this.#lose(true));
  }

  #hold(lock, then) {
    navigator.locks.request(lock, { signal: this.#parting.signal }, then).catch((error) => {
      if (error.name !== "AbortError") reportError(error);
    });
  }

  #lose(mayShareAgain) {
    if (way !== this) return;
    mayShare = mayShareAgain;
    part();
    join();
  }
}

class OwnWay {
  #page;

  constructor() {
    ownBoard ??= new Switchboard(reader);
    this.#page = ownBoard.connect(hear);
    this.say("join");
    queueMicrotask(() => way === this && followers.forEach(askFor));
  }

  say(...words) {
    this.#page.receive(words);
  }

  part() {
    this.#page.part();
  }
}

function join() {
  if (followers.size) way ??= mayShare ? new SharedWay() : new OwnWay();
}

function part() {
  way?.part();
  way = null;
}

addEventListener("pageshow", join);
document.addEventListener("resume", join);
addEventListener("pagehide", part); // a page with a connection is not kept for "back"
document.addEventListener("freeze", part);
addEventListener("online", () => way?.say("wake"));
addEventListener("offline", () => way?.say("sleep"));
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && way?.say("wake"));

// What comes by it

function hear({ ids, frame, state, code }) {
  if (state) return document.dispatchEvent(new CustomEvent("notification-link", { detail: { state, code } }));
  const known = ids.map((id) => followers.get(id)).filter(Boolean);
  heard[frame.t](known, frame);
}

const heard = {
  ok: (known, { e, o, recovered }) => {
    for (const follower of known) {
      [follower.epoch, follower.offset] = [e, o];
      if (!recovered) follower.onReset?.();
    }
  },
  err: (known, { stream, code }) => {
    for (const follower of known) {
      followers.delete(follower.id);
      follower.onEvent?.({ stream, kind: "closed", data: { code } });
    }
  },
  ev: (known, frame) => {
    const event = { stream: frame.s, kind: frame.k, data: frame.d, id: frame.id, time: new Date(frame.ts) };
    const shown = known.map((follower) => show(follower, frame, event));
    if (!shown.includes(true)) announce(document, event);
  },
};

function show(follower, { e, o }, event) {
  [follower.epoch, follower.offset] = [e, o];
  try {
    return follower.onEvent?.(event) === true;
  } catch (error) {
    reportError(error);
    return false;
  }
}

function announce(target, detail) {
  target.dispatchEvent(new CustomEvent("notification", { bubbles: true, detail }));
}

// Elements

const followed = new Map();

function follow(element) {
  const [streams, epochs, offsets] = ["stream", "epoch", "offset"].map((name) =>
    (element.dataset[name] ?? "").split(" ").filter(Boolean),
  );
  const show = (event) => {
    if (element.isConnected) announce(element, event);
    return element.isConnected;
  };
  const ends = streams.map((stream, at) => {
    const epoch = epochs[at] === "-" ? "" : epochs[at];
    const offset = at in offsets ? Number(offsets[at]) : null;
    return subscribe(stream, { epoch, offset }, show, () => show({ stream, kind: "reset", data: {} }));
  });
  followed.set(element, ends);
}

function forget(element) {
  const places = followed.get(element).map((end) => end());
  followed.delete(element);
  element.dataset.epoch = places.map(({ epoch }) => epoch || "-").join(" ");
  element.dataset.offset = places.map(({ offset }) => offset ?? "").join(" ");
}

function scan(root) {
  for (const element of [root, ...root.querySelectorAll("[data-stream]")]) {
    if (!element.dataset?.stream) continue;
    if (element.dataset.follow === "in-view") watcher.observe(element);
    else if (!followed.has(element)) follow(element);
  }
  for (const element of followed.keys()) if (!element.isConnected) forget(element);
}

// Elements that follow while they are in view

const inView = new Set();
let settling;

const watcher = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting } of changes) inView[isIntersecting ? "add" : "delete"](target);
  clearTimeout(settling);
  settling = setTimeout(settle, SETTLE_MS);
});

function settle() {
  const wanted = new Set([...inView].slice(0, IN_VIEW_MOST));
  for (const element of followed.keys()) {
    if (element.dataset.follow === "in-view" && !wanted.has(element)) forget(element);
  }
  for (const element of wanted) if (!followed.has(element)) follow(element);
}

document.addEventListener("htmx:load", (event) => scan(event.detail.elt));
scan(document);
