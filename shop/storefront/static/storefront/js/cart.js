/* A quantity typed into a cart's field is sent when the field is left; the buttons are plain form buttons. */

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-quantity]");
  if (form && event.target.name === "quantity") form.requestSubmit();
});
