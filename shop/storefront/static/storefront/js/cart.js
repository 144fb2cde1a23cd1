/* The cart's page. A quantity typed into its field is sent when the field is left; the buttons are plain form buttons.
 * What other tabs and devices do to the cart shows by itself, but not under the hands of somebody who is at it. */

const PAUSE_MS = 100;
const PATIENCE_MS = 20_000;

const cart = () => document.getElementById("cart");
let stale = false;
let asking = 0;

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-quantity]");
  if (form && event.target.name === "quantity") form.requestSubmit();
});

function isAtWork() {
  const fields = [...cart().querySelectorAll("input:not([type=hidden])")];
  return fields.some((field) => field === document.activeElement || field.value !== field.defaultValue);
}

function refresh() {
  if (!stale || asking || document.hidden || isAtWork()) return;
  stale = false;
  htmx.trigger(cart(), "stale");
}

function refreshSoon() {
  setTimeout(refresh, PAUSE_MS);
}

function changed() {
  stale = true;
  refreshSoon();
}

document.addEventListener("notification", ({ target, detail }) => {
  // At sign-in in another tab this one still has the old session; "cart-switched" comes when the new one is there.
  if (target === cart() && detail.kind !== "cart.merged") changed();
});
document.addEventListener("cart-switched", changed);
document.addEventListener("countdown-over", () => setTimeout(changed, PATIENCE_MS));

// Our own change is heard too, but its answer brings a part that knows how far it has got.
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt === cart()) stale = false;
});
document.addEventListener("htmx:beforeRequest", () => asking++);
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  asking--;
  if (detail.failed) stale = true;
});
for (const event of ["htmx:afterRequest", "focusout", "visibilitychange", "notification-link"]) {
  document.addEventListener(event, refreshSoon);
}
