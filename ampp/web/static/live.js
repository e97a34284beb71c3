// Keeps the page true. Events say that something changed; the server then renders this very page again, and what differs
// is put in place. So only what is looked at is ever asked for. Every page says at which place in the stream it was made,
// and every event at which it is: whoever connects, at first or again, goes on from the last place known. Where the server
// no longer has what came after it, there is a gap: the page is looked at anew, and the gap is counted where all can see.
import { tick, picked, root, synchronise } from "./page.js";

const SECTIONS = {
  alerts: "alert,silence,config,notification", groups: "alert,group,notification,silence,config",
  silences: "silence,alert", inhibitions: "alert,config", receivers: "health,notification,config",
  routing: "config,alert", status: "config,health,stats", history: "alert,notification",
};
const GATHER = 250; // ms that changes are gathered for
// Between two looks lie nearly two seconds; more only where one look takes the server long.
const rests = (took) => Math.min(15 * took, Math.max(1800, 5 * took));
const POLL = 10000; // ms between looks while there is no stream
const ANYWAY = 60000; // ms between looks even if nothing is told: time intervals begin and end without an event
const SLICE = 10; // ms of work on the page between which keys and painting have their turn
const LONGEST = 30000; // ms between attempts to connect

const state = { paused: false, source: null, timer: 0, poll: 0, tries: 0, took: 50, last: 0, tag: "", lost: false, busy: false, place: document.body.dataset.place, gaps: 0 };
const label = document.getElementById("link");
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
let asof = Number(document.body.dataset.asof);

function say(kind, text) {
  label.hidden = false;
  label.className = `link ${kind}`;
  if (label.textContent !== text) label.textContent = text;
}
function show() {
  const mended = state.gaps ? ` · ${state.gaps} gap${state.gaps > 1 ? "s" : ""} mended` : "";
  label.title = mended ? "The stream of changes broke for longer than the server remembers; the page was then read anew" : "";
  if (state.paused) say("", `paused · as of ${clock.format(asof)}`);
  else if (state.lost) say("lost", `as of ${clock.format(asof)} · reconnecting`);
  else say("live", (state.source?.readyState === 1 ? "live" : "checking") + mended);
}

/** Look again soon: together with whatever else changes meanwhile, and no oftener than the server can well bear. */
function soon() {
  if (state.timer || state.paused) return;
  const rest = state.last + rests(state.took) - performance.now();
  state.timer = setTimeout(refresh, Math.max(GATHER, rest));
}

/** Whether the reader has something open that must not change under his hands. */
const busy = () => !!document.querySelector("#editor, dialog[open], details.menu[open]");

async function refresh() {
  state.timer = 0;
  if (state.paused || state.busy || document.hidden) return;
  if (busy()) return later();
  state.busy = true;
  const began = performance.now();
  let whole = true;
  try {
    const headers = { "X-Live": "1" };
    if (state.tag) headers["If-None-Match"] = state.tag;
    const here = location.href;
    const url = new URL(here);
    for (const name of ["done", "undo"]) url.searchParams.delete(name);
    const answer = await fetch(url, { headers, cache: "no-store" });
    if (answer.headers.get("Date")) synchronise(answer.headers.get("Date"));
    if (answer.status !== 304) {
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (fresh.body.dataset.section === undefined) throw new Error("not a page of ours");
      const still = () => location.href === here && !busy();
      state.tag = "";
      whole = still() && await put(fresh, still);
      if (whole) {
        state.tag = answer.headers.get("ETag") || "";
        asof = Number(fresh.body.dataset.asof);
      }
    } else asof = Date.now();
    state.lost = false;
  } catch { state.lost = true; }
  state.busy = false;
  state.last = performance.now();
  state.took = state.last - began;
  show();
  if (state.lost) later();
  else if (!whole) soon();
}
function later() { clearTimeout(state.poll); state.poll = setTimeout(refresh, 3000); }

// -- putting the new page in the place of the old ----------------------------------------------------------------------

/** Whether all of it was put there: not if the reader turned to something else meanwhile. */
async function put(fresh, still) {
  document.title = fresh.title;
  const icon = fresh.querySelector('link[rel="icon"]').getAttribute("href");
  const shown = document.querySelector('link[rel="icon"]');
  if (shown.getAttribute("href") !== icon) shown.setAttribute("href", icon);
  let whole = true;
  for (const part of ["#badge", "#side ul", "#main"]) {
    const [old, next] = [document.querySelector(part), fresh.querySelector(part)];
    if (old && next) whole = whole && await paced(morph(old, next), still);
  }
  tick();
  picked();
  return whole;
}

/** Let what waits go first: keys, clicks, painting. */
const breathe = () => new Promise((done) => setTimeout(done));
/** Do the work a slice at a time, so that no key waits for it. False if the reader did something that it must not go on after. */
async function paced(work, still) {
  let until = performance.now() + SLICE;
  for (const _ of work) {
    if (performance.now() < until) continue;
    await breathe();
    if (!still()) return false;
    until = performance.now() + SLICE;
  }
  return true;
}

