/* One connection for all who follow streams here. It loses nothing: it knows how far each stream got, asks again from
 * there after any gap, and passes it on (an `ok` with `recovered: false`) where the server no longer can.
 *
 * It runs in a shared worker or in a page, and touches no document. A follower is {owner, id}; its owner's
 * hear(ids, frame) gets the `ok`, `ev` and `err` frames that are for those followers. */

import { EventLine, SocketLine } from "./lines.js";

const ACK_EVENTS = 64; // of all streams together: the server's window is of the connection
const TICK_MS = 5000;
const RETRY_MS = 500;
const RETRY_MAX_MS = 30000;
const OPEN_MS = 15000; // a line that has not been welcomed by then never will be
const GATHER_MS = 50;
const SOCKET_TRIES = 3;
const SOCKET_AGAIN_MS = 60000;
const SOCKET_AGAIN_MAX_MS = 15 * 60000;
const REVOKED = 4503;
const TOO_MANY = 4504;
const FEWER_MS = 60000; // by then the server knows which of the reader's sockets are dead
const NOTHING_WRONG = new Set([4009, 4020]); // a full window, or old age

export class Link {
  state = { state: "offline" };
  #reader;
  #tell;
  #topics = new Map();
  #asked = 0;
  #unacked = 0;
  #line = null;
  #isSocket = true;
  #isWelcome = false;
  #isOver = false;
  #retry = null;
  #tries = 0;
  #failures = 0; // lines in a row that were never welcomed
  #heardAt = 0;
  #patience = OPEN_MS;
  #isInDoubt = false;
  #socketAt = 0;
  #socketAfter = SOCKET_AGAIN_MS;

  /* `reader` is whom the pages were made for: another's connection must not serve them. "" is nobody, null unknown. */
  constructor(reader, tell) {
    this.#reader = reader;
    this.#tell = tell;
    setInterval(() => this.#tick(), TICK_MS);
  }

  get size() {
    return this.#topics.size;
  }

  has(stream) {
    return this.#topics.has(stream);
  }

  /* Returns a function that ends it. Without an offset the stream is followed from now on. */
  follow(stream, epoch, offset, follower) {
    const known = this.#topics.get(stream);
    const topic = known ?? { stream, epoch, last: offset, asked: null, bornOn: this.#line, followers: new Set() };
    Object.assign(follower, { epoch, seen: offset });
    topic.followers.add(follower);
    this.#topics.set(stream, topic);
    if (!known || isBehind(topic, epoch, offset)) {
      [topic.epoch, topic.last] = [epoch, offset];
      this.#ask(topic);
    } else if (offset === null && topic.last !== null) {
      this.#start([follower], { t: "ok", stream, e: topic.epoch, o: topic.last, recovered: true });
    }
    if (!this.#line && !this.#retry) this.#open();
    return () => this.#leave(topic, follower);
  }

  #leave(topic, follower) {
    topic.followers.delete(follower);
    if (topic.followers.size || this.#topics.get(topic.stream) !== topic) return;
    this.#topics.delete(topic.stream);
    this.#line?.drop(topic);
  }

  #ask(topic) {
    topic.asked = ++this.#asked;
    this.#line?.ask(topic);
  }

  // What the server says

  #hear = {
    welcome: (frame) => {
      if (this.#reader && (frame.reader ?? this.#reader) !== this.#reader) return this.#end(REVOKED);
      this.#patience = (frame.ping + frame.pong) * 1000;
      this.#isWelcome = true;
      this.#isInDoubt = false;
      this.#tries = 0;
      this.#failures = this.#isSocket ? 0 : SOCKET_TRIES;
      this.#planSocket();
      this.#change("online");
    },
    ok: (frame) => {
      const topic = this.#topics.get(frame.stream);
      if (!topic || topic.asked !== frame.id) return;
      topic.asked = null;
      [topic.epoch, topic.last] = [frame.e, frame.o];
      const followers = [...topic.followers];
      const lost = followers.filter(({ epoch }) => !frame.recovered || areDifferent(epoch, frame.e));
      const fresh = followers.filter((follower) => follower.seen === null && !lost.includes(follower));
      this.#start(lost, { ...frame, recovered: false });
      this.#start(fresh, frame);
    },
    err: (frame) => {
      const topic = this.#topics.get(frame.stream);
      if (!topic || (frame.id !== null && topic.asked !== frame.id)) return;
      if (frame.temporary) {
        const isWanted = () => topic.followers.size && topic.asked === frame.id;
        setTimeout(() => isWanted() && this.#ask(topic), 1000 + Math.random() * 4000);
      } else if (frame.code === "not_found" && topic.bornOn && topic.bornOn === this.#line && frame.id !== null) {
        this.#reopen(); // a line has the rights it was opened with: those granted since need another
      } else {
        this.#topics.delete(topic.stream);
        pass([...topic.followers], frame);
      }
    },
    ev: (frame) => {
      const topic = this.#topics.get(frame.s);
      if (!topic || topic.asked !== null || frame.o <= topic.last) return; // what was asked for again comes again
      if (frame.o !== topic.last + 1 || areDifferent(topic.epoch, frame.e)) return this.#ask(topic);
      [topic.epoch, topic.last] = [frame.e, frame.o];
      const followers = [...topic.followers].filter(({ seen }) => seen === null || seen < frame.o);
      for (const follower of followers) [follower.epoch, follower.seen] = [frame.e, frame.o];
      pass(followers, frame);
      topic.unacked = true;
      if (++this.#unacked >= ACK_EVENTS) this.#acknowledge();
    },
    ping: (frame) => {
      this.#line.say({ t: "pong" });
      for (const topic of this.#topics.values()) {
        if (topic.asked === null && frame.top[topic.stream] > topic.last) this.#ask(topic);
      }
    },
    bye: ({ code, reconnect, retry_ms }) => {
      if (NOTHING_WRONG.has(code)) return this.#reopen();
      if (code === REVOKED && this.#reader !== null) return this.#doubt();
      if (!reconnect && code !== TOO_MANY) return this.#end(code);
      this.#hangUp();
      this.#change("offline");
      this.#openIn(code === TOO_MANY ? FEWER_MS * (1 + Math.random()) : retry_ms);
    },
  };

  #start(followers, frame) {
    for (const follower of followers) [follower.epoch, follower.seen] = [frame.e, frame.o];
    pass(followers, frame);
  }

  #acknowledge() {
    this.#unacked = 0;
    for (const topic of this.#topics.values()) {
      if (topic.unacked) this.#line?.say({ t: "ack", s: topic.stream, o: topic.last });
      topic.unacked = false;
    }
  }

  /* The session is over, but the same person may have another by now: a new password, or signed in again. */
  #doubt() {
    this.#isInDoubt = true;
    this.#reopen();
  }

  // The line

  #open() {
    this.#hangUp();
    if (this.#isOver || !this.#topics.size) return;
    this.#asked = 0;
    for (const topic of this.#topics.values()) topic.asked = this.#asked++;
    if (this.#isSocketDue()) this.#failures = SOCKET_TRIES - 1;
    // Where WebSockets keep failing, every other try is an event stream: it may also be that nothing is there.
    this.#isSocket = this.#failures < SOCKET_TRIES || this.#failures % 2 === 0;
    this.#isWelcome = false;
    this.#patience = OPEN_MS;
    this.#heardAt = Date.now();
    this.#line = new (this.#isSocket ? SocketLine : EventLine)(this.#topics, {
      heard: (frame) => {
        this.#heardAt = Date.now();
        this.#hear[frame.t]?.(frame);
      },
      closed: () => this.#lose(),
      refused: () => this.#refuseAll(),
      stale: () => this.#openIn(GATHER_MS),
    });
  }

  #refuseAll() {
    if (this.#reader && this.#isInDoubt) return this.#end(REVOKED);
    const asked = [...this.#topics.values()].filter(({ bornOn }) => bornOn !== this.#line);
    for (const { stream, asked: id } of asked) {
      this.#hear.err({ t: "err", id, stream, code: "not_found", temporary: false });
    }
  }

  #lose() {
    if (!this.#isWelcome) this.#failures++;
    this.#hangUp();
    this.#change("offline");
    const most = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** this.#tries++);
    this.#openIn(Math.random() * most); // full jitter: a server that comes back is not stormed
  }

  #reopen() {
    this.#hangUp();
    this.#openIn(0);
  }

  #openIn(milliseconds) {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#open(), milliseconds);
  }

  #hangUp() {
    clearTimeout(this.#retry);
    this.#retry = null;
    this.#line?.close();
    this.#line = null;
  }

  #end(code) {
    this.#hangUp();
    this.#isOver = true;
    this.#change("ended", code);
  }

