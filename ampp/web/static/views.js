// Views: addresses of filtered pages under names of one's own, kept in this browser. An address can be shared as it is.
const KEY = "ampp-views";

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) || "[]");
    return Array.isArray(kept) ? kept.filter((view) => typeof view?.name === "string" && typeof view?.at === "string") : [];
  } catch { return []; }
}
function write(views) {
  try { localStorage.setItem(KEY, JSON.stringify(views.slice(-50))); } catch { /* not kept, then */ }
}

export function views(root) {
  const menu = document.getElementById("views");
  const list = menu.querySelector("ul");
  const name = document.getElementById("view-name");
  menu.hidden = false;

  function show() {
    list.replaceChildren(...read().map((view) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.textContent = view.name;
      link.href = new URL(`${root}ui/${view.at.replace(/^[./]+/, "")}`, location.href).href;
      const drop = document.createElement("button");
      drop.type = "button";
      drop.className = "plain";
      drop.textContent = "×";
      drop.setAttribute("aria-label", `Forget ${view.name}`);
      drop.addEventListener("click", () => { write(read().filter((one) => one.name !== view.name)); show(); });
      item.append(link, drop);
      return item;
    }));
  }
  function save() {
    const text = name.value.trim();
    if (!text) return name.focus();
    const query = new URLSearchParams(location.search);
    for (const passing of ["page", "done", "undo", "cursor", "open"]) query.delete(passing);
    const at = `${document.body.dataset.section || "alerts"}?${query}`;
    write([...read().filter((one) => one.name !== text), { name: text, at }]);
    name.value = "";
    show();
  }
  document.getElementById("view-save").addEventListener("click", save);
  name.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); save(); }
  });
  menu.addEventListener("toggle", () => { if (menu.open) show(); });
}
