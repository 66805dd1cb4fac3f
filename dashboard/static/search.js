// Finds a station by its name while one types, with the chance at the chosen time beside it. The rows are those
// that the map has fetched already. The page says which in data-rows, and where the chance stands in data-column.
const MOST = 8;
const GOOD = 0.6; // likeness from which on a name is shown, and how much worse than the best it may be
const WORSE = 0.25;

const plain = (text) =>
  text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ß", "ss").replace(/[^\p{L}\p{N}]+/gu, " ").trim();

// The fewest letters to change, add or drop until a word is the beginning of another.
function distance(word, other) {
  let above = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= word.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      row.push(Math.min(row[j - 1] + 1, above[j] + 1, above[j - 1] + (word[i - 1] !== other[j - 1])));
    }
    above = row;
  }
  return Math.min(...above);
}

function likeness(word, other) {
  if (other.startsWith(word)) return word === other ? 1 : 0.95;
  return Math.max(other.includes(word) && word.length > 2 ? 0.8 : 0, 0.9 * (1 - distance(word, other) / word.length));
}

const order = new Intl.Collator(undefined, { numeric: true });

export function find(names, query) {
  const wanted = plain(query);
  if (!wanted) return [];
  const words = wanted.split(" ").map((word) => [word, new Map()]); // names share most of their words
  const found = [];
  const grade = ([word, known], other) => {
    if (!known.has(other)) known.set(other, likeness(word, other));
    return known.get(other);
  };
  names.forEach((name, index) => {
    const others = name.split(" ");
    const sum = words.reduce((all, word) => all + Math.max(...others.map((other) => grade(word, other))), 0);
    const whole = name.startsWith(wanted) ? 0.1 : name.includes(wanted) ? 0.05 : 0;
    found.push({ index, grade: sum / words.length + whole });
  });
  const best = Math.max(...found.map((each) => each.grade));
  return found
    .filter(({ grade }) => grade >= GOOD && grade >= best - WORSE)
    .sort((one, other) => other.grade - one.grade || order.compare(names[one.index], names[other.index]))
    .slice(0, MOST)
    .map(({ index }) => index);
}

const fetched = new Map(); // the newest rows alone: address → promise of rows with plain names

function rowsAt(address) {
  if (!fetched.has(address)) {
    fetched.clear();
    const rows = fetch(address).then(async (answer) => {
      if (!answer.ok) throw new Error(answer.status);
      const all = await answer.json();
      return { all, names: all.map((row) => plain(row[2])) };
    });
    rows.catch(() => fetched.delete(address));
    fetched.set(address, rows);
  }
  return fetched.get(address);
}

function make(name, attributes, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text; // never as HTML: a station's name is a stranger's
  return made;
}

function build(parent, id) {
  const input = make("input", {
    id: `${id}-input`, type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", enterkeyhint: "search", maxlength: 80,
    "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": `${id}-list`,
  });
  const list = make("ul", { role: "listbox", id: `${id}-list`, hidden: "" });
  const note = make("p", { role: "status", class: "note" });
  const label = make("label", { for: `${id}-input` });
  const box = make("div", { class: "search" });
  box.append(label, input, list, note);
  parent.append(box);
  return { box, label, input, list, note };
}

function begin(parent, options) {
  const { id } = options.data;
  const { box, label, input, list, note } = build(parent, id);
  let shown = []; // the stations in the list: id and name
  let active = -1;
  let drawn = ""; // the rows and the column in the list
  let asked = 0;

  const source = () => document.querySelector(`[data-for="${options.data.verb}"]`)?.dataset ?? {};

  function mark(index) {
    active = index;
    [...list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === index)));
    const item = list.children[index];
    if (item) input.setAttribute("aria-activedescendant", item.id);
    else input.removeAttribute("aria-activedescendant");
    item?.scrollIntoView({ block: "nearest" });
  }

  function close(words = "") {
    [shown, drawn] = [[], ""];
    list.replaceChildren();
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    mark(-1);
    note.textContent = words;
  }

  function choose(index) {
    const station = shown[index];
    if (!station) return;
    input.value = "";
    close();
    options.setTriggerValue("did", { do: options.data.verb, id: station.id, time: Date.now() });
  }

  function draw({ all, names }, column) {
    const found = find(names, input.value);
    const kept = shown[active]?.id;
    shown = found.map((index) => ({ id: all[index][3], name: all[index][2] }));
    const items = found.map((index, place) => {
      const name = make("span", {}, all[index][2]);
      const odds = column ? [make("span", { class: `odds step${all[index][column - 1]}` }, all[index][column])] : [];
      const item = make("li", { id: `${id}-${place}`, role: "option" });
      item.append(name, ...odds);
      return item;
    });
    list.replaceChildren(...items);
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(found.length > 0));
    mark(found.length ? Math.max(shown.findIndex((station) => station.id === kept), 0) : -1);
    note.textContent = found.length ? "" : options.data.words.none;
  }

  async function search() {
    const mine = ++asked;
    const { rows: address, column } = source();
    if (!plain(input.value)) return close();
    if (!address) return close(options.data.words.unknown);
    const loading = setTimeout(() => mine === asked && close(options.data.words.loading), 100);
    try {
      const rows = await rowsAt(address);
      if (mine !== asked) return; // there is newer text
      drawn = `${address} ${column}`;
      draw(rows, Number(column ?? 0));
    } catch {
      if (mine === asked) close(options.data.words.unknown);
    } finally {
      clearTimeout(loading);
    }
  }

  function onKey(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      input.value = "";
      close();
    }
    if (!shown.length) return;
    if (event.key === "Enter") choose(active);
    else if (event.key === "ArrowDown") mark((active + 1) % shown.length);
    else if (event.key === "ArrowUp") mark((active + shown.length - 1) % shown.length);
    else return;
    event.preventDefault();
  }

  input.addEventListener("input", search);
  input.addEventListener("keydown", onKey);
  input.addEventListener("focus", search);
  input.addEventListener("blur", () => close());
  // Before the touch takes the focus away, which would close the list.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", ({ target }) => {
    choose([...list.children].indexOf(target.closest("li")));
    input.blur(); // a phone's keyboard would cover the map
  });
  // Another time or newer counts, while the list is open.
  const look = setInterval(() => {
    const { rows: address, column } = source();
    if (!box.isConnected) clearInterval(look);
    else if (drawn && drawn !== `${address} ${column}`) search();
  }, 500);
  return { label, input, list };
}

const begun = new WeakMap(); // Streamlit calls this again with every run of the page, and the text must stay

export default function ({ data, parentElement, setTriggerValue }) {
  if (!begun.has(parentElement)) {
    const options = { data, setTriggerValue };
    begun.set(parentElement, { ...begin(parentElement, options), options });
  }
  const { label, input, list, options } = begun.get(parentElement);
  Object.assign(options, { data, setTriggerValue });
  label.textContent = data.label;
  label.classList.toggle("unseen", !data.labelled);
  input.placeholder = data.placeholder;
  list.setAttribute("aria-label", data.words.matches);
}
