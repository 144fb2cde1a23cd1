/* Quiet charts in SVG. A chart is 100 wide and 100 high, stretched to its place; lines keep their width. */

const WIDTH = 100;
const HEIGHT = 100;

function shape(svg, name, path) {
  const drawn = svg.querySelector(`.${name}`) ?? svg.appendChild(document.createElementNS(svg.namespaceURI, "path"));
  drawn.setAttribute("class", name);
  drawn.setAttribute("d", path);
}

function begin(svg) {
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
}

const at = (x, y) => `${x.toFixed(2)} ${y.toFixed(2)}`;

/* `points` are [seconds ago, value], oldest first. The line breaks where nobody looked. */
export function drawStrip(svg, points, { seconds, top, gap }) {
  begin(svg);
  shape(svg, "chart__grid", `M0 ${HEIGHT}H${WIDTH}M0 0H${WIDTH}M${WIDTH / 2} 0V${HEIGHT}`);
  const runs = [];
  let before = Infinity;
  for (const [ago, value] of points) {
    if (before - ago > gap) runs.push([]);
    runs.at(-1).push([WIDTH * (1 - ago / seconds), HEIGHT * (1 - Math.min(value, top) / top)]);
    before = ago;
  }
  const line = runs.map((run) => `M${run.map(([x, y]) => at(x, y)).join("L")}`);
  const area = line.map((path, place) => `${path}L${at(runs[place].at(-1)[0], HEIGHT)}L${at(runs[place][0][0], HEIGHT)}Z`);
  shape(svg, "chart__area", area.join(""));
  shape(svg, "chart__line", line.join(""));
}

/* How many had come (upwards) after how long (to the right): `steps` are times, each of an equal share. */
export function drawCurve(svg, steps, end) {
  begin(svg);
  const place = (time, share) => at((WIDTH * time) / end, HEIGHT * (1 - share));
  const points = steps.map((time, step) => place(time, step / (steps.length - 1)));
  const line = `M${at(0, HEIGHT)}L${points.join("L")}L${at(WIDTH, 0)}`;
  const half = steps[Math.floor(steps.length / 2)];
  shape(svg, "chart__grid", `M0 ${HEIGHT}H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 0H${WIDTH}`);
  shape(svg, "chart__area", `${line}L${at(WIDTH, HEIGHT)}Z`);
  shape(svg, "chart__line", line);
  shape(svg, "chart__mark", `M${place(half, 0.5)}L${place(half, 0)}`);
}

/* To 1, 2 or 5 times a power of ten, so that the scale rests. */
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}
