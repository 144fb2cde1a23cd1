/* Counts down how long something is held. An element with data-until and data-now (when the page was made, by the
 * server's clock, in milliseconds: the visitor's clock may be wrong) shows it in its [data-left], turns urgent in the last
 * minutes, and says "countdown-over" at zero. What happens then is the server's to decide and to tell. */

const URGENT_SECONDS = 300;
const MINUTES_SAID = [10, 5, 2, 1];
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const known = new WeakMap();

const said = document.createElement("p");
said.className = "visually-hidden";
said.setAttribute("role", "status");
document.body.append(said);

function count(element) {
  const before = known.get(element) ?? { ahead: Number(element.dataset.now) - Date.now() };
  const left = Math.max(0, Math.ceil((Number(element.dataset.until) - Date.now() - before.ahead) / 1000));
  const minutes = Math.ceil(left / 60);
  known.set(element, { ...before, left, minutes });
  if (left === before.left) return;
  show(element, left);
  // Also where a page that slept went past several at once.
  if (MINUTES_SAID.some((mark) => before.minutes > mark && minutes <= mark)) {
    said.textContent = `${element.dataset.name}: ${minutes} minute${minutes === 1 ? "" : "s"} left.`;
  }
  if (left === 0) element.dispatchEvent(new CustomEvent("countdown-over", { bubbles: true }));
}

function show(element, left) {
  element.querySelector("[data-left]").textContent = left ? `${inWords(left)} left` : "which has passed";
  element.classList.toggle("countdown--urgent", left < URGENT_SECONDS);
}

/* Figures that change every second are motion too. */
function inWords(left) {
  if (calm.matches) return left > 60 ? `${Math.ceil(left / 60)} minutes` : "less than a minute";
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

function countAll() {
  for (const element of document.querySelectorAll("[data-until]")) count(element);
}

document.addEventListener("htmx:load", countAll);
// A page that slept, or comes out of the browser's memory, is right before its next second.
addEventListener("pageshow", countAll);
document.addEventListener("visibilitychange", countAll);
setInterval(countAll, 1000);
countAll();
