/* The card form. Stripe.js (or the sandbox's own, with the same calls) draws it and takes the card; this page only
 * mounts it in the shop's colours, says what went wrong, and leaves once the order is no longer to be paid. */

import { appearance } from "./card_form.js";

const form = document.querySelector("#pay-form");
const button = document.querySelector("#pay-button");
const errorBox = document.querySelector("#pay-error");
const said = document.querySelector("#pay-said");
const label = button.querySelector("span");
const pay = label.textContent;
const POLL_MS = 8000;
const ASK_MS = 2500;
const ASKS = 24;

let asked = 0;
let gone = false;
let over = false;

// Telling

function fail(message) {
  errorBox.querySelector("p").textContent = message;
  errorBox.hidden = false;
  said.textContent = "";
}

function busy(isBusy, words = "") {
  button.setAttribute("aria-disabled", String(isBusy));
  label.textContent = isBusy && words ? words : pay;
}

function go(url) {
  gone = true;
  location.assign(url);
}

// Paying

function open() {
  if (typeof window.Stripe !== "function") {
    document.querySelector("#card-waiting").hidden = true;
    return fail("The card form could not be loaded. Please check your connection and open this page again.");
  }
  const stripe = window.Stripe(form.dataset.key);
  const elements = stripe.elements({ clientSecret: form.dataset.secret, appearance: appearance(form) });
  const card = elements.create("payment", { layout: "tabs" });
  card.on("ready", () => {
    document.querySelector("#card-waiting").hidden = true;
    busy(over);
  });
  card.on("loaderror", ({ error }) => {
    document.querySelector("#card-waiting").hidden = true;
    fail(error?.message ?? "The card form could not be loaded. Please open this page again.");
  });
  card.mount("#card");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => elements.update({ appearance: appearance(form) }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") !== "true") confirm(stripe, elements);
  });
}

async function confirm(stripe, elements) {
  errorBox.hidden = true;
  busy(true, "Paying…");
  said.textContent = "The bank is being asked. Please keep this page open.";
  try {
    const { error } = await stripe.confirmPayment({ elements, confirmParams: { return_url: form.dataset.return } });
    // Without an error the browser is already on its way to the return page.
    if (!error) return;
    if (error.payment_intent?.status === "succeeded") return go(form.dataset.return);
    fail(error.message ?? "The payment did not go through. Nothing was charged; please try again.");
    busy(false);
  } catch {
    // The card may have been charged although the answer was lost: ask before offering to pay again.
    said.textContent = "The connection broke off. We are asking whether the payment arrived.";
    asked = ASKS;
    await askUntilKnown();
  }
}

async function askUntilKnown() {
  while (asked-- > 0 && !gone) {
    const state = await status("?ask");
    if (state?.url) return go(state.url);
    if (state?.payment === "waiting") break;
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
  }
  if (gone) return;
  fail("No payment has arrived. Nothing was charged; please try again.");
  busy(false);
}

// The state of the order, on word of a change or where none arrives: paid in another tab, or no longer held

async function status(query = "") {
  try {
    const answer = await fetch(form.dataset.status + query, { headers: { Accept: "application/json" } });
    return await answer.json();
  } catch {
    return null;
  }
}

async function poll() {
  if (gone || document.hidden) return;
  const state = await status();
  if (state?.url && !gone) go(state.url);
}

// A payment under way is not disturbed by news: the provider's form leads on by itself, to the page that tells how it
// ended. When the time is over, word of what became of the order comes in a moment.

const isPaying = () => label.textContent !== pay;

form.addEventListener("countdown-over", () => {
  if (gone || isPaying()) return;
  over = true;
  busy(over);
  said.textContent = "The time is over. The prints go back on the wall.";
});
form.addEventListener("notification", () => isPaying() || poll());

open();
setInterval(poll, POLL_MS);
