// The kiosk, which nobody touches. Each step of the server is another beat in the page. Where none
// comes, or where our own timer shows that the machine slept, the page is loaded anew as soon as the app answers.
const SILENT = 20000; // milliseconds without a beat; twice as long after each reload that brought none
const SLEPT = 30000; // between two looks that are a second apart
const LONGEST = 30000; // between two asks
const RELOADS = "dockcast-kiosk-reloads";

const reloads = () => Number(sessionStorage.getItem(RELOADS)) || 0;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function answers() {
  try {
    return (await fetch("./healthz/live", { cache: "no-store", signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return false;
  }
}

// Streamlit calls what follows anew for each change of its data, and forgets how to end what it called before.
let stop = null;

export default function ({ data, setStateValue }) {
  stop?.();
  const page = document.documentElement;
  let beat, asking = false, mounted = true;
  let lastBeat = Date.now(), looked = lastBeat;

  function sendSize() {
    const size = [innerWidth, innerHeight];
    if (String(size) !== String(data)) setStateValue("size", size);
  }

  async function comeBack() {
    asking = true;
    page.dataset.lost = "";
    for (let wait = 1000; mounted && !(await answers()); wait = Math.min(2 * wait, LONGEST)) await pause(wait);
    if (!mounted) return;
    sessionStorage.setItem(RELOADS, reloads() + 1);
    location.reload();
  }

  function look() {
    const now = Date.now(), newest = document.querySelector("[data-beat]")?.dataset.beat;
    const slept = now - looked > SLEPT;
    looked = now;
    if (asking) return;
    if (document.hidden) lastBeat = now; // its timers stand still as well
    else if (slept) comeBack();
    else if (newest !== beat) {
      if (beat) sessionStorage.removeItem(RELOADS);
      [beat, lastBeat] = [newest, now];
    } else if (now - lastBeat > SILENT * 2 ** Math.min(reloads(), 4)) comeBack();
  }

  // Streamlit marks every run of its script for its own timing and drops no mark; a kiosk runs for days.
  const forget = setInterval(() => (performance.clearMarks(), performance.clearMeasures()), 60000);
  const watch = setInterval(look, 1000);
  addEventListener("resize", sendSize);
  delete page.dataset.lost;
  sendSize();
  stop = () => {
    mounted = false;
    clearInterval(forget);
    clearInterval(watch);
    removeEventListener("resize", sendSize);
  };
  return stop;
}
