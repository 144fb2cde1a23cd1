/* A clock in a worker, because browsers slow down those of a page that nobody looks at. */

const BEAT_MS = 12_000;

setInterval(() => postMessage(null), BEAT_MS);
