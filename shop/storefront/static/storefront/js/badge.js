/* The cart's number in the header, in step with the customer's other tabs and devices: by the cart's stream where this
 * page knows of a cart, and by word from tab to tab where another one has begun a cart, signed in or signed out. */

const link = document.getElementById("cart-link");
const tabs = new BroadcastChannel("cart");
const count = () => document.getElementById("cart-count");
const stream = () => count().dataset.stream;
let known = stream();

function show(number) {
  const badge = count().querySelector("[data-number]");
  count().querySelector("[data-words]").textContent = `Cart, ${number} item${number === 1 ? "" : "s"}`;
  badge.textContent = String(number);
  badge.hidden = number === 0;
}

async function fetchCount() {
  try {
    const answer = await fetch(link.dataset.count);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.ok) count().replaceWith(page.getElementById("cart-count"));
  } catch {
    // Offline: the next page knows.
  }
}

link.addEventListener("notification", ({ detail }) => {
  if (detail.kind === "reset") fetchCount();
  else if (detail.kind !== "closed") show(detail.data.count);
});

/* Another number in its place, whoever put it there, is followed from where it stood on the server. */
new MutationObserver(() => {
  if (stream()) import(link.dataset.notifications);
  document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: count() } }));
  if (stream() === known) return;
  known = stream();
  tabs.postMessage(known);
  document.dispatchEvent(new CustomEvent("cart-switched"));
}).observe(link, { childList: true });

/* Only a page that was loaded, or was answered, speaks: its session's cookie is in place by then. A page that asked as
 * soon as a guest's cart was merged would come with the old session, and be told to forget the new one. */
tabs.addEventListener("message", ({ data }) => data !== known && fetchCount());
addEventListener("pageshow", ({ persisted }) => persisted && !known && fetchCount());
tabs.postMessage(known);