/** Make `old` like `next`, keeping elements that stay, and with them focus, selection, scrolling and what is open.
 * Stops after every element with an id, so that others may have their turn: the page is a whole one then, too. */
function* morph(old, next) {
  for (const { name, value } of [...next.attributes])
    if (old.getAttribute(name) !== value && !(name === "open" && old.tagName === "DETAILS")) old.setAttribute(name, value);
  for (const { name } of [...old.attributes])
    if (!next.hasAttribute(name) && !(name === "open" && old.tagName === "DETAILS") && name !== "data-read") old.removeAttribute(name);
  if (old.tagName === "INPUT" || old.tagName === "TEXTAREA" || old.tagName === "SELECT") return;
  if (old.tagName === "TIME" && old.dateTime === next.dateTime) return;
  const byId = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  if (byId.size) {
    // What is gone goes first: else all that stays would have to be moved past it.
    const stay = new Set([...next.children].map((child) => child.id));
    for (const [id, child] of byId)
      if (!stay.has(id) && !child.classList.contains("flash")) { child.remove(); byId.delete(id); }
  }
  let place = old.firstChild;
  for (const node of [...next.childNodes]) {
    let twin = null;
    // The message that something was done stays, however often the page is looked at anew.
    while (place && place.nodeType === 1 && place.classList.contains("flash")) place = place.nextSibling;
    if (node.nodeType === 1 && node.id) twin = byId.get(node.id) || null;
    else if (place && place.nodeType === node.nodeType && !(place.nodeType === 1 && place.id)
      && place.nodeName === node.nodeName) twin = place;
    if (!twin) {
      const added = document.importNode(node, true);
      old.insertBefore(added, place);
      if (added.nodeType === 1 && added.id) { added.classList.add("arrived"); yield; }
      continue;
    }
    byId.delete(node.id);
    if (twin === place) place = place.nextSibling;
    // What is moved the new way keeps the focus.
    else if (old.moveBefore) old.moveBefore(twin, place);
    else old.insertBefore(twin, place);
    if (node.nodeType === 1) {
      yield* morph(twin, node);
      if (node.id) yield;
    } else if (twin.nodeValue !== node.nodeValue) twin.nodeValue = node.nodeValue;
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    if (!(gone.nodeType === 1 && gone.classList.contains("flash"))) gone.remove();
  }
}

// -- the stream: server-sent events, or a WebSocket where those do not come through, or looking every few seconds --------

function connect() {
  clearTimeout(state.retry);
  const topics = SECTIONS[document.body.dataset.section];
  if (!topics || state.paused) return;
  const query = new URLSearchParams({ topics, brief: "true", ...(state.place && { since: state.place }) });
  if (state.tries % 3 === 2) return socket(query);
  const source = new EventSource(`${root}api/v2/events/stream?${query}`);
  state.source = source;
  const answered = setTimeout(() => { if (source.readyState !== 1) drop(); }, 8000);
  const drop = () => { clearTimeout(answered); source.close(); if (state.source === source) again(); };
  for (const kind of ["ready", "reset", "changed"])
    source.addEventListener(kind, (event) => heard(kind, event.lastEventId));
  source.onopen = () => { clearTimeout(answered); show(); };
  source.onerror = drop;
}
function socket(query) {
  const url = new URL(`${root}ws/dashboard?${query}`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const line = new WebSocket(url);
  state.source = line;
  line.onmessage = (event) => { const { type, id } = JSON.parse(event.data); heard(type, id); };
  line.onclose = () => { if (state.source === line) again(); };
}
/** One event, and its place. Whatever came between the place before and this one has been told, unless there was a gap. */
function heard(kind, place) {
  if (place) state.place = place;
  if (kind === "ping") return;
  if (kind === "ready") {
    state.tries = 0;
    show();
    // What only the clock changes is told by a watch that may have begun with this connection: one look more for that.
    if (state.begun) return;
    state.begun = true;
  }
  if (kind === "reset") { state.tries = 0; state.gaps += 1; show(); }
  soon();
}
function again() {
  state.source = null;
  state.tries += 1;
  state.retry = setTimeout(connect, Math.min(LONGEST, 1000 * 2 ** Math.min(5, state.tries - 1)));
  soon();
}

export const live = {
  start() {
    if (!SECTIONS[document.body.dataset.section] || document.getElementById("editor")) return;
    show();
    connect();
    setInterval(() => { if (!state.source || state.source.readyState !== 1) soon(); }, POLL);
    setInterval(() => { if (performance.now() - state.last > ANYWAY) soon(); }, ANYWAY / 4);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(); });
    addEventListener("pageshow", (event) => { if (event.persisted) { again(); } });
    addEventListener("pagehide", () => { state.source?.close(); state.source = null; });
  },
  toggle() {
    state.paused = !state.paused;
    if (state.paused) { state.source?.close(); state.source = null; } else { state.tries = 0; connect(); soon(); }
    show();
  },
};
