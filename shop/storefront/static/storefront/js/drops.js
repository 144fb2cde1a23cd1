/* The waiting room, live. One event tells everybody how far the line is; each page counts for itself from its own
 * number, which it asks for once, after the opening, at a moment of its own: thousands open at the same instant. */

const AFTER_OPENING_MS = 3; // for each who waits: a crowd of a thousand asks over three seconds
const AT_MOST_MS = 45_000;
const SAY_EVERY_MS = 20_000;
const [BOAT_FROM, BOAT_WAY] = [52, 540];

const room = document.querySelector("[data-room]");
const line = JSON.parse(document.getElementById("line").textContent);
const grouped = new Intl.NumberFormat("en");
const title = document.title;
let asking = null;
let saidAt = -SAY_EVERY_MS;

function stage() {
  if (!line.opened) return "before";
  if (line.waits) return line.number === null ? "drawing" : "line";
  return line.sold_out ? "sold_out" : "outside";
}

function wait(position) {
  const minutes = Math.ceil(position / line.rate);
  if (minutes <= 1) return "about a minute";
  return minutes < 90 ? `about ${minutes} minutes` : `about ${Math.round(minutes / 60)} hours`;
}

function write(name, text) {
  const element = room.querySelector(`[data-${name}]`);
  if (element) element.textContent = text;
}

function show() {
  const now = stage();
  const position = line.number - line.admitted;
  if (now === "line" && position <= 0) return location.replace(location.pathname);
  for (const part of room.querySelectorAll("[data-stage]")) part.hidden = !part.dataset.stage.split(" ").includes(now);
  for (const part of room.querySelectorAll("[data-when]")) part.hidden = !line.opened || !line[part.dataset.when];
  room.querySelector("[data-signals]").classList.toggle("mouth__signals--go", line.opened && !line.paused && !line.sold_out);
  write("admitted", grouped.format(line.admitted));
  write("total", grouped.format(line.last));
  write("last", grouped.format(line.last - line.admitted));
  write("rate", grouped.format(line.rate));
  write("new-wait", wait(line.last - line.admitted + 1));
  if (now === "drawing") askSoon();
  if (now === "line") showPosition(position);
}

function showPosition(position) {
  const sailed = line.admitted / line.number;
  const words = room.querySelector("[data-wait]");
  words.hidden = line.paused || line.sold_out;
  words.querySelector("strong").textContent = wait(position);
  write("position", grouped.format(position));
  room.querySelector("[data-sailed]").value = 100 * sailed;
  room.querySelector("[data-boat]")?.setAttribute("transform", `translate(${(BOAT_FROM + BOAT_WAY * sailed).toFixed(1)} 204)`);
  document.title = `${grouped.format(position)} · ${title}`;
  say(`You are number ${grouped.format(position)}${words.hidden ? "" : `, ${wait(position)}`}.`);
}

/* For who listens: now and then, not at every step. */
function say(words) {
  if (performance.now() - saidAt < SAY_EVERY_MS) return;
  saidAt = performance.now();
  write("said", words);
}

function askSoon() {
  asking ??= setTimeout(ask, 300 + Math.random() * Math.min(AT_MOST_MS, line.last * AFTER_OPENING_MS));
}

async function ask() {
  try {
    const answer = await fetch(room.dataset.placeUrl);
    const told = answer.ok ? await answer.json() : { waits: true };
    if (!told.waits) return location.replace(location.pathname);
    learn(told);
  } catch {
    // Offline: asked again below.
  }
  asking = null;
  if (stage() === "drawing") askSoon();
}

/* An answer may have been on its way while the line moved on. */
function learn(told) {
  if ("opens" in told && (told.opens !== line.opens || told.closes !== line.closes)) return lookAgain();
  const admitted = Math.max(line.admitted, told.admitted ?? 0);
  Object.assign(line, told, { admitted });
  show();
}

function lookAgain() {
  setTimeout(() => location.reload(), Math.random() * 3000);
}

room.addEventListener("notification", ({ detail: { kind, data } }) => {
  if (kind === "reset") return lookAgain();
  if (line.stage !== "inside" && line.stage !== "over") learn(data);
});

// Who is inside comes back to the line when the time is over; so does everybody when the drop is.
room.addEventListener("turn-over", () => line.stage === "inside" && location.replace(location.pathname));
const untilClose = line.closes - line.now;
if (line.closes && untilClose > 0 && untilClose < 2 ** 31) {
  setTimeout(lookAgain, untilClose);
}
if (line.stage !== "inside" && line.stage !== "over") show();
