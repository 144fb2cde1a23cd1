/* How long until a drop opens, how long a turn lasts: <span data-countdown="..." data-now="...">, both in milliseconds
 * by the server's clock, because the visitor's may be wrong. At the end the element hears a bubbling `turn-over`. */

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const opened = performance.now();

function words(seconds) {
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  if (days) return `${days} day${days === 1 ? "" : "s"} ${hours} h`;
  // Figures that change every second are motion too.
  if (calm.matches) return seconds > 60 ? `${hours ? `${hours} h ` : ""}${minutes} min` : "less than a minute";
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

function count(element) {
  const left = element.dataset.countdown - element.dataset.now - (performance.now() - opened);
  element.textContent = words(Math.max(0, Math.ceil(left / 1000)));
  if (left > 0) setTimeout(count, (left % 1000) + 5, element);
  else element.dispatchEvent(new CustomEvent("turn-over", { bubbles: true }));
}

for (const element of document.querySelectorAll("[data-countdown]")) count(element);

// Back from the bfcache or from sleep, where performance.now() may have stood still: the server knows.
addEventListener("pageshow", (event) => event.persisted && location.reload());

// A print's page: once the turn is over, it says so.
document.querySelector("[data-turn]")?.addEventListener("turn-over", () => location.reload());
