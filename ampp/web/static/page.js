// What scripts add to pages that work without them. Nothing here builds markup out of data: the server renders.
import { live } from "./live.js";
import { editor } from "./editor.js";
import { panes } from "./pane.js";
import { forget, recent, remember } from "./recent.js";
import { views } from "./views.js";

export const root = document.body.dataset.root;
const $ = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// -- times: words that move, the reader's own clock on hover ---------------------------------------------------------

const UNITS = [[31536000, "y"], [86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
export function words(seconds) {
  seconds = Math.max(0, Math.floor(seconds));
  for (let i = 0; i < UNITS.length; i++) {
    const [size, unit] = UNITS[i];
    if (seconds < size && unit !== "s") continue;
    const whole = Math.floor(seconds / size);
    if (whole < 10 && "yhd".includes(unit)) {
      const [small, name] = UNITS[i + 1];
      const rest = Math.floor((seconds % size) / small);
      if (rest || name === "d") return `${whole} ${unit} ${rest} ${name}`;
    }
    return `${whole} ${unit}`;
  }
}
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
let skew = 0;
/** Go by the server's clock where this machine's is off: `date` is what an answer that has just come says. */
export function synchronise(date) {
  const off = Date.now() - Date.parse(date);
  skew = Math.abs(off) > 5000 ? off : 0;
}

export function tick() {
  const now = Date.now() - skew;
  for (const time of all("time[data-as]")) {
    const at = Date.parse(time.dateTime);
    const as = time.dataset.as;
    const text = as === "clock" ? exact.format(at)
      : as === "until" ? (at <= now ? "now" : words((at - now) / 1000)) : words((now - at) / 1000);
    if (time.textContent !== text) time.textContent = text;
    if (time.dataset.read !== time.dateTime) {
      time.dataset.read = time.dateTime;
      time.title = `${zoned.format(at)} · ${time.dateTime}`;
    }
  }
}

/** A piece of a page as nodes. Its links are made for its own address, so they are made whole. */
export async function fragment(url) {
  const answer = await fetch(url, { headers: { "X-Live": "1" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const base = new URL(url, location.href);
  for (const link of fresh.querySelectorAll("a[href]")) {
    const href = link.getAttribute("href");
    // What begins with a question mark concerns the page that the piece is for.
    link.setAttribute("href", new URL(href, href.startsWith("?") ? location.href : base).href);
  }
  return [...fresh.body.childNodes].map((node) => document.importNode(node, true));
}

// -- choices remembered in this browser ------------------------------------------------------------------------------

function keep(name, value) {
  const kept = new URLSearchParams(/(?:^|; )ampp-look=([^;]*)/.exec(document.cookie)?.[1] || "");
  if (value) kept.set(name, value); else kept.delete(name);
  document.cookie = `ampp-look=${kept}; Path=/; Max-Age=31536000; SameSite=Lax`;
}
for (const select of all("select[data-look]")) {
  const name = select.dataset.look;
  // A page kept by the browser may be older than the choice.
  select.value = document.documentElement.dataset[name] || "";
  select.addEventListener("change", () => {
    if (select.value) document.documentElement.dataset[name] = select.value;
    else delete document.documentElement.dataset[name];
    for (const other of all(`select[data-look="${name}"]`)) other.value = select.value;
    keep(name, select.value);
  });
}
const forgetting = document.getElementById("forget");
if (forgetting) {
  forgetting.hidden = !recent().length;
  forgetting.addEventListener("click", () => { forget(); forgetting.hidden = true; });
}
const facets = $("#facets");
if (facets && matchMedia("(max-width: 1000px)").matches) facets.open = false;

// -- the filter ------------------------------------------------------------------------------------------------------

const query = $("#q");
const form = $("#filter");
form.addEventListener("submit", (event) => { if (!query.value.trim()) event.preventDefault(); });
query.addEventListener("keydown", (event) => {
  const tokens = all(".token a", form);
  if (event.key === "Backspace" && !query.value && tokens.length) tokens.at(-1).click();
  if (event.key === "Escape") query.blur();
});
const bad = new Set(all(".token.bad bdi", form).map((token) => token.textContent));
remember(new URLSearchParams(location.search).getAll("filter").filter((text) => !bad.has(text)));
const known = $("#q-known");
const begin = all("option", known).map((option) => option.value);
const used = (text) => recent().filter((one) => one.toLowerCase().includes(text.toLowerCase()));
query.addEventListener("focus", () => { if (!query.value) offer(known, [...used("").slice(0, 12), ...begin]); });
let asked = 0;
query.addEventListener("input", () => {
  const mine = ++asked;
  if (!query.value) return offer(known, [...used("").slice(0, 12), ...begin]);
  setTimeout(async () => {
    if (mine !== asked) return;
    try {
      const answer = await fetch(`${root}ui/suggest?q=${encodeURIComponent(query.value)}`, { headers: { "X-Live": "1" } });
      if (!answer.ok || mine !== asked) return;
      offer(known, [...used(query.value).slice(0, 5), ...await answer.json()]);
    } catch { /* without suggestions, then */ }
  }, 120);
});
export function offer(list, texts) {
  list.replaceChildren(...[...new Set(texts)].map((text) => { const option = document.createElement("option"); option.value = text; return option; }));
}

// Alt-click on a label leaves it out instead.
document.addEventListener("click", (event) => {
  const chip = event.target.closest("a.chip[data-name]");
  if (!chip || !event.altKey) return;
  event.preventDefault();
  const url = new URL(chip.href);
  const filters = url.searchParams.getAll("filter");
  const last = filters.pop();
  if (!last) return;
  url.searchParams.delete("filter");
  for (const one of filters) url.searchParams.append("filter", one);
  const name = last.indexOf("=");
  url.searchParams.append("filter", last.slice(0, name) + "!" + last.slice(name));
  location.assign(url);
});
document.addEventListener("click", (event) => {
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// -- rows, selection, keys -------------------------------------------------------------------------------------------

const rows = () => all("[data-row]");
let current = null;
export function choose(row) {
  if (!row) return;
  current = row.id;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}
const here = () => document.activeElement?.closest?.("[data-row]") || (current && document.getElementById(current));
export function picked() {
  const count = all(".pick input:checked").length;
  const shown = document.getElementById("picked");
  if (!shown) return;
  shown.textContent = count ? ` (${count})` : "";
  shown.closest("button").hidden = !count;
}
document.addEventListener("change", (event) => { if (event.target.closest(".pick")) picked(); });
document.addEventListener("click", (event) => {
  // Shift-click selects everything between.
  const box = event.target.closest?.(".pick input");
  if (!box) return;
  const boxes = all(".pick input");
  if (event.shiftKey && choose.last && boxes.includes(choose.last)) {
    const [from, to] = [boxes.indexOf(choose.last), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
    picked();
  }
  choose.last = box;
});

const dialog = $("#keys");
$("#keys-open").addEventListener("click", () => dialog.showModal());
let prefix = 0;
const KEYS = {
  "/": () => query.focus(),
  "?": () => dialog.showModal(),
  ".": () => live.toggle(),
  j: () => step(1), ArrowDown: null,
  k: () => step(-1),
  x: () => { const box = here()?.querySelector(".pick input"); if (box) box.click(); },
  Enter: () => here()?.querySelector("[data-open]")?.click(),
  e: () => {
    const link = here()?.querySelector("[data-open]");
    if (link && panes.fits()) panes.show(here(), { why: true });
    else if (link) location.assign(link.href + "#why");
  },
  s: () => {
    const bulk = $("#bulk");
    if (bulk && all(".pick input:checked").length && bulk.method === "get") bulk.requestSubmit();
    else (here()?.querySelector("[data-silence]") || $("[data-new]"))?.click();
  },
  Escape: () => { if (panes.open()) panes.close(); else if (history.length > 1) history.back(); },
};
function step(by) {
  const list = rows();
  const place = list.indexOf(here());
  const row = list[Math.min(list.length - 1, Math.max(0, place < 0 ? (by > 0 ? 0 : list.length - 1) : place + by))];
  choose(row);
  if (panes.open() && panes.fits()) panes.show(row, { follow: true });
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  const field = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select");
  if (field) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  if (prefix && Date.now() - prefix < 1500) {
    prefix = 0;
    const link = $(`.side a[data-key="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); link.click(); }
    return;
  }
  if (event.key === "g") { prefix = Date.now(); return; }
  const action = KEYS[event.key];
  if (action) { event.preventDefault(); action(); }
});

tick();
setInterval(tick, 1000);
picked();
editor();
views(root);
live.start();
if ("serviceWorker" in navigator) navigator.serviceWorker.register(`${root}ui/worker.js`, { scope: `${root}ui/` }).catch(() => {});
