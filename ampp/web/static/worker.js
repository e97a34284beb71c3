// Shows the last page seen when the server cannot be reached; pages say themselves of when they are. VERSION
"use strict";
const FILES = "ampp-files-VERSION";
const PAGES = "ampp-pages";
const MOST = 40;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("ampp-files-") && name !== FILES) await caches.delete(name);
  await self.clients.claim();
})()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || request.headers.get("X-Live")) return;
  if (url.pathname.includes("/ui/static/")) event.respondWith(kept(request));
  else if (request.mode === "navigate") event.respondWith(page(request));
});

async function kept(request) {
  const cache = await caches.open(FILES);
  const known = await cache.match(request);
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) cache.put(request, answer.clone());
  return answer;
}

async function page(request) {
  const cache = await caches.open(PAGES);
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected && (answer.headers.get("Content-Type") || "").startsWith("text/html")) {
      const url = new URL(request.url);
      if (!url.searchParams.has("done")) await cache.put(request, answer.clone());
      const names = await cache.keys();
      for (const name of names.slice(0, Math.max(0, names.length - MOST))) await cache.delete(name);
    }
    return answer;
  } catch {
    const known = await cache.match(request) || await cache.match(request, { ignoreSearch: true });
    return known || new Response(
      "<!DOCTYPE html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>offline · ampp</title>" +
      "<h1>The server cannot be reached</h1><p>This page has not been looked at before, so there is nothing to show of it.</p>",
      { status: 503, headers: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'" } });
  }
}
