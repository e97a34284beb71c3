"""Seeded random timelines: a routing tree and what happens to it, second by second.

A timeline must have one right outcome, or two correct daemons would differ on it. Whatever happens is therefore kept
away from the instants at which groups flush. Times are seconds from the timeline's start; their fraction says what
they are:

    .00 .12 .50 .62 .88   alerts that are already old when they open a group, which then flushes at once, and at
                          this fraction for ever (each fraction is used once per timeline)
    .00                   config reloads: every group starts anew here, young ones flush at .50
    .25                   everything else that is posted
    .375                  silences and alerts start or end by themselves, receivers break and recover
    .75                   flushes of groups opened at .25, as every group_wait is n + .5 and every interval whole
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Action", "Route", "Timeline", "generate"]

Labels = Mapping[str, str]
GroupKey = tuple[str, tuple[tuple[str, str], ...]]

_OLD_FRACTIONS = (0.0, 0.12, 0.5, 0.62, 0.88)


@dataclass
class Route:
    """One route, with what it inherits already filled in; `spec` is what the config says."""

    identity: str
    spec: dict[str, Any]
    matchers: list[str]
    match: dict[str, tuple[str, ...]]
    receiver: str
    group_by: tuple[str, ...] | None
    wait: float
    interval: float
    repeat: float
    follow: bool
    children: list["Route"] = field(default_factory=list)

    def find(self, labels: Labels) -> list["Route"]:
        """The routes an alert ends in."""
        if any(labels.get(name, "") not in values for name, values in self.match.items()):
            return []
        found: list[Route] = []
        for child in self.children:
            deeper = child.find(labels)
            found += deeper
            if deeper and not child.follow:
                break
        return found or [self]

    def group(self, labels: Labels) -> GroupKey:
        names = labels if self.group_by is None else [n for n in labels if n in self.group_by]
        return self.identity, tuple(sorted((n, labels[n]) for n in names))

    def yaml(self) -> dict[str, Any]:
        own = {**self.spec, "matchers": self.matchers, "receiver": self.receiver, "continue": self.follow}
        return {**own, "routes": [child.yaml() for child in self.children]} if self.children else own


@dataclass(frozen=True)
class Action:
    """Something to do to every daemon at `at`.

    kind `post`: `data` is a list of alerts whose times are offsets in seconds (`startsAt`, `endsAt`; absent = omitted).
    kind `silence`: `handle`, `matchers`, `starts`, `ends`; the same handle again is an update.
    kind `expire`: `handle`.  kind `break`: `path`, `status` (200 mends).  kind `look`: compare the API's answers.
    """

    at: float
    kind: str
    data: Any


@dataclass
class Timeline:
    seed: int
    route: Route
    receivers: list[dict[str, Any]]
    inhibit_rules: list[dict[str, Any]]
    actions: list[Action]
    ends: float
    excuses: dict[GroupKey, set[str]]
    """Documented changes since 0.25 that a group may show, by group."""
    regrouped: set[str]
    """Receivers of routes whose grouping comes from a child's `group_by: []`."""

    def excuse(self, receiver: str, group_labels: Labels) -> set[str]:
        wanted = tuple(sorted(group_labels.items()))
        if receiver in self.regrouped:
            return {"empty-group-by"}
        by_identity = {r.identity: r.receiver for r in _walk(self.route)}
        return {
            name
            for (identity, labels), names in self.excuses.items()
            if by_identity[identity] == receiver and labels == wanted
            for name in names
        }


def _walk(route: Route) -> Iterator[Route]:
    yield route
    for child in route.children:
        yield from _walk(child)


def _selects(matchers: list[str], labels: Labels) -> bool:
    for matcher in matchers:
        name, _, value = matcher.replace("=~", "=").partition("=")
        if labels.get(name, "") not in value.strip('"').split("|"):
            return False
    return True


def _seconds(text: str) -> float:
    return int(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])


@dataclass
class _Group:
    wait: float
    first_flush: float
    members: set[tuple[tuple[str, str], ...]] = field(default_factory=set)


@dataclass
class _Known:
    start: float
    end: float
    open_ended: bool


