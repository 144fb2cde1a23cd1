/* Follows streams over one socket and loses nothing: it knows how far each stream got here, asks again from there
 * after any gap, and says so (a reset) where the server no longer can.
 *
 * In a page: <div data-stream="order:17" data-epoch="4f" data-offset="3" hx-trigger="notification" ...> gets a
 * bubbling `notification` event for each event after that position; its detail is {stream, kind, data, id, time},
 * with kind "reset" when the element must be fetched afresh. What no element took arrives at `document`.
 * With data-follow="in-view" it follows only while it can be seen, and goes on from there when it comes back.
 * In a script: subscribe(stream, {epoch, offset}, onEvent, onReset); it returns a function that ends it and says where. */

const PROTOCOL = "shop-notify.v1";
const ACK_EVENTS = 64; // of all streams together: the server's window is of the socket
const ACK_MS = 5000;
const RETRY_MS = 500;
const RETRY_MAX_MS = 30000;
const IN_VIEW_MOST = 24; // of the 32 streams a socket may follow: what is always followed needs some
const SETTLE_MS = 250; // what only flies by while somebody scrolls is not asked for

class Link {
  topics = new Map();
  #socket = null;
  #url;
  #asked = 0;
  #tries = 0;
  #ended = false;
  #retry;
  #silence;
  #patience = 33000;
  #unacked = 0;

  constructor(url) {
    this.#url = url;
    const wake = () => document.visibilityState === "visible" && this.#wake();
    addEventListener("online", () => this.#wake());
    addEventListener("pageshow", wake);
    document.addEventListener("visibilitychange", wake);
    addEventListener("offline", () => this.#hangUp());
    addEventListener("pagehide", () => this.#hangUp()); // a page with a socket is not kept for "back"
    setInterval(() => this.#acknowledge(), ACK_MS);
    this.#open();
  }

  subscribe(stream, { epoch = "", offset = null } = {}, onEvent, onReset) {
    const topic = this.topics.get(stream) ?? { stream, epoch, last: offset, followers: new Set() };
    const follower = { seen: offset ?? topic.last, onEvent, onReset };
    const isNew = !this.topics.has(stream);
    topic.followers.add(follower);
    this.topics.set(stream, topic);
    const isOlder = offset !== null && topic.last !== null && (offset < topic.last || epoch !== topic.epoch);
    if (isNew || isOlder) {
      if (isOlder) [topic.epoch, topic.last] = [epoch, offset];
      if (isNew && this.#ended) this.#renew();
      else this.#ask(topic);
    }
    return () => this.#leave(topic, follower);
  }

  #leave(topic, follower) {
    topic.followers.delete(follower);
    if (!topic.followers.size && this.topics.get(topic.stream) === topic) {
      this.topics.delete(topic.stream);
      this.#say({ t: "unsub", id: ++this.#asked, stream: topic.stream });
    }
    return { epoch: topic.epoch, offset: follower.seen };
  }

  #ask(topic) {
    topic.asked = ++this.#asked;
    const from = topic.last === null ? {} : { e: topic.epoch, o: topic.last };
    this.#say({ t: "sub", id: topic.asked, stream: topic.stream, ...from });
  }

  #say(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  // What the server says

  #hear = {
    welcome: (frame) => {
      this.#patience = (frame.ping + frame.pong) * 1000;
      this.#tries = 0;
      this.#tell("online");
    },
    ok: (frame) => {
      const topic = this.topics.get(frame.stream);
      if (topic?.asked !== frame.id) return;
      topic.asked = null;
      [topic.epoch, topic.last] = [frame.e, frame.o];
      for (const follower of topic.followers) {
        if (!frame.recovered) follower.onReset?.();
        if (!frame.recovered || follower.seen === null) follower.seen = frame.o;
      }
    },
    err: (frame) => {
      const topic = this.topics.get(frame.stream);
      if (topic?.asked !== frame.id) return;
      if (!frame.temporary && !topic.renewed) this.#renew();
      else if (!frame.temporary) this.topics.delete(frame.stream);
      else setTimeout(() => topic.asked === frame.id && this.#ask(topic), 1000 + Math.random() * 4000);
    },
    ev: (frame) => {
      const topic = this.topics.get(frame.s);
      if (!topic || topic.asked || frame.o <= topic.last) return; // what was asked for again comes again
      if (frame.o !== topic.last + 1 || (topic.epoch && frame.e !== topic.epoch)) return this.#ask(topic);
      [topic.epoch, topic.last] = [frame.e, frame.o];
      this.#deliver(topic, frame);
      topic.unacked = true;
      if (++this.#unacked >= ACK_EVENTS) this.#acknowledge();
    },
    ping: (frame) => {
      this.#say({ t: "pong" });
      for (const topic of this.topics.values()) {
        if (!topic.asked && frame.top[topic.stream] > topic.last) this.#ask(topic);
      }
    },
    bye: (frame) => {
      this.#ended = !frame.reconnect;
      this.#hangUp();
      if (this.#ended) this.#tell("ended");
      else this.#openIn(frame.retry_ms);
    },
  };

  #deliver(topic, frame) {
    const event = { stream: frame.s, kind: frame.k, data: frame.d, id: frame.id, time: new Date(frame.ts) };
    let shown = false;
    for (const follower of [...topic.followers]) {
      if (follower.seen >= frame.o) continue;
      follower.seen = frame.o;
      try {
        shown = follower.onEvent?.(event) === true || shown;
      } catch (error) {
        reportError(error);
      }
    }
    if (!shown) announce(document, event);
  }

  #acknowledge() {
    this.#unacked = 0;
    for (const topic of this.topics.values()) {
      if (topic.unacked) this.#say({ t: "ack", s: topic.stream, o: topic.last });
      topic.unacked = false;
    }
  }

  // The socket

  #open() {
    clearTimeout(this.#retry);
    const socket = (this.#socket = new WebSocket(this.#url, PROTOCOL));
    socket.onopen = () => {
      this.#say({ t: "hello" });
      for (const topic of this.topics.values()) this.#ask(topic);
    };
    socket.onmessage = (message) => {
      this.#listen();
      const frame = JSON.parse(message.data);
      this.#hear[frame.t]?.(frame);
    };
    socket.onclose = () => this.#again();
    this.#listen();
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#again(), this.#patience);
  }

  #again() {
    this.#hangUp();
    const most = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** this.#tries++);
    this.#openIn(Math.random() * most); // full jitter: a server that comes back is not stormed
  }

  #openIn(milliseconds) {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#open(), milliseconds);
  }

  /* A page names only what its visitor may read: where that is refused, or the link ended, the visitor's session has
   * begun or changed since the socket opened. Once for each stream. */
  #renew() {
    for (const topic of this.topics.values()) topic.renewed = true;
    this.#ended = false;
    this.#hangUp();
    this.#open();
  }

  #wake() {
    if (this.#socket || this.#ended) return;
    this.#tries = 0;
    this.#open();
  }

  #hangUp() {
    clearTimeout(this.#silence);
    clearTimeout(this.#retry);
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
    this.#tell("offline");
  }

  #tell(state) {
    document.dispatchEvent(new CustomEvent("notification-link", { detail: { state } }));
  }
}

let link;

export function connect(url = new URL("/ws/notifications/", location.href.replace(/^http/, "ws"))) {
  return (link ??= new Link(url));
}

export function subscribe(stream, position, onEvent, onReset) {
  return connect().subscribe(stream, position, onEvent, onReset);
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
