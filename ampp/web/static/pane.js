// The detail pane: on wide windows an alert opens beside the list, and the address says which. On narrow ones, and
// without this script, it is a page of its own.
import { choose, fragment, picked, root, tick } from "./page.js";

const wide = matchMedia("(min-width: 1100px)");
const place = () => document.querySelector("[data-panes]");
const shown = () => document.getElementById("pane");
const name = (row) => row?.id.startsWith("r-") ? row.id.slice(2) : "";
const opened = () => new URLSearchParams(location.search).get("open") || "";
let asked = 0;
let settled = 0;

export const panes = {
  /** Whether alerts open beside this page's list now. */
  fits: () => wide.matches && !!place(),
  open: () => shown()?.dataset.fp || "",
  /** Open the row's alert; `follow`: the pane goes along with the keys, which leaves no trace in the way back. */
  show(row, { follow = false, why = false } = {}) {
    const wanted = name(row);
    if (!wanted) return;
    if (wanted === panes.open() && !follow) return land(why);
    const url = new URL(location.href);
    url.searchParams.set("open", wanted);
    clearTimeout(settled);
    settled = setTimeout(() => {
      if (url.href !== location.href) history[follow ? "replaceState" : "pushState"](null, "", url);
      load(wanted, why);
    }, follow ? 120 : 0);
    mark(wanted);
  },
  close() {
    const row = document.getElementById("r-" + panes.open());
    const url = new URL(location.href);
    url.searchParams.delete("open");
    history.pushState(null, "", url);
    away();
    choose(row);
  },
};

function mark(wanted) {
  for (const row of document.querySelectorAll("[data-row][aria-current]")) row.removeAttribute("aria-current");
  if (wanted) for (const row of document.querySelectorAll(`[id="r-${CSS.escape(wanted)}"]`)) row.setAttribute("aria-current", "true");
}
function away() { asked += 1; shown()?.remove(); mark(""); }
function land(why) {
  const pane = shown();
  if (why) pane.querySelector("#why")?.scrollIntoView({ block: "start" });
  pane.focus({ preventScroll: true });
}
async function load(wanted, why) {
  const mine = ++asked;
  const here = new URLSearchParams(location.search);
  here.set("open", wanted);
  try {
    const nodes = await fragment(`${root}ui/pane?${here}`);
    if (mine !== asked) return;
    const fresh = nodes.find((node) => node.id === "pane");
    const old = shown();
    if (old) old.replaceWith(fresh); else place().append(fresh);
    tick();
    picked();
    if (why) land(true);
    else document.getElementById("r-" + wanted)?.scrollIntoView({ block: "nearest" });
  } catch { location.assign(`${root}ui/alert/${encodeURIComponent(wanted)}`); }
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (event.target.closest("[data-close]")) { event.preventDefault(); return panes.close(); }
  if (!panes.fits()) return;
  const row = event.target.closest("[data-panes] [data-row]");
  if (!row) return;
  const control = event.target.closest("a, button, input, label, summary");
  if (control ? !control.matches("[data-open]") : !getSelection().isCollapsed) return;
  event.preventDefault();
  choose(row);
  panes.show(row);
});
addEventListener("popstate", () => {
  const wanted = opened();
  if (!place()) return;
  if (!wanted) return away();
  mark(wanted);
  load(wanted, false);
});