class _Generator:
    def __init__(
        self, seed: int, full: bool, seconds: float, rivals: bool, reloads: tuple[float, ...], url: str
    ) -> None:
        self.random = random.Random(seed)
        self.seed = seed
        self.full = full
        self.rivals = rivals
        self.quiet = {int(at) + near for at in reloads for near in (-2, -1, 0, 1)}
        self.seconds = seconds
        self.url = url
        self.receivers = self._receivers()
        self.taken: set[str] = set()
        self.excuses: dict[GroupKey, set[str]] = {}
        self.regrouped: set[str] = set()
        self.route = self._tree()
        self.inhibit_rules = self._inhibit_rules()
        self.groups: dict[GroupKey, _Group] = {}
        self.known: dict[tuple[tuple[str, str], ...], _Known] = {}
        self.posted: dict[tuple[tuple[str, str], ...], float] = {}
        self.old_fractions = list(_OLD_FRACTIONS)
        self.actions: list[Action] = []
        self.silences: dict[str, tuple[list[list[str]], float, float]] = {}
        self.sources: dict[tuple[int, tuple[str, ...]], set[tuple[tuple[str, str], ...]]] = {}

    # -- configuration -------------------------------------------------------------------------------------------

    def _receivers(self) -> list[dict[str, Any]]:
        made = []
        for number in range(self.random.randint(1, 3)):
            name = f"t{self.seed}-r{number}"
            hooks = [
                {"url": f"{self.url}/{self.seed}/{name}/{i}", "send_resolved": self.random.random() < 0.75}
                for i in range(2 if self.random.random() < 0.25 else 1)
            ]
            if self.random.random() < 0.15:
                hooks[0]["max_alerts"] = 2
            made.append({"name": name, "webhook_configs": hooks})
        return made

    def _tree(self) -> Route:
        top = self._route("0", {"timeline": (str(self.seed),)}, None)
        for i in range(self.random.randint(0, 3)):
            child = self._route(f"0.{i}", self._child_match(), top)
            top.children.append(child)
            if self.random.random() < 0.3:
                child.children.append(self._route(f"0.{i}.0", self._child_match(), child))
        return top

    def _child_match(self) -> dict[str, tuple[str, ...]]:
        if self.random.random() < 0.6:
            return {"team": tuple(self.random.sample(["a", "b", "c"], self.random.randint(1, 2)))}
        return {"severity": (self.random.choice(["warning", "critical"]),)}

    def _route(self, identity: str, match: dict[str, tuple[str, ...]], parent: Route | None) -> Route:
        pick = self.random
        spec: dict[str, Any] = {}
        matchers = [f'{n}="{v[0]}"' if len(v) == 1 else f'{n}=~"{"|".join(v)}"' for n, v in match.items()]
        group_by: tuple[str, ...] | None = parent.group_by if parent else ()
        choice = pick.choice([("alertname",), ("team",), ("alertname", "team"), ("severity",), (), None, "inherit"])
        if choice != "inherit" or parent is None:
            if choice == () and parent is not None and not self.full:
                choice = ("alertname",)
            group_by = None if choice is None else () if choice == "inherit" else tuple(choice)
            spec["group_by"] = ["..."] if group_by is None else list(group_by)
        if parent is None or pick.random() < 0.6:
            spec["group_wait"] = pick.choice(["500ms", "1500ms"])
        if parent is None or pick.random() < 0.6:
            interval = pick.choice([1, 2, 2, 3])
            spec["group_interval"] = f"{interval}s"
            spec["repeat_interval"] = f"{interval * pick.choice([1, 2, 3, 4, 10]) * 1000 - 500}ms"
        seconds = {k: _seconds(v) for k, v in spec.items() if k != "group_by"}
        route = Route(
            identity,
            spec,
            matchers,
            match,
            pick.choice(self.receivers)["name"],
            group_by,
            seconds.get("group_wait", parent.wait if parent else 0.0),
            seconds.get("group_interval", parent.interval if parent else 0.0),
            seconds.get("repeat_interval", parent.repeat if parent else 0.0),
            parent is not None and pick.random() < 0.4,
        )
        if parent is None:
            route.follow = False
        self._no_twins(route)
        if parent is not None and (
            spec.get("group_by") == [] or ("group_by" not in spec and parent.receiver in self.regrouped)
        ):
            self.regrouped.add(route.receiver)
        return route

    def _no_twins(self, route: Route) -> None:
        """Groups of two routes with equal labels in one receiver could not be told apart: give each its own."""
        if route.receiver in self.taken:
            twin: dict[str, Any] = {"name": f"t{self.seed}-r{len(self.receivers)}", "webhook_configs": []}
            twin["webhook_configs"] = [
                {
                    "url": f"{self.url}/{self.seed}/{twin['name']}/0",
                    "send_resolved": self.random.random() < 0.75,
                }
            ]
            self.receivers.append(twin)
            route.receiver = str(twin["name"])
        self.taken.add(route.receiver)

    def _inhibit_rules(self) -> list[dict[str, Any]]:
        rules = []
        mine = f'timeline="{self.seed}"'
        for _ in range(self.random.choice([0, 0, 1, 1, 2])):
            kind = self.random.random()
            if kind < 0.6:
                source, target = 'severity="critical"', 'severity="warning"'
            elif kind < 0.8:
                source, target = 'alertname="Down"', 'alertname=~"Slow|Full"'
            else:
                source, target = 'alertname="Down"', 'severity=~"warning|critical"'
            equal = self.random.choice([[], ["team"], ["instance"], ["team", "instance"]])
            rules.append(
                {
                    "source_matchers": [mine, source],
                    "target_matchers": [mine, target],
                    **({"equal": equal} if equal else {}),
                }
            )
        return rules

    # -- what happens --------------------------------------------------------------------------------------------

    def _labels(self) -> dict[str, str]:
        pick = self.random
        labels = {
            "alertname": pick.choice(["Down", "Slow", "Full"]),
            "severity": pick.choice(["warning", "critical"]),
            "team": pick.choice(["a", "b", "c"]),
            "timeline": str(self.seed),
        }
        if pick.random() < 0.7:
            labels["instance"] = pick.choice(["i1", "i2"])
        if pick.random() < 0.3:
            labels["job"] = pick.choice(["node", "api"])
        return dict(sorted(labels.items()))

    def _post(self, at: float, labels: dict[str, str], start: float | None, end: float | None) -> bool:
        """Account for one alert; False, and nothing done, when its outcome would not be certain."""
        key = tuple(labels.items())
        if not self.rivals and self.posted.get(key) == at:
            return False
        new_start = start if start is not None else end if end is not None else at
        new_end = end if end is not None else at + 300
        old = self.known.get(key)
        merged = _Known(new_start, new_end, end is None)
        if old and ((old.start < new_end < old.end) or (old.start < new_start < old.end)):
            merged.start = min(old.start, new_start)
            if new_end <= at:
                merged.end = max(old.end, new_end) if old.end <= at else new_end
            elif old.end > new_end and not old.open_ended:
                merged.end, merged.open_ended = old.end, False
        fires = merged.end > at
        opens: list[tuple[GroupKey, _Group]] = []
        excuses: list[tuple[GroupKey, str]] = []
        fraction = round(at % 1, 3)
        for route in self.route.find(labels):
            identity = route.group(labels)
            group = self.groups.get(identity)
            is_old = merged.start + route.wait < at
            if abs(merged.start + route.wait - at) < 0.1:
                return False
            if group is None:
                if is_old != (fraction != 0.25):
                    return False
                opens.append((identity, _Group(route.wait, at if is_old else at + route.wait)))
                continue
            live = any(self.known[m].end > at for m in group.members)
            if fraction != 0.25:
                return False
            if not live and fires:
                if not self.full:
                    return False
                if is_old:
                    return False
                excuses.append((identity, "empty-group-lingers"))
            if is_old and at <= group.first_flush + 0.1:
                if not self.full:
                    return False
                excuses.append((identity, "early-flush-by-any-alert"))
        if not fires and not old and not self.full:
            return False
        places = [
            (number, tuple(labels.get(name, "") for name in rule.get("equal", [])))
            for number, rule in enumerate(self.inhibit_rules)
            if _selects(rule["source_matchers"], labels)
        ]
        if not self.rivals and any(self.sources.get(place, {key}) != {key} for place in places):
            return False
        for place in places:
            self.sources.setdefault(place, set()).add(key)
        self.known[key] = merged
        self.posted[key] = at
        for identity, group in opens:
            self.groups[identity] = group
        for route in self.route.find(labels):
            self.groups[route.group(labels)].members.add(key)
        for identity, name in excuses:
            self.excuses.setdefault(identity, set()).add(name)
        return True

    def _alert(self, at: float) -> dict[str, Any] | None:
        """One alert to post at `at` (fraction .25), or None when chance proposed an uncertain one."""
        pick = self.random
        firing = [k for k, v in self.known.items() if v.end > at + 0.2]
        kind = pick.random()
        start: float | None = None
        end: float | None = None
        if firing and kind < 0.55:
            labels = dict(pick.choice(firing))
            known = self.known[tuple(labels.items())]
            start = known.start if pick.random() < 0.5 else None
            if kind < 0.35:
                end = at
                start = None if start is None else min(start, end)
            elif kind < 0.42:
                end = int(at) + pick.randint(1, 5) + 0.375
                start = None if start is None else min(start, end)
        else:
            labels = self._labels()
            start = at if pick.random() < 0.4 else None
            if pick.random() < 0.25:
                end = int(at) + pick.randint(1, 6) + 0.375
        if not self._post(at, labels, start, end):
            return None
        return self._wire(labels, start, end, f"at {at}")

    def _wire(self, labels: Labels, start: float | None, end: float | None, said: str) -> dict[str, Any]:
        alert: dict[str, Any] = {"labels": dict(labels)}
        if start is not None:
            alert["startsAt"] = start
        if end is not None:
            alert["endsAt"] = end
        if self.random.random() < 0.6:
            alert["annotations"] = {"summary": said if self.random.random() < 0.5 else "steady"}
        if self.random.random() < 0.2:
            alert["generatorURL"] = "http://prometheus.example/graph?a=1&b=2"
        return alert

    def _posts(self, at: float) -> None:
        alerts = [a for _ in range(self.random.choice([1, 1, 2, 3, 5])) if (a := self._alert(at))]
        distinct = {tuple(a["labels"].items()): a for a in alerts}
        if len(distinct) == len(alerts) and alerts:
            self.actions.append(Action(at, "post", alerts))
        else:
            for alert in alerts:
                self.actions.append(Action(at, "post", [alert]))

    def _old_post(self, second: int) -> None:
        if not self.old_fractions:
            return
        fraction = self.random.choice(self.old_fractions)
        at = second + fraction
        labels = self._labels()
        start = at - self.random.choice([5, 60, 3600])
        if self._post(at, labels, start, None):
            self.old_fractions.remove(fraction)
            self.actions.append(Action(at, "post", [self._wire(labels, start, None, "old")]))

    def _silence(self, second: int) -> None:
        pick = self.random
        live = [h for h, (_, _, ends) in self.silences.items() if ends > second + 1]
        if live and pick.random() < 0.5:
            handle = pick.choice(live)
            matchers, starts, ends = self.silences[handle]
            if pick.random() < 0.6:
                self.actions.append(Action(second + 0.25, "expire", {"handle": handle}))
                self.silences[handle] = (matchers, starts, 0)
                return
            ends = second + pick.randint(1, 6) + 0.375
            if starts > second:
                return
        else:
            handle = f"s{len(self.silences)}"
            wanted = pick.choice(
                [["team", "=", pick.choice("abc")], ["alertname", "=~", "Down|Full"], ["severity", "!=", "critical"]]
            )
            matchers = [["timeline", "=", str(self.seed)], wanted]
            starts = second + 0.25 if pick.random() < 0.6 else second + pick.randint(1, 3) + 0.375
            ends = int(starts) + pick.randint(1, 6) + 0.375
        self.silences[handle] = (matchers, starts, ends)
        self.actions.append(
            Action(
                second + 0.25,
                "silence",
                {"handle": handle, "matchers": matchers, "starts": starts, "ends": ends},
            )
        )

    def _breakage(self, second: int) -> None:
        hook = self.random.choice(self.random.choice(self.receivers)["webhook_configs"])
        path = hook["url"].removeprefix(self.url)
        self.actions.append(Action(second + 0.375, "break", {"path": path, "status": 400}))
        mended = second + self.random.randint(1, 5) + 0.375
        self.actions.append(Action(mended, "break", {"path": path, "status": 200}))

    def run(self) -> Timeline:
        for second in range(int(self.seconds)):
            chance = self.random.random()
            if second in self.quiet:
                continue
            if chance < 0.55 or second == 0:
                self._posts(second + 0.25)
            elif chance < 0.75:
                self._silence(second)
            elif chance < 0.87:
                self._old_post(second)
            elif chance < 0.92:
                self._breakage(second)
            if self.random.random() < 0.15:
                self.actions.append(Action(second + 0.44, "look", None))
        self.actions.sort(key=lambda action: action.at)
        return Timeline(
            self.seed,
            self.route,
            self.receivers,
            self.inhibit_rules,
            self.actions,
            self.seconds + 8.2,
            self.excuses,
            self.regrouped,
        )


def generate(
    seed: int,
    *,
    full: bool,
    seconds: float,
    rivals: bool = True,
    reloads: Sequence[float] = (),
    url: str = "SINK",
) -> Timeline:
    """The timeline of a seed.

    Args:
        full: also what 0.34 decides otherwise than 0.25, with the excuse noted on the groups concerned.
        rivals: two alerts may be sources of one inhibition, and one alert may be posted twice at one instant. 0.34's
            index remembers only one source, and forgets the inhibition when that one resolves; and its dispatcher
            may take up two posts of one alert in the wrong order. 0.25 does neither.
        seconds: how long things happen; some quiet follows.
        reloads: nothing is posted near these: upstream meets the stored alerts in no order, so whether a rebuilt group
            waits or flushes at once depends on chance when some of its alerts are younger than its group_wait.
        url: stands in webhook addresses for the sink's base URL, to be replaced by each daemon's own.
    """
    return _Generator(seed, full, seconds, rivals, tuple(reloads), url).run()
