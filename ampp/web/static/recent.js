// Filters used in this browser, to be offered again where filters are typed.
const KEY = "ampp-filters";
const MOST = 40;
const LONGEST = 400;

export function recent() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) || "[]");
    return Array.isArray(kept) ? kept.filter((text) => typeof text === "string") : [];
  } catch { return []; }
}

/** Note the filters of this page; several matchers also as one text that brings all of them back. */
export function remember(filters) {
  if (!filters.length) return;
  const matchers = filters.filter((text) => !text.startsWith("@") && /[=~]/.test(text));
  const fresh = [...(matchers.length > 1 ? [matchers.join(", ")] : []), ...filters].filter((text) => text && text.length <= LONGEST);
  try { localStorage.setItem(KEY, JSON.stringify([...new Set([...fresh, ...recent()])].slice(0, MOST))); } catch { /* not kept, then */ }
}

export function forget() { try { localStorage.removeItem(KEY); } catch { /* nothing is kept, then */ } }