  #change(state, code) {
    if (this.state.state === state && this.state.code === code) return;
    this.state = { state, code };
    this.#tell(this.state);
  }

  // Time and the world outside

  #tick() {
    this.#acknowledge();
    if (this.#isSilent()) this.#lose();
    else if (!this.#topics.size) this.#hangUp();
    else if (this.#isSocketDue()) this.#reopen();
  }

  /* By the clock on the wall, which also counts the time that the machine slept. */
  #isSilent() {
    return this.#line !== null && Date.now() - this.#heardAt > this.#patience;
  }

  #planSocket() {
    if (this.#isSocket) {
      this.#socketAfter = SOCKET_AGAIN_MS;
    } else if (Date.now() > this.#socketAt) {
      this.#socketAt = Date.now() + this.#socketAfter;
      this.#socketAfter = Math.min(SOCKET_AGAIN_MAX_MS, this.#socketAfter * 2);
    }
  }

  #isSocketDue() {
    return !this.#isSocket && this.#isWelcome && Date.now() > this.#socketAt;
  }

  /* A page has come: what ended before may begin again for it. */
  revive() {
    if (this.#isOver) this.#change("offline");
    this.#isOver = false;
    this.wake();
  }

  /* Somebody looks again, or has a network again. */
  wake() {
    if (this.#isOver || (this.#line && !this.#isSilent())) return;
    this.#tries = 0;
    this.#open();
  }

  sleep() {
    this.#hangUp();
    this.#change("offline");
    this.#openIn(RETRY_MAX_MS); // in case nobody tells that the network is back
  }

  rest() {
    if (!this.#topics.size) this.#hangUp();
  }
}

function pass(followers, frame) {
  const groups = new Map();
  for (const { owner, id } of followers) groups.set(owner, [...(groups.get(owner) ?? []), id]);
  for (const [owner, ids] of groups) owner.hear(ids, frame);
}

/* The start of a log that was empty has no epoch yet: it is the start of whichever comes. */
function areDifferent(epoch, other) {
  return Boolean(epoch && other && epoch !== other);
}

function isBehind(topic, epoch, offset) {
  return offset !== null && (topic.last === null || offset < topic.last || areDifferent(epoch, topic.epoch));
}
