// What only the browser can do: keep favourites, share a link, send its place after a touch.
// A button of our own HTML has its action in data-do, as "verb" or "verb:id". One listener serves them all.
const KEPT = "dockcast-favourites";
let memory = {}; // where the browser has no storage, favourites last as long as the page

function favourites() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT));
    return kept && typeof kept === "object" ? kept : memory;
  } catch {
    return memory;
  }
}

function keep(all) {
  memory = all;
  try {
    localStorage.setItem(KEPT, JSON.stringify(all));
  } catch {
    // The storage is full or not allowed.
  }
}

function of(system) {
  const ids = favourites()[system];
  return Array.isArray(ids) ? ids.filter((id) => typeof id === "string").slice(0, 100) : [];
}

function say(button, words) {
  const before = button.textContent;
  button.textContent = words;
  setTimeout(() => (button.textContent = before), 2500);
}

async function share(button, words) {
  try {
    if (navigator.share && matchMedia("(pointer: coarse)").matches) {
      await navigator.share({ title: document.title, url: location.href });
    } else {
      await navigator.clipboard.writeText(location.href);
      say(button, words.copied);
    }
  } catch (error) {
    if (error.name !== "AbortError") say(button, words.not_copied);
  }
}

function locate(button, words, send) {
  const failed = (error) => send({ do: "lost", code: error ? error.code : 0 });
  if (!navigator.geolocation) return failed();
  say(button, words.locating);
  navigator.geolocation.getCurrentPosition(
    // Ten metres are precise enough to choose a station.
    ({ coords }) => send({ do: "here", lat: +coords.latitude.toFixed(4), lon: +coords.longitude.toFixed(4) }),
    failed,
    { enableHighAccuracy: true, timeout: 15000, maximumAge: 60000 },
  );
}

// Streamlit adds every new address to the history, a move of the slider too, and two for a change of page. Here
// back leads to what was there before: another page, another city, or the map before a station was opened on it.
// Where that station was closed since, the map stands in the history twice, and back goes past both.
function remember() {
  if (history.isKept) return;
  history.isKept = true;
  const [push, replace] = [history.pushState.bind(history), history.replaceState.bind(history)];
  const of = (address, name) => new URLSearchParams(address.search).get(name) ?? "";
  let here = history.state ?? {};
  history.replaceState = (state, title, url) => replace(here, "", url);
  history.pushState = (state, title, url) => {
    const next = new URL(url, location.href);
    const opens = of(next, "station") !== "" && of(location, "station") === "";
    const elsewhere = next.pathname !== location.pathname || of(location, "city") !== of(next, "city");
    const isNew = elsewhere || opens;
    here = isNew ? { step: (here.step ?? 0) + 1, opens } : { ...here, twin: here.opens && !of(next, "station") };
    (isNew ? push : replace)(here, "", url);
  };
  addEventListener("popstate", ({ state }) => {
    const passes = here.twin && (state?.step ?? 0) < here.step;
    here = state ?? {};
    if (passes) history.back();
  });
}

// Streamlit speaks English alone: what people see or hear of it is replaced as it comes.
const HEARD = ["aria-label", "placeholder"];

function translate(node, theirs) {
  if (node.nodeType === Node.TEXT_NODE) {
    const ours = theirs[node.data];
    if (ours && !node.parentElement?.closest(".stHtml")) node.data = ours;
  } else if (node.nodeType === Node.ELEMENT_NODE) {
    for (const name of HEARD) {
      const ours = theirs[node.getAttribute(name)];
      if (ours) node.setAttribute(name, ours);
    }
    for (const child of node.childNodes) translate(child, theirs);
  }
}

