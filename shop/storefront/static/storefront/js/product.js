/* A print's page: another choice shows its price, stock and picture at once; stock follows the shop live. */

const FEW = 5;

const page = document.querySelector("[data-product]");
const variants = JSON.parse(document.getElementById("variants").textContent);
const options = page.querySelector("[data-options]");
const adding = page.querySelector("[data-add]");
const stock = page.querySelector("[data-stock]");
const repriced = page.querySelector("[data-repriced]");
const arrives = page.querySelector("[data-arrives]");
const fromHere = arrives?.dataset.arrives || arrives?.textContent;
let away = false; // taken out of the shop while this page was open

function chosenCodes() {
  return Object.fromEntries(new FormData(options));
}

function fits(variant, codes) {
  return Object.entries(codes).every(([option, code]) => variant.options[option] === code);
}

/* The variant of these codes, or else the nearest that keeps the choice just made. */
function find(codes, kept) {
  const near = (variant) => Object.entries(codes).filter(([option, code]) => variant.options[option] === code).length;
  const keeping = variants.filter((variant) => !kept || variant.options[kept] === codes[kept]);
  const better = (best, one) =>
    near(one) > near(best) || (near(one) === near(best) && one.available > 0 && best.available <= 0) ? one : best;
  return variants.find((variant) => fits(variant, codes)) ?? keeping.reduce(better, keeping[0]);
}

let chosen = variants.find((variant) => String(variant.id) === adding?.elements.variant.value);

function stockWords({ available, here, reserved, leadDays }) {
  if (away) return "No longer for sale";
  const days = `${leadDays} day${leadDays === 1 ? "" : "s"}`;
  if (available > 0 && here <= 0) return `Made to order, ships in ${days}`;
  const left = `${here <= FEW ? "Only " : ""}${here} left`;
  const held = reserved > 0 ? `, ${reserved} set aside for orders` : "";
  const more = available > here ? `; more made to order in ${days}` : "";
  return (available > 0 ? left : "Sold out in this combination") + held + more;
}

function showStock() {
  const none = away || chosen.available <= 0;
  stock.className = `state state--${none ? "urgent" : chosen.here <= FEW ? "brass" : "good"}`;
  stock.textContent = stockWords(chosen);
  if (arrives) arrives.textContent = (!none && chosen.here <= 0 && chosen.arrives) || fromHere;
  const button = adding.querySelector("button");
  button.disabled = adding.elements.quantity.disabled = none;
  button.textContent = away ? "Not for sale" : none ? "Sold out" : "Add to cart";
  page.querySelector("[data-sold-out]")?.toggleAttribute("hidden", variants.some((one) => one.available > 0));
  page.dispatchEvent(new CustomEvent("shown", { detail: chosen })); // alerts.js
}

function showOptions() {
  for (const input of options.querySelectorAll("input[type=radio]")) {
    const codes = { ...chosen.options, [input.name]: input.value };
    const out = !variants.some((variant) => variant.available > 0 && fits(variant, codes));
    input.checked = chosen.options[input.name] === input.value;
    input.closest(".pill").classList.toggle("pill--out", out);
    input.parentElement.querySelector("[data-out]").hidden = !out;
    if (input.checked) options.querySelector(`[data-chosen="${input.name}"]`).textContent = input.dataset.label;
  }
}

/* A detail or the wall stays in sight, unless the new choice has a picture of its own. */
function showPicture(before) {
  if (chosen.image !== before.image) document.getElementById(`picture-${chosen.image}`).checked = true;
  for (const stage of page.querySelectorAll("[data-framed]")) {
    if (chosen.frame) stage.dataset.frame = chosen.frame;
    else delete stage.dataset.frame;
  }
}

function place(box, { x, y, width, height }) {
  for (const [name, value] of Object.entries({ x, y, width, height })) box.setAttribute(name, value);
}

