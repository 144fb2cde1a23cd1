/* Two ways to the server, one protocol: a WebSocket, and an event stream for networks that let no WebSocket through.
 *
 * A line opens at once. It asks for topics ({stream, asked, epoch, last}) and calls back: heard(frame), closed() once
 * it is of no more use, refused() if none of the topics may be read, stale() if it must be opened anew. */

const PROTOCOL = "shop-notify.v1";
const SOCKET = new URL("/ws/notifications/", location.origin.replace(/^http/, "ws"));
const EVENTS = new URL("/api/v1/events/stream/", location.origin);

export class SocketLine {
  #socket = new WebSocket(SOCKET, PROTOCOL);

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
    this.say({ t: "sub", id: asked, stream, ...from });
  }

  drop({ stream }) {
    this.say({ t: "unsub", id: 0, stream });
  }

  say(frame) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  close() {
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
