/* The bell's number, counted on as messages arrive and set anew when some are read on any screen. */

const bell = document.getElementById("bell");
const badge = bell.querySelector("[data-unread]");
const words = bell.querySelector("[data-unread-words]");

function show(count) {
  badge.textContent = words.textContent = String(count);
  badge.hidden = count === 0;
}

bell.addEventListener("notification", ({ detail }) => {
  if (detail.kind === "inbox.read") show(detail.data.unread);
  else if (detail.kind !== "reset" && !detail.data.quiet) show(Number(words.textContent) + 1);
});