function showWall() {
  const hung = page.querySelector("[data-hung]");
  if (!hung || !chosen.wall) return;
  const { x, y, width, height } = chosen.wall;
  const frame = hung.querySelector("[data-box=frame]");
  for (const box of hung.children) place(box, chosen.wall);
  place(hung.querySelector("[data-box=shade]"), { x: x + 1, y: y + 3, width, height });
  frame.setAttribute("fill", chosen.frame || "none");
  frame.setAttribute("stroke", chosen.frame || "none");
  page.querySelector("[data-measures]").textContent = `${width} × ${height} cm`;
}

function showPrice() {
  page.querySelector("[data-price]").textContent = chosen.price;
  page.querySelector("[data-was]").textContent = chosen.full ?? "";
  page.querySelector("[data-prior]").textContent = chosen.prior ?? "";
  page.querySelector("[data-prior]").parentElement.hidden = !chosen.prior;
}

function choose(variant) {
  const before = chosen;
  chosen = variant;
  adding.elements.variant.value = variant.id;
  showPrice();
  repriced.textContent = "";
  showOptions();
  showPicture(before);
  showWall();
  showStock();
  history.replaceState(null, "", `?${new URLSearchParams(variant.options)}`);
}

options?.addEventListener("change", (event) => choose(find(chosenCodes(), event.target.name)));

const money = new Intl.NumberFormat(document.documentElement.lang, {
  style: "currency",
  currency: document.documentElement.dataset.currency,
});

function reprice(variant, { amount }, full, prior) {
  const before = variant.price;
  variant.price = money.format(amount);
  variant.full = full ? money.format(full.amount) : "";
  variant.prior = prior ? money.format(prior.amount) : "";
  if (variant !== chosen || variant.price === before) return;
  showPrice();
  repriced.textContent = `The price changed just now. It was ${before}, it is ${variant.price}.`;
}

const hear = {
  stock({ sku, available, reserved, here, lead_days }) {
    const variant = variants.find((one) => one.sku === sku);
    if (!variant) return;
    Object.assign(variant, { available, reserved, here, leadDays: lead_days ?? variant.leadDays });
    showOptions();
    if (variant === chosen) showStock();
  },
  price({ prices, full = {}, prior = {} }) {
    for (const variant of variants.filter(({ sku }) => sku in prices)) {
      reprice(variant, prices[variant.sku], full[variant.sku], prior[variant.sku]);
    }
  },
  visibility({ visible }) {
    away = !visible;
    showStock();
  },
  reset: () => location.reload(),
};

page.addEventListener("notification", ({ detail: { kind, data } }) => {
  if (chosen || kind === "reset") hear[kind]?.(data);
});

/* Adding answers with a few words and the cart's new number; where that fails, the form goes the plain way. */
adding?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = adding.querySelector("button");
  button.setAttribute("aria-disabled", "true");
  try {
    const answer = await fetch(adding.action, {
      method: "POST",
      body: new FormData(adding),
      headers: { "HX-Request": "true" },
    });
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere) return location.assign(elsewhere);
    const parts = new DOMParser().parseFromString(await answer.text(), "text/html");
    const count = parts.getElementById("cart-count");
    if (answer.ok && count) {
      count.removeAttribute("hx-swap-oob");
      document.getElementById("cart-count").replaceWith(count);
    }
    page.querySelector("[data-added]").replaceChildren(...parts.body.childNodes);
  } catch {
    adding.submit();
  } finally {
    button.removeAttribute("aria-disabled");
  }
});

/* Looking closer. */
const zoom = document.getElementById("zoom");

page.addEventListener("click", (event) => {
  const link = event.target.closest("[data-zoom]");
  if (!link) return;
  event.preventDefault();
  const picture = zoom.querySelector("[data-zoomed]");
  picture.src = link.href;
  picture.alt = link.closest(".stage").querySelector("img").alt;
  zoom.showModal();
});

zoom?.addEventListener("click", (event) => {
  if (event.target.closest("[data-close], img")) zoom.close();
});
