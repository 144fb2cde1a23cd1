/* A form that makes something is sent once. The address form follows its country by htmx alone. */

// The server makes one order however often it is asked; this only spares the buyer the doubt.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.matches("[data-once]")) return;
  if (button.getAttribute("aria-disabled") === "true") return event.preventDefault();
  button.setAttribute("aria-disabled", "true");
});

addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[data-once]")) button.removeAttribute("aria-disabled");
});

/* The cart changed elsewhere while the buyer is here; what this page itself sends is no news to it. */
const elsewhere = document.querySelector("#cart-elsewhere");
let leaving = false;

function tell() {
  if (!leaving) elsewhere.firstElementChild.hidden = false;
}

document.addEventListener("submit", () => (leaving = true));
addEventListener("pageshow", () => (leaving = false));
if (elsewhere) {
  elsewhere.addEventListener("notification", tell);
  document.addEventListener("cart-switched", tell);
}

if (document.querySelector("#form-errors")) document.querySelector("[aria-invalid=true]")?.focus();
