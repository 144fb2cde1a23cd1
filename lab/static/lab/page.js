/* The engine room: figures as they come, and the crowd that a visitor sends. */

import { drawCurve, drawStrip, roundUp } from "./charts.js";
import { Fleet } from "./fleet.js";

const SECONDS = 120;
const GAP = 1.5; // seconds without a sample, after which the line breaks
const CALM_MS = 2000; // between two pictures, where motion is not wanted
const still = matchMedia("(prefers-reduced-motion: reduce)");
const roll = document.querySelector("[data-live]");
const state = document.querySelector("[data-state]");
const strips = [...roll.querySelectorAll(".strip")];
const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 });

// The roll

let fields = [];
let samples = [];
let drawnAt = 0;

const source = new EventSource(roll.dataset.live);
source.onopen = () => setState("Live", "state--good");
source.onerror = () => setState("The shop does not answer; trying again", "state--brass");
source.onmessage = ({ data }) => {
  const told = JSON.parse(data);
  if (typeof told[0] === "string") fields = told;
  else keep(told);
};

function keep(told) {
  const last = samples.at(-1)?.at ?? 0;
  const named = told.map((values) => Object.fromEntries(fields.map((name, place) => [name, values[place]])));
  samples = [...samples, ...named.filter(({ at }) => at > last)];
  samples = samples.filter(({ at }) => samples.at(-1).at - at <= SECONDS);
  if (document.hidden || (still.matches && performance.now() - drawnAt < CALM_MS)) return;
  drawnAt = performance.now();
  strips.forEach(drawOne);
}

function drawOne(strip) {
  const { field, least } = strip.dataset;
  const now = samples.at(-1);
  const most = Math.max(...samples.map((sample) => sample[field]));
  const top = roundUp(Math.max(Number(least), most));
  const points = samples.map((sample) => [now.at - sample.at, sample[field]]);
  drawStrip(strip.querySelector("svg"), points, { seconds: SECONDS, top, gap: GAP });
  write(strip, "now", inFigures(now[field]));
  write(strip, "most", inFigures(most));
  write(strip, "top", whole.format(top));
}

function setState(words, lamp) {
  if (state.textContent === words) return;
  state.textContent = words;
  state.className = `state ${lamp}`;
}

// The crowd

const form = document.querySelector("[data-rehearsal]");
const button = form.querySelector("[data-go]");
const said = document.querySelector("[data-said]");
const results = document.querySelector("[data-results]");
const facts = document.querySelector("[data-facts]");
const fleet = new Fleet(document.querySelector("[data-fleet]"));
let wanted = 0;

form.addEventListener("change", () => fleet.expect(chosen()));
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.disabled) return;
  button.disabled = true;
  await rehearse().catch(() => say("The shop did not answer to the end."));
  button.disabled = false;
});
fleet.expect(chosen());

function chosen() {
  return Number(new FormData(form).get("count"));
}

async function rehearse() {
  wanted = chosen();
  facts.replaceChildren();
  results.hidden = true;
  fleet.expect(wanted);
  say("The crowd is on its way.");
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
  if (answer.status === 409) return say((await answer.json()).why);
  if (!answer.ok) return say("That did not work. Load this page again, and try once more.");
  for await (const told of linesIn(answer.body)) await tell[told.t]?.(told);
}

async function* linesIn(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
  }
}

const tell = {
  opening: ({ open, seconds }) => {
    fleet.open(open);
    word(`${whole.format(open)} of ${whole.format(wanted)} in after ${tenths.format(seconds)} s`);
  },
  open: ({ open, refused, seconds, lag, memory }) => {
    fleet.open(open);
    word(`${whole.format(open)} in after ${tenths.format(seconds)} s. Now the events.`);
    say(`${whole.format(open)} sockets are open.`);
    results.hidden = false;
    fact("All in after", `${tenths.format(seconds)} s, ${whole.format(open / seconds)} a second`);
    if (refused) fact("Not let in", whole.format(refused));
    fact("Loop lag meanwhile", `at most ${inFigures(lag)} ms`);
    fact("Memory", memory < 0.1 ? "no more than it had" : `${inFigures(memory)} MiB more`);
  },
  heard: async ({ events, wanted: all, heard, seconds, curve, p99, lag, firsts }) => {
    const last = curve.at(-1);
    const half = curve[Math.floor(curve.length / 2)];
    fact("Delivered", `${whole.format(heard)} of ${whole.format(all)}, in ${inFigures(1000 * seconds)} ms`);
    fact("Half of them", `within ${inFigures(half)} ms`);
    fact("99 %", `within ${inFigures(p99)} ms`);
    fact("The last one", `after ${inFigures(last)} ms`);
    fact("Loop lag meanwhile", `at most ${inFigures(lag)} ms`);
    if (curve.length) showCurve(curve, half, last);
    say(`${events} events reached ${whole.format(heard / events)} sockets, the last ${inFigures(last)} ms late.`);
    word(`The first of the ${events} events in slow motion: it turns a boat to brass, and took ${inFigures(Math.max(...firsts))} ms to the last.`);
    await fleet.reach(firsts);
  },
  done: ({ seconds, left }) => {
    fleet.leave();
    word("All have left. The stronger its shade, the later a boat heard of that event.");
    fact("All closed after", `${inFigures(1000 * seconds)} ms${left ? `, but for ${whole.format(left)}` : ""}`);
  },
  failed: ({ why }) => {
    fleet.expect(wanted);
    word("");
    say(why);
  },
};

function showCurve(curve, half, last) {
  const end = roundUp(last);
  drawCurve(document.querySelector(".curve svg"), curve, end);
  write(document, "curve-words", `Half within ${inFigures(half)} ms, all within ${inFigures(last)} ms of the moment before their commit.`);
  write(document, "curve-end", `${whole.format(end)} ms`);
}

function fact(name, value) {
  const line = document.createElement("div");
  for (const [tag, text] of [["dt", name], ["dd", value]]) {
    line.append(Object.assign(document.createElement(tag), { textContent: text }));
  }
  facts.append(line);
}

function say(words) {
  said.textContent = words;
}

function word(words) {
  write(document, "word", words);
}

function write(where, name, text) {
  const element = where.querySelector(`[data-${name}]`);
  if (element.textContent !== text) element.textContent = text;
}

function inFigures(value) {
  return (Math.abs(value) < 100 ? tenths : whole).format(value);
}
