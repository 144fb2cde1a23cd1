/* The bell's number, counted on as messages arrive and set anew when some are read on any screen. And a word where no more
 * will arrive, because whom this page was made for is signed out. */

const SIGNED_OUT = 4503;
const ASIDE = ["reset", "closed"];

const bell = document.getElementById("bell");
const badge = bell.querySelector("[data-unread]");
const words = bell.querySelector("[data-unread-words]");

function show(count) {
  badge.textContent = words.textContent = String(count);
  badge.hidden = count === 0;
}

bell.addEventListener("notification", ({ detail }) => {
  if (detail.kind === "inbox.read") show(detail.data.unread);
  else if (!ASIDE.includes(detail.kind) && !detail.data.quiet) show(Number(words.textContent) + 1);
});

document.addEventListener("notification-link", ({ detail: { state, code } }) => {
  document.getElementById("signed-out").hidden = state !== "ended" || code !== SIGNED_OUT;
});
