/* The page "Live": asks every second for what is new, and draws the last two minutes of each process. */

const KEPT_SECONDS = 120;
const HEIGHT = 48;
const LINES = 4; // styles that tell processes apart; see .bo-line-0 and on
const board = document.getElementById("vitals");
const said = document.getElementById("vitals-said");
const [small, large] = [1, 0].map((digits) => new Intl.NumberFormat("en-GB", { maximumFractionDigits: digits }));
const kept = new Map(); // a process's id: its samples, oldest first

let after = 0;
turn();

async function turn() {
  const wait = document.hidden || (await refresh());
  if (wait) setTimeout(turn, 1000);
}

/* Whether it is worth asking again. */
async function refresh() {
  let answer;
  try {
    answer = await fetch(`${board.dataset.figures}?after=${after}`, { redirect: "manual" });
  } catch {
    answer = null;
  }
  if (answer?.type === "opaqueredirect" || answer?.status === 403) {
    say("You are signed out, or may no longer look at this. Load the page again.");
    return false;
  }
  if (!answer?.ok) say("The shop does not answer; asking again.");
  else show(await answer.json());
  return true;
}

function say(words) {
  if (said.textContent !== words) said.textContent = words;
}

function show({ fields, processes, closes, resumes }) {
  say("");
  for (const process of processes) keep(process, fields);
  const ids = new Set(processes.map(({ id }) => id));
  for (const id of kept.keys()) if (!ids.has(id)) kept.delete(id);
  const newest = [...kept.values()].map((samples) => samples.at(-1)?.at ?? 0);
  after = Math.min(...newest, Number.MAX_SAFE_INTEGER);
  if (!newest.length) after = 0;
  showProcesses(processes);
  showRows("closes", closes);
  showRows("resumes", resumes);
  for (const chart of board.querySelectorAll(".bo-chart")) draw(chart, processes, Math.max(...newest));
}

function keep({ id, samples }, fields) {
  const have = kept.get(id) ?? [];
  const last = have.at(-1)?.at ?? 0;
  const named = samples.map((values) => Object.fromEntries(fields.map((name, place) => [name, values[place]])));
  kept.set(id, [...have, ...named.filter(({ at }) => at > last)].slice(-KEPT_SECONDS));
}

/* Tables */

function showProcesses(processes) {
  const body = document.querySelector("#processes tbody");
  const rows = processes.map((process, number) => {
    const row = body.querySelector(`[data-process="${process.id}"]`) ?? newRow(process.id);
    row.querySelector("svg").setAttribute("class", `bo-swatch bo-line-${number % LINES}`);
    for (const cell of row.querySelectorAll("[data-figure]")) {
      const { figure } = cell.dataset;
      setText(cell, figure in process.last ? inFigures(process.last[figure]) : process[figure]);
    }
    return row;
  });
  if (rows.length !== body.rows.length || rows.some((row, place) => body.rows[place] !== row)) body.replaceChildren(...rows);
  document.getElementById("processes").hidden = !rows.length;
  document.getElementById("no-processes").hidden = rows.length > 0;
}

function newRow(id) {
  const row = document.getElementById("process-row").content.querySelector("tr").cloneNode(true);
  row.dataset.process = id;
  return row;
}

function showRows(id, rows) {
  const body = document.querySelector(`#${id} tbody`);
  const wanted = body.closest("table").querySelectorAll("thead th").length;
  rows.forEach((values, place) => {
    const row = body.rows[place] ?? body.insertRow();
    while (row.cells.length < wanted) row.append(newCell(row.cells.length, wanted));
    values.forEach((value, cell) => setText(row.cells[cell], typeof value === "number" ? inFigures(value) : value));
  });
  while (body.rows.length > rows.length) body.deleteRow(-1);
}

function newCell(place, count) {
  const cell = document.createElement(place ? "td" : "th");
  if (!place) cell.scope = "row";
  if (place === count - 1) cell.className = "bo-num";
  return cell;
}

/* Only what differs is touched: a selection stays, and nothing is read out anew. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function inFigures(value) {
  if (value === null || value === undefined) return "–";
  return (value < 100 ? small : large).format(value);
}

/* Charts */

function draw(chart, processes, now) {
  const { fields, unit, total, least } = chart.dataset;
  const lines = fields.split(" ").flatMap((field, depth) =>
    processes.map(({ id }, number) => ({ field, depth, number, samples: kept.get(id) })),
  );
  const values = lines.flatMap(({ field, samples }) => samples.map((sample) => sample[field])).filter((value) => value !== null);
  const top = roundUp(Math.max(Number(least), ...values));
  const svg = chart.querySelector("svg");
  const paths = svg.querySelectorAll("path:not(.bo-grid)");
  lines.forEach(({ field, depth, number, samples }, place) => {
    const path = paths[place] ?? svg.appendChild(document.createElementNS(svg.namespaceURI, "path"));
    path.setAttribute("class", `bo-line-${number % LINES}${depth ? " bo-line-low" : ""}`);
    path.setAttribute("d", pathOf(samples, field, now, top));
  });
  [...paths].slice(lines.length).forEach((path) => path.remove());
  label(chart, lines, unit, total, values, top);
}

function pathOf(samples, field, now, top) {
  let pen = "M";
  let path = "";
  for (const sample of samples) {
    const value = sample[field];
    const x = KEPT_SECONDS - (now - sample.at);
    if (value === null || x < 0) {
      pen = "M";
    } else {
      path += `${pen}${x} ${(HEIGHT - 0.5 - (value / top) * (HEIGHT - 1)).toFixed(2)}`;
      pen = "L";
    }
  }
  return path;
}

function label(chart, lines, unit, total, values, top) {
  const last = lines.filter(({ depth }) => !depth).map(({ field, samples }) => samples.at(-1)?.[field] ?? null);
  const timed = last.filter((value) => value !== null);
  const now = timed.length ? (total === "sum" ? timed.reduce((sum, value) => sum + value, 0) : Math.max(...timed)) : null;
  const inUnit = (value) => (value === null || !unit ? inFigures(value) : `${inFigures(value)} ${unit}`);
  setText(chart.querySelector(".bo-chart-now"), inUnit(now));
  setText(chart.querySelector(".bo-chart-top"), inUnit(top));
  const most = values.length ? `, at most ${inUnit(Math.max(...values))}` : "";
  const title = chart.querySelector("figcaption").textContent;
  chart.querySelector("svg").setAttribute("aria-label", `${title}: ${inUnit(now)} now${most} in the last two minutes`);
}

/* To 1, 2 or 5 times a power of ten, so that the scale rests. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}
