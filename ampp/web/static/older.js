// Before anything is painted: upstream's addresses lead to our pages.
"use strict";
(() => {
  // Links in notifications already sent, and in Grafana: /#/alerts?filter={a="b"}&receiver=x, /#/silences/new?filter=…
  const old = /^#\/([a-z]*)(?:\/([^?/]*))?(?:\/(edit))?(?:\?(.*))?$/.exec(location.hash);
  if (!old) return;
  const [, page, part, edit, text] = old;
  const given = new URLSearchParams(text || "");
  const kept = new URLSearchParams();
  for (const filter of given.getAll("filter")) if (filter && filter !== "{}") kept.append("filter", filter);
  if (given.get("comment")) kept.set("comment", given.get("comment"));
  const receiver = given.get("receiver");
  if (receiver) kept.append("filter", '@receiver=~"' + receiver.replace(/"/g, '\\"') + '"');
  for (const [flag, state] of [["silenced", "silenced"], ["inhibited", "inhibited"], ["muted", "muted"]])
    if (page === "alerts" && given.get(flag) === "false") kept.append("filter", "@state!=" + state);
  const groups = given.get("group");
  if (groups) kept.set("by", groups);
  let where = "alerts";
  if (page === "silences") {
    if (part === "new") where = "silences/new";
    else if (part) where = "silence/" + encodeURIComponent(decodeURIComponent(part)) + (edit ? "/edit" : "");
    else where = "silences";
  } else if (page === "status") where = "status";
  const query = kept.toString();
  const here = new URL(location.pathname.includes("/ui/") ? location.pathname.replace(/\/ui\/.*$/, "/") : ".", location.href);
  location.replace(new URL("ui/" + where + (query ? "?" + query : ""), here));
})();
