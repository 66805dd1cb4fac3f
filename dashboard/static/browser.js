// What only the browser can do: keep favourites, share a link, tell where it is when asked.
// Our own HTML names what a button does in data-do, as "verb" or "verb:id"; one listener hears them all.
const KEPT = "dockcast-favourites";
let memory = {}; // where the browser lets us keep nothing, favourites last as long as the page

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
    // Full, or not allowed.
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

function locate(button, words, tell) {
  const failed = (error) => tell({ do: "lost", code: error ? error.code : 0 });
  if (!navigator.geolocation) return failed();
  say(button, words.locating);
  navigator.geolocation.getCurrentPosition(
    // Ten metres are near enough to choose a station by.
    ({ coords }) => tell({ do: "here", lat: +coords.latitude.toFixed(4), lon: +coords.longitude.toFixed(4) }),
    failed,
    { enableHighAccuracy: true, timeout: 15000, maximumAge: 60000 },
  );
}

export default function ({ data, setStateValue, setTriggerValue }) {
  const { system, known, words } = data;
  const mine = () => setStateValue("favourites", { system, stations: of(system) });
  const tell = (what) => setTriggerValue("did", { ...what, time: Date.now() });
  if (JSON.stringify(of(system)) !== JSON.stringify(known)) mine();

  function listen(event) {
    const button = event.target.closest?.("[data-do]");
    // A link asked for in a new tab or window is the browser's.
    if (!button || (button.href && (event.ctrlKey || event.metaKey || event.shiftKey))) return;
    event.preventDefault();
    const [, verb, id] = button.dataset.do.match(/^(\w+):?(.*)$/s);
    if (verb === "share") share(button, words);
    else if (verb === "near") locate(button, words, tell);
    else if (verb === "star") {
      const ids = of(system);
      const kept = ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id];
      keep({ ...favourites(), [system]: kept });
      mine();
    } else tell({ do: verb, id });
  }

  // Streamlit marks every run of its script for its own timing and forgets none; a map is left open all day.
  const forget = setInterval(() => (performance.clearMarks(), performance.clearMeasures()), 60000);
  document.addEventListener("click", listen);
  return () => {
    clearInterval(forget);
    document.removeEventListener("click", listen);
  };
}
