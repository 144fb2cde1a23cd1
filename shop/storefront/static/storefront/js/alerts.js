/* What can be asked follows the combination shown on a print's page: to be back, to be cheaper, or what was asked. */

const forms = document.querySelectorAll("form[data-alert]");

document.querySelector("[data-product]").addEventListener("shown", ({ detail: variant }) => {
  for (const form of forms) {
    const back = form.dataset.alert === "stock.back";
    const asked = back ? variant.awaited : variant.watched !== "";
    form.elements.variant.value = variant.id;
    if (back) form.hidden = variant.here > 0;
    form.querySelector("[data-ask]")?.toggleAttribute("hidden", asked);
    form.querySelector("[data-asked]")?.toggleAttribute("hidden", !asked);
    const below = form.querySelector("[data-below]");
    if (below) below.textContent = variant.watched;
  }
});
