/* Keeping a card for the next order: the provider draws the form, takes the number, and asks the bank. */

import { appearance } from "./card_form.js";

const form = document.querySelector("#card-form");
const button = document.querySelector("#card-button");
const waiting = document.querySelector("#card-waiting");
const errorBox = document.querySelector("#card-error");

function fail(message) {
  waiting.hidden = true;
  errorBox.querySelector("p").textContent = message;
  errorBox.hidden = false;
}

function busy(isBusy) {
  button.setAttribute("aria-disabled", String(isBusy));
}

async function keep(stripe, elements) {
  errorBox.hidden = true;
  busy(true);
  const { error } = await stripe.confirmSetup({ elements, confirmParams: { return_url: form.dataset.return } });
  // Without an error the browser is already on its way back.
  if (!error) return;
  fail(error.message ?? "The card could not be kept. Please try again.");
  busy(false);
}

function open() {
  if (typeof window.Stripe !== "function") {
    return fail("The card form could not be loaded. Please check your connection and open this page again.");
  }
  const stripe = window.Stripe(form.dataset.key);
  const elements = stripe.elements({ clientSecret: form.dataset.secret, appearance: appearance(form) });
  const card = elements.create("payment", { layout: "tabs" });
  card.on("ready", () => {
    waiting.hidden = true;
    busy(false);
  });
  card.on("loaderror", ({ error }) => fail(error?.message ?? "The card form could not be loaded. Please try again."));
  card.mount("#card");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => elements.update({ appearance: appearance(form) }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") !== "true") keep(stripe, elements);
  });
}

open();
