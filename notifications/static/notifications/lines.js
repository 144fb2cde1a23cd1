/* Two ways to the server, one protocol: a WebSocket, and an event stream for networks that let no WebSocket through.
 *
 * A line opens at once. It asks for topics ({stream, asked, epoch, last}) and calls back: heard(frame), closed() once
 * it is of no more use, refused() if none of the topics may be read, stale() if it must be opened anew. */

const PROTOCOL = "shop-notify.v1";
const SOCKET = new URL("/ws/notifications/", location.origin.replace(/^http/, "ws"));
const EVENTS = new URL("/api/v1/events/stream/", location.origin);

/* The server takes 20 frames/s and a burst of 40. The difference is for a network that holds frames up and then hands
 * them over all at once. */
const FRAMES_PER_SECOND = 12;
const FRAMES_BURST = 24;
/* A stream that goes makes room for one that comes. Acks and subs take turns, so that neither keeps the other back. */
const RANKS = { hello: 0, pong: 0, unsub: 1, ack: 2, sub: 2 };

export class SocketLine {
  #socket = new WebSocket(SOCKET, PROTOCOL);
  #waiting = new Map(); // the newest frame about each thing
  #told = new Set(); // streams that the server has been asked for
  #left = FRAMES_BURST;
  #at = performance.now();
  #timer;

  constructor(topics, { heard, closed }) {
    this.#socket.onopen = () => {
      this.say({ t: "hello" });
      for (const topic of topics.values()) this.ask(topic);
    };
    this.#socket.onmessage = (message) => heard(JSON.parse(message.data));
    this.#socket.onclose = closed;
  }

  ask({ stream, asked, epoch, last }) {
    const from = last === null ? {} : { e: epoch, o: last };
    this.#put(stream, { t: "sub", id: asked, stream, ...from });
  }

  drop({ stream }) {
    if (this.#told.has(stream)) this.#put(stream, { t: "unsub", id: 0, stream });
    else this.#waiting.delete(stream);
  }

  say(frame) {
    this.#put(frame.s ? `${frame.t} ${frame.s}` : frame.t, frame);
  }

  #put(about, frame) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#waiting.set(about, frame);
    this.#sendWhatMay();
  }

  #sendWhatMay() {
    clearTimeout(this.#timer);
    const now = performance.now();
    this.#left = Math.min(FRAMES_BURST, this.#left + ((now - this.#at) / 1000) * FRAMES_PER_SECOND);
    this.#at = now;
    const inTurn = [...this.#waiting].sort(([, one], [, other]) => RANKS[one.t] - RANKS[other.t]);
    for (const [about, frame] of inTurn.slice(0, this.#left)) {
      this.#left--;
      this.#waiting.delete(about);
      if (frame.t === "sub") this.#told.add(about);
      if (frame.t === "unsub") this.#told.delete(about);
      this.#socket.send(JSON.stringify(frame));
    }
    if (this.#waiting.size) this.#timer = setTimeout(() => this.#sendWhatMay(), 1000 / FRAMES_PER_SECOND);
  }

  close() {
    clearTimeout(this.#timer);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }
}

/* What it asks for stands in its address; what it has heard is acknowledged by coming again. */
export class EventLine {
  #hanging = new AbortController();
  #stale;

  constructor(topics, { heard, closed, refused, stale }) {
    this.#stale = stale;
    this.#read(addressFor(topics), heard, refused).then(() => this.#hanging.signal.aborted || closed());
  }

  ask() {
    this.#stale();
  }

  drop() {
    this.#stale();
  }

  say() {}

  close() {
    this.#hanging.abort();
  }

  async #read(address, heard, refused) {
    const { signal } = this.#hanging;
    try {
      const answer = await fetch(address, { signal, cache: "no-store", headers: { Accept: "text/event-stream" } });
      if (answer.status === 404) refused();
      if (!answer.ok) return;
      for await (const data of dataIn(answer.body)) {
        if (signal.aborted) return;
        heard(JSON.parse(data));
      }
    } catch (error) {
      if (!(error instanceof TypeError) && error.name !== "AbortError") reportError(error);
    }
  }
}

function addressFor(topics) {
  const address = new URL(EVENTS);
  for (const { stream, epoch, last } of topics.values()) {
    address.searchParams.append("stream", stream);
    address.searchParams.append("e", last === null ? "" : epoch);
    address.searchParams.append("o", last ?? "");
  }
  return address;
}

async function* dataIn(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.startsWith("data: ")) yield line.slice(6);
  }
}
