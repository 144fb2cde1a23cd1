/* Where the pages of one reader share their links. As a shared worker it serves all tabs of a browser; a page that has
 * no such worker imports it and serves itself. */

import { Link } from "./link.js";

export const url = import.meta.url;
const STREAMS = 32; // the most that the server takes on one connection

export class Switchboard {
  #reader;
  #links = [];
  #pages = new Set();

  constructor(reader) {
    this.#reader = reader;
  }

  /* What this board does for one page; `post` gets {ids, frame} and {state, code}. */
  connect(post) {
    return new Page(this, post);
  }

  linkFor(stream) {
    const link = this.#links.find((link) => link.has(stream)) ?? this.#links.find((link) => link.size < STREAMS);
    return link ?? this.#add();
  }

  #add() {
    const isFirst = !this.#links.length;
    const link = new Link(this.#reader, (state) => isFirst && this.#pages.forEach((page) => page.tell(state)));
    this.#links.push(link);
    return link;
  }

  join(page) {
    this.#links.forEach((link) => link.revive());
    this.#pages.add(page);
    if (this.#links.length) page.tell(this.#links[0].state);
  }

  part(page) {
    this.#pages.delete(page);
    this.#links.forEach((link) => link.rest());
  }

  wake() {
    this.#links.forEach((link) => link.wake());
  }

  sleep() {
    this.#links.forEach((link) => link.sleep());
  }
}

class Page {
  #board;
  #post;
  #ends = new Map();

  constructor(board, post) {
    this.#board = board;
    this.#post = post;
  }

  receive([verb, ...words]) {
    this.#verbs[verb]?.(...words);
  }

  #verbs = {
    join: () => this.#board.join(this),
    follow: (id, stream, epoch, offset) => {
      this.#ends.set(id, this.#board.linkFor(stream).follow(stream, epoch, offset, { owner: this, id }));
    },
    leave: (id) => {
      this.#ends.get(id)?.();
      this.#ends.delete(id);
    },
    wake: () => this.#board.wake(),
    sleep: () => this.#board.sleep(),
    part: () => this.part(),
  };

  part() {
    this.#ends.forEach((end) => end());
    this.#ends.clear();
    this.#board.part(this);
  }

  hear(ids, frame) {
    this.#post({ ids, frame });
  }

  tell({ state, code }) {
    this.#post({ state, code });
  }
}

/* A lock of each side's own, held while it lives, tells the other side when it is gone, however it went. */
function serve() {
  const board = new Switchboard(JSON.parse(self.name));
  const lock = crypto.randomUUID();
  const isHeld = new Promise((tell) => {
    navigator.locks.request(lock, () => {
      tell();
      return new Promise(() => {});
    });
  });
  self.onconnect = ({ ports: [port] }) => {
    const page = board.connect((message) => port.postMessage(message));
    port.onmessage = ({ data }) => {
      const [verb, pageLock] = data;
      if (verb === "join") navigator.locks.request(pageLock, () => page.part());
      page.receive(data);
    };
    isHeld.then(() => port.postMessage({ lock }));
  };
}

if (globalThis.SharedWorkerGlobalScope && self instanceof SharedWorkerGlobalScope) serve();