// The cookie goes to the server with the next request. Where the browser keeps none, the address has the choice.
function speak(cookie, code) {
  const kept = `${cookie}=${code}`;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${kept}; path=/; max-age=31536000; samesite=lax${secure}`;
  const address = new URL(location);
  address.searchParams.delete("lang");
  if (!document.cookie.split("; ").includes(kept)) address.searchParams.set("lang", code);
  if (address.href === location.href) location.reload();
  else location.replace(address);
}

// An address that was opened without a city, or with what makes no sense, gives way to the right one.
function mend({ opened, right }) {
  const sorted = (query) => JSON.stringify(Object.entries(query).sort());
  if (!right || sorted(Object.fromEntries(new URLSearchParams(location.search))) !== sorted(opened)) return;
  history.replaceState({}, "", `${location.pathname}?${right}${location.hash}`);
}

// Streamlit calls what follows anew for each change of its data, and forgets how to end what it called before.
let stop = null;
// A press, a touch or a list moved by keys may be under way meanwhile.
let typing;
let byKey = false;
let pressed = null;
let renewed = 0;
let touched = null;

export default function ({ data, setStateValue, setTriggerValue }) {
  stop?.();
  const { system, known, words, address, spoken, cookie, theirs } = data;
  const foreign = Object.keys(theirs).length > 0;
  if (foreign) translate(document.body, theirs);
  document.documentElement.lang = spoken;
  remember();
  mend(address);
  const sendFavourites = () => setStateValue("favourites", { system, stations: of(system) });
  const send = (what) => setTriggerValue("did", { ...what, time: Date.now() });
  if (JSON.stringify(of(system)) !== JSON.stringify(known)) sendFavourites();

  function act(button) {
    const [, verb, id] = button.dataset.do.match(/^(\w+):?(.*)$/s);
    if (verb === "share") share(button, words);
    else if (verb === "near") locate(button, words, send);
    else if (verb === "star") {
      const ids = of(system);
      const kept = ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id];
      keep({ ...favourites(), [system]: kept });
      sendFavourites();
    } else send({ do: verb, id });
  }

  // A browser reports a time at each digit, and a closed list at each arrow key. What was typed counts when it has
  // rested, or when the viewer leaves it; what was touched in a list counts at once.
  const FIELD = "input[data-do], select[data-do]";
  const REST = 900;

  function typed({ target, type, key }) {
    if (type === "keydown") byKey = true;
    if (!target.matches?.(FIELD) || (type === "keydown" && key !== "Enter")) return;
    clearTimeout(typing);
    const drawn = target.defaultValue ?? target.querySelector("[selected]")?.value;
    const report = () => {
      if (!target.value || target.value === (target.dataset.sent ?? drawn)) return;
      target.dataset.sent = target.value;
      send({ do: target.dataset.do, id: target.value });
    };
    if (type === "input" && (byKey || target.matches("input"))) typing = setTimeout(report, REST);
    else report();
  }

  // A page that renews itself between press and release puts an equal button in the place of the pressed one,
  // or moves it away. The browser then makes no click, or one on what is there now. The press counts, once.
  function press({ target, clientX, clientY }) {
    byKey = false;
    const button = target.closest?.("button[data-do]");
    pressed = button ? { button, clientX, clientY } : null;
  }

  function release({ target, clientX, clientY }) {
    if (!pressed || Math.hypot(clientX - pressed.clientX, clientY - pressed.clientY) > 10) return;
    if (pressed.button.isConnected && pressed.button.contains(target)) return;
    renewed = Date.now();
    act(pressed.button);
  }

  // A choice among buttons in a row is seen at once; the answer of the server writes the row anew.
  function show(button) {
    const before = button.closest(".wants > div")?.querySelector("[aria-current]");
    before?.removeAttribute("aria-current");
    if (before) button.setAttribute("aria-current", "true");
  }

  function listen(event) {
    const button = event.target.closest?.("[data-do]");
    // The browser opens links in a new tab or window itself.
    if (!button || button.matches(FIELD) || (button.href && (event.ctrlKey || event.metaKey || event.shiftKey))) return;
    event.preventDefault();
    if (Date.now() - renewed <= 500) return;
    show(button);
    act(button);
  }

  const choose = ({ target }) => target.matches?.("select[data-language]") && speak(cookie, target.value);

  // The map writes its tooltip when the pointer moves. One that nobody touches goes when the map has new numbers.
  const numbers = () => {
    const chosen = document.querySelector(".chosen");
    return chosen && chosen.dataset.frame + chosen.textContent;
  };
  let shown = numbers();
  const watcher = new MutationObserver((changes) => {
    if (foreign) for (const { addedNodes } of changes) addedNodes.forEach((node) => translate(node, theirs));
    const now = numbers();
    if (now === shown) return;
    shown = now;
    const tooltip = document.querySelector(".deck-tooltip");
    if (tooltip) tooltip.style.display = "none";
  });
  watcher.observe(document.body, { subtree: true, childList: true, characterData: true });

  // deck.gl looks for what lies under a finger when it comes down. On a busy machine that takes so long that it
  // takes a short touch for a long one, and drops it. Such a touch is made once more.
  function comes(event) {
    const onMap = event.isTrusted && event.isPrimary && event.target.closest?.("[data-testid=stDeckGlJsonChart]");
    touched = onMap ? { event, handled: performance.now() } : null;
  }

  function goes({ isTrusted, timeStamp, clientX, clientY }) {
    if (!isTrusted || !touched) return;
    const { event, handled } = touched;
    const short = timeStamp - event.timeStamp < 250 && performance.now() - handled > 250;
    if (!short || Math.hypot(clientX - event.clientX, clientY - event.clientY) > 10) return;
    const { target, pointerId, pointerType } = event;
    const same = { clientX, clientY, pointerId, pointerType, isPrimary: true, bubbles: true, button: 0 };
    setTimeout(() => {
      target.dispatchEvent(new PointerEvent("pointerdown", { ...same, buttons: 1 }));
      target.dispatchEvent(new PointerEvent("pointerup", { ...same, buttons: 0 }));
    });
  }

  // Streamlit marks every run of its script for its own timing and drops no mark; a map stays open all day.
  const forget = setInterval(() => (performance.clearMarks(), performance.clearMeasures()), 60000);
  const listeners = {
    click: listen, pointerdown: press, pointerup: release, input: typed, focusout: typed, keydown: typed,
    change: choose,
  };
  for (const [kind, listener] of Object.entries(listeners)) document.addEventListener(kind, listener);
  document.addEventListener("pointerdown", comes, true);
  document.addEventListener("pointerup", goes, true);
  // Until then our buttons are faded, and take no touch that would be lost.
  document.documentElement.dataset.listens = "";
  stop = () => {
    clearInterval(forget);
    watcher.disconnect();
    for (const [kind, listener] of Object.entries(listeners)) document.removeEventListener(kind, listener);
    document.removeEventListener("pointerdown", comes, true);
    document.removeEventListener("pointerup", goes, true);
    delete document.documentElement.dataset.listens;
  };
  return stop;
}
