/* A harbour on a canvas: a mooring for each socket, and a boat on it when it is open. An event that reaches them is
 * shown in slow motion, each boat at its own moment; when they have left, a shade of each says how late it was. */

const SLOW_MS = 2600; // what the whole fan-out takes on the screen
const LEAST = 8; // pixels of a mooring's place
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Fleet {
  #canvas;
  #pen;
  #count = 100;
  #open = 0;
  #late = null; // of each boat, in ms
  #after = 0; // how far the slow motion has come, in ms of the real one
  #haveLeft = false;
  #frame = 0;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d");
    new ResizeObserver(() => this.#draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  expect(count) {
    cancelAnimationFrame(this.#frame);
    [this.#count, this.#open, this.#late, this.#haveLeft] = [count, 0, null, false];
    this.#draw();
  }

  open(count) {
    this.#open = count;
    this.#draw();
  }

  /* Resolves when the slow motion is over. */
  reach(late) {
    this.#late = late;
    const last = Math.max(1, ...late);
    if (still.matches) {
      this.#after = last;
      this.#draw();
      return Promise.resolve();
    }
    const began = performance.now();
    return new Promise((done) => {
      const step = (now) => {
        this.#after = (last * (now - began)) / SLOW_MS;
        this.#draw();
        if (this.#after < last) this.#frame = requestAnimationFrame(step);
        else done();
      };
      this.#frame = requestAnimationFrame(step);
    });
  }

  leave() {
    this.#haveLeft = true;
    this.#draw();
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const ratio = devicePixelRatio;
    if (!width) return;
    if (this.#canvas.width !== Math.round(width * ratio) || this.#canvas.height !== Math.round(height * ratio)) {
      [this.#canvas.width, this.#canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    }
    this.#pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#pen.clearRect(0, 0, width, height);
    const side = Math.max(LEAST, Math.sqrt((width * height) / this.#count) * 0.98);
    const columns = Math.max(1, Math.floor(width / side));
    const rows = Math.ceil(this.#count / columns);
    this.#fill(width / columns, Math.min(height / rows, (1.3 * width) / columns), columns);
  }

  #fill(wide, high, columns) {
    const colours = this.#colours();
    const size = Math.min(wide, high) * 0.74;
    const last = Math.max(1, ...(this.#late ?? []));
    for (let boat = 0; boat < this.#count; boat++) {
      const x = ((boat % columns) + 0.5) * wide;
      const y = (Math.floor(boat / columns) + 0.5) * high;
      const late = this.#late?.[boat];
      if (boat >= this.#open || (this.#haveLeft && late === undefined)) this.#mooring(x, y, size, colours.line);
      else if (this.#haveLeft) this.#boat(x, y, size, colours.heard, 0.12 + (0.78 * late) / last);
      else this.#boat(x, y, size, late <= this.#after ? colours.heard : colours.open, 1);
    }
  }

  #mooring(x, y, size, colour) {
    this.#pen.fillStyle = colour;
    this.#pen.beginPath();
    this.#pen.arc(x, y, Math.max(1, size * 0.09), 0, 2 * Math.PI);
    this.#pen.fill();
  }

  /* A mainsail, a jib and a hull. */
  #boat(x, y, size, colour, strength) {
    const pen = this.#pen;
    const unit = size / 10;
    const path = (...points) => {
      pen.beginPath();
      for (const [right, down] of points) pen.lineTo(x + right * unit, y + down * unit);
      pen.fill();
    };
    pen.fillStyle = colour;
    pen.globalAlpha = strength;
    path([0.2, -5], [0.2, 2.2], [4.2, 2.2]);
    path([-0.8, -3], [-0.8, 2.2], [-3.6, 2.2]);
    path([-4.6, 3.1], [4.8, 3.1], [3.2, 5], [-3.2, 5]);
    pen.globalAlpha = 1;
  }

  #colours() {
    const probe = getComputedStyle(this.#canvas);
    const [line, open, heard] = ["--edge", "--sea", "--brass"].map((name) => this.#resolved(probe, name));
    return { line, open, heard };
  }

  /* A custom property is its text, light-dark() and all: only a real property is resolved. */
  #resolved(probe, name) {
    this.#canvas.style.color = `var(${name})`;
    return probe.color;
  }
}
