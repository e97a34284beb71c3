// The silence editor: rows that come and go, times in the reader's zone, and the effect of what stands there.
import { fragment, offer, root, tick } from "./page.js";

export function editor() {
  const form = document.getElementById("editor");
  if (!form) return;
  const matchers = document.getElementById("matchers");
  const effect = document.getElementById("effect");
  const field = (name) => document.getElementById(name);

  // -- rows
  const rows = () => [...matchers.querySelectorAll(".mrow")];
  function tidy() {
    for (const row of rows()) row.querySelector(".drop").hidden = rows().length < 2;
    const last = rows().at(-1);
    if (last.querySelector("[name=name]").value || last.querySelector("[name=value]").value) {
      const next = last.cloneNode(true);
      next.classList.remove("bad");
      for (const input of next.querySelectorAll("input")) { input.value = ""; input.removeAttribute("list"); }
      next.querySelector("[name=name]").setAttribute("list", "names");
      next.querySelector("select").value = "=";
      matchers.append(next);
    }
  }
  matchers.addEventListener("click", (event) => {
    const drop = event.target.closest(".drop");
    if (!drop) return;
    drop.closest(".mrow").remove();
    tidy();
    look();
  });
  matchers.addEventListener("focusin", async (event) => {
    const input = event.target.closest("[name=value]");
    if (!input) return;
    const name = input.closest(".mrow").querySelector("[name=name]").value.trim();
    if (!name) return;
    try {
      const answer = await fetch(`${root}ui/suggest?name=${encodeURIComponent(name)}`, { headers: { "X-Live": "1" } });
      let list = document.getElementById("values");
      if (!list) { list = document.createElement("datalist"); list.id = "values"; form.append(list); }
      offer(list, await answer.json());
      input.setAttribute("list", "values");
    } catch { /* typed by hand, then */ }
  });

  // -- the effect
  let asked = 0;
  function look() {
    const mine = ++asked;
    effect.setAttribute("aria-busy", "true");
    setTimeout(async () => {
      if (mine !== asked) return;
      const query = new URLSearchParams();
      for (const row of rows())
        for (const part of ["name", "op", "value"]) query.append(part, row.querySelector(`[name=${part}]`).value);
      try {
        const nodes = await fragment(`${form.dataset.effect}?${query}`);
        if (mine !== asked) return;
        effect.replaceChildren(...nodes);
        tick();
      } catch { /* what was there stays */ } finally { if (mine === asked) effect.removeAttribute("aria-busy"); }
    }, 200);
  }
  matchers.addEventListener("input", () => { tidy(); look(); });
  setInterval(() => { if (!document.hidden) look(); }, 15000);

  // -- times: shown in the reader's zone, sent with its name
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const pad = (number) => String(number).padStart(2, "0");
  const typed = (date) => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}T${pad(date.getHours())}:${pad(date.getMinutes())}`;
  if (mine && field("zone").value === "UTC") {
    for (const name of ["starts", "ends"]) {
      const input = field(name);
      if (input.value) input.value = typed(new Date(input.value + "Z"));
    }
    field("zone").value = mine;
    field("zone-name").textContent = mine;
  }
  const UNITS = { w: 604800, d: 86400, h: 3600, m: 60, s: 1 };
  function seconds(text) {
    const parts = [...text.replace(/\s/g, "").matchAll(/(\d+)([wdhms])/g)];
    return parts.length && parts.map((part) => part[0]).join("") === text.replace(/\s/g, "")
      ? parts.reduce((sum, [, count, unit]) => sum + count * UNITS[unit], 0) : 0;
  }
  const format = new Intl.DateTimeFormat(undefined, { weekday: "short", dateStyle: undefined, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const utc = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
  function until() {
    const hold = form.elements.hold.value;
    const custom = hold === "custom";
    const begin = custom && field("starts").value ? new Date(field("starts").value) : new Date();
    let end = null;
    const span = seconds(custom ? field("duration").value : hold);
    if (span) end = new Date(begin.getTime() + span * 1000);
    else if (custom && field("ends").value) end = new Date(field("ends").value);
    field("until").textContent = end && !Number.isNaN(end.getTime())
      ? `until ${format.format(end)} (${utc.format(end)} UTC)` : "";
  }
  form.addEventListener("input", (event) => {
    // Whichever of the two was said last counts.
    if (event.target.id === "ends" && event.target.value) field("duration").value = "";
    if (event.target.id === "duration" && event.target.value) field("ends").value = "";
    until();
  });
  setInterval(until, 20000);

  field("preview").hidden = true;
  tidy();
  until();
}
