/* A card stays true while it is in view: the price it starts at, and whether few or none are left. Its attribute
 * data-variants keeps of each variant how many are left, its price, and how many lie here: one event tells no sum. */

const FEW = 8;

const money = new Intl.NumberFormat(document.documentElement.lang, {
  style: "currency",
  currency: document.documentElement.dataset.currency,
});

function mark(card, variants) {
  const [left, here] = [0, 2].map((at) => Object.values(variants).reduce((sum, one) => sum + one[at], 0));
  if ("away" in card.dataset) return ["No longer for sale", "muted"];
  if (left <= 0) return ["Sold out", "muted"];
  if (here <= 0) return ["Made to order", "brass"];
  return here <= FEW ? ["Few left", "brass"] : ["", "brass"];
}

function write(place, words) {
  if (!place || place.textContent === words) return;
  const arriving = document.createElement("span");
  arriving.className = "arriving";
  arriving.textContent = words;
  place.replaceChildren(arriving);
}

function show(card, variants) {
  const priced = Object.values(variants).filter(([, price]) => price !== null);
  const [, price, , prior] = priced.sort(([, one], [, other]) => one - other)[0];
  const place = card.querySelector("[data-mark]");
  const [words, tone] = mark(card, variants);
  write(card.querySelector("[data-from]"), money.format(price));
  write(card.querySelector("[data-was]"), prior ? money.format(prior) : "");
  write(place, words);
  if (place) place.className = `card__mark ${tone}`;
}

const hear = {
  stock: (variants, { sku, available, here }) => {
    const [, price = null, , prior] = variants[sku] ?? [];
    variants[sku] = [available, price, here, prior];
  },
  price: (variants, { prices, prior = {} }) => {
    for (const [sku, { amount }] of Object.entries(prices)) {
      const [left, , here] = variants[sku] ?? [0, null, 0];
      const before = prior[sku]?.amount;
      variants[sku] = [left, amount, here, Number(before) > Number(amount) ? before : undefined];
    }
  },
  visibility: (variants, { visible }, card) => card.toggleAttribute("data-away", !visible),
  reset: () => location.reload(),
};

document.addEventListener("notification", ({ target, detail: { kind, data } }) => {
  if (!target.dataset?.variants || !(kind in hear)) return;
  const variants = JSON.parse(target.dataset.variants);
  hear[kind](variants, data, target);
  target.dataset.variants = JSON.stringify(variants); // with the place it is followed from, should the card come again
  show(target, variants);
});
