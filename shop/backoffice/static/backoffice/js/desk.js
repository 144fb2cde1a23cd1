/* Says that this page of an order is open, again and again, and shows who else has it open. A page that is closed says
 * so at once; of one that is killed nothing is heard any more, and the server forgets it. */

const form = document.querySelector("#desk-form");
const desk = document.querySelector("#order-desk");

async function stay() {
  try {
    await fetch(form.action, { method: "POST", body: new FormData(form) });
  } catch {
    // Offline: the next beat says it.
  }
}

function leave() {
  const leaving = new FormData(form);
  leaving.set("leaving", "1");
  navigator.sendBeacon(form.action, leaving);
}

async function show() {
  try {
    const answer = await fetch(form.action);
    if (answer.ok && !answer.redirected) desk.innerHTML = await answer.text();
  } catch {
    // Offline: the link tells of it again when it is back.
  }
}

form.addEventListener("notification", ({ detail }) => {
  if (detail.kind === "reset" || detail.data.order === form.dataset.order) show();
});
new Worker(form.dataset.pulse).addEventListener("message", stay);
addEventListener("pagehide", leave);
addEventListener("pageshow", ({ persisted }) => persisted && stay());
stay();
