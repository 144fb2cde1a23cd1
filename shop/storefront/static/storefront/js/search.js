/* Suggestions under the search field while somebody types: a combobox with a list. Without it the field is a form. */

const WAIT_MS = 140;

const form = document.querySelector("form[data-suggest]");
const input = form.querySelector("input");
const status = form.querySelector("[role=status]");
const list = document.createElement("ul");
let waiting;
let asking;

// Nothing that is on its way changes a list that was closed, or is chosen from.
function settle() {
  clearTimeout(waiting);
  asking?.abort();
}

function close() {
  settle();
  list.hidden = true;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

function option({ label, note, url }, place) {
  const item = document.createElement("li");
  item.id = `suggestion-${place}`;
  item.role = "option";
  item.ariaSelected = "false";
  item.dataset.url = url;
  const small = document.createElement("small");
  small.textContent = note;
  item.append(label, " ", small);
  return item;
}

function show(suggestions) {
  list.replaceChildren(...suggestions.map(option));
  const none = suggestions.length === 0;
  list.hidden = none;
  input.setAttribute("aria-expanded", String(!none));
  input.removeAttribute("aria-activedescendant");
  status.textContent = none ? "No suggestions." : `${suggestions.length} suggestions. Up and down to choose.`;
}

async function ask() {
  settle();
  asking = new AbortController();
  const query = input.value.trim();
  if (query.length < 2) return close();
  try {
    const url = `${form.dataset.suggest}?${new URLSearchParams({ q: query })}`;
    const answer = await fetch(url, { signal: asking.signal });
    if (answer.ok) show((await answer.json()).suggestions);
  } catch (error) {
    if (error.name !== "AbortError") close();
  }
}

function move(step) {
  settle();
  const items = [...list.children];
  const now = items.findIndex((item) => item.ariaSelected === "true");
  const next = (now + step + items.length + 1) % (items.length + 1); // one more place: the field itself
  items.forEach((item, place) => (item.ariaSelected = String(place === next)));
  if (items[next]) input.setAttribute("aria-activedescendant", items[next].id);
  else input.removeAttribute("aria-activedescendant");
}

const keys = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(list.querySelector("[aria-selected=true]") ? -1 : list.children.length),
  Escape: close,
};

function open() {
  list.id = "suggestions";
  list.className = "suggestions";
  list.role = "listbox";
  list.ariaLabel = "Suggestions";
  list.hidden = true;
  form.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": list.id,
    "aria-autocomplete": "list",
  })) {
    input.setAttribute(name, value);
  }
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    const chosen = list.querySelector("[aria-selected=true]");
    if (list.hidden) return;
    if (event.key === "Enter" && chosen) {
      event.preventDefault();
      location.assign(chosen.dataset.url);
    } else if (event.key in keys) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  input.addEventListener("blur", close);
  // Before the field loses its focus, which would close the list under the finger.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const item = event.target.closest("[role=option]");
    if (item) location.assign(item.dataset.url);
  });
}

open();
