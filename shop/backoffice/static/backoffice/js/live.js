/* Keeps parts of a page fresh. An element with data-live="#a, #b" follows its streams (see notifications.js); on word
 * of a change the page is fetched again and these parts of it exchanged, one fetch for a burst. A part in which somebody
 * is at work, typing or with rows selected, waits until they are done. */

const PAUSE_MS = 400;
const WAIT_MS = 2000;

for (const element of document.querySelectorAll("[data-live]")) keepFresh(element);

function keepFresh(element) {
  const parts = element.dataset.live.split(",").map((part) => part.trim());
  let news = [];
  let timer = null;

  element.addEventListener("notification", ({ detail }) => {
    if (detail.kind === "closed") return; // whoever may not follow it may not fetch it either
    const only = element.dataset.liveOnly;
    if (detail.kind !== "reset" && only && detail.data.order !== only) return;
    if (detail.data.number || detail.data.title) news.push(detail);
    timer ??= setTimeout(refresh, PAUSE_MS);
  });

  async function refresh() {
    timer = null;
    const heard = news;
    news = [];
    const page = await fetchPage();
    if (!page) return again(WAIT_MS);
    const waiting = parts.filter((part) => !exchange(part, page));
    if (heard.length) element.querySelector("[role=status]").textContent = inWords(heard);
    if (waiting.length) again(WAIT_MS);
  }

  function again(delay) {
    timer ??= setTimeout(refresh, delay);
  }
}

async function fetchPage() {
  try {
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "XMLHttpRequest" } });
    if (!answer.ok) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null; // Offline: the next event, or the next try, comes after the link is back.
  }
}

function exchange(part, page) {
  const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
  if (!fresh) return true;
  if (!old) return location.reload();
  if (isAtWork(old)) return false;
  markChanges(old, fresh);
  const focused = old.contains(document.activeElement) && sameAs(document.activeElement);
  old.replaceWith(document.adoptNode(fresh));
  if (focused) fresh.querySelector(focused)?.focus({ preventScroll: true });
  if (part === "#result_list") followCheckboxes(fresh);
  return true;
}

function isAtWork(part) {
  return part.querySelector("details[open], .action-select:checked, input:not([type=checkbox]):focus, select:focus");
}

/* What finds the link or the checkbox that has the focus in the part that takes this one's place. */
function sameAs(element) {
  const name = ["id", "href", "value"].find((name) => element.getAttribute(name));
  return name && `${element.localName}[${name}="${CSS.escape(element.getAttribute(name))}"]`;
}

function markChanges(old, fresh) {
  const rows = "tbody tr, [data-key]";
  const before = new Map([...old.querySelectorAll(rows)].map((row) => [keyOf(row), row.textContent]));
  for (const row of fresh.querySelectorAll(rows)) {
    if (keyOf(row) && before.get(keyOf(row)) !== row.textContent) row.classList.add("bo-fresh");
  }
}

function keyOf(row) {
  return row.dataset.key ?? row.querySelector("th a")?.pathname;
}

function inWords(heard) {
  const names = new Set(heard.map(({ data }) => data.number ?? data.title));
  if (heard.length > 3) return `${names.size} ${heard.every(({ data }) => data.number) ? "orders" : "things"} changed.`;
  const said = ({ kind, data }) => `${data.number ?? data.title} ${kind.replace(/^\w+\./, "").replaceAll("_", " ")}.`;
  return heard.map(said).join(" ");
}

/* The admin's own script knows only the checkboxes that were there when the page came. */
function followCheckboxes(list) {
  const parent = list.closest(".result-list-wrapper");
  window.Actions?.(list.querySelectorAll("tr input.action-select"), { parent });
}
