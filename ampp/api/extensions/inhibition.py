"""Inhibition: the rules, which alerts they keep quiet now and because of which others, and whether they would keep one
quiet that is not there."""

import time
from typing import Any, Final

import msgspec

from ampp.api.extensions.answer import Ask, Route, answer, decoded, guarded, wrong
from ampp.api.extensions.inhibition_contract import CONTRACT
from ampp.api.reply import Reply
from ampp.core import labels as labelling
from ampp.core.alert import Alert
from ampp.core.book import fingerprint
from ampp.core.clock import HOUR
from ampp.core.inhibit import Inhibition, InhibitRule
from ampp.core.matcher import Matcher, Op
from ampp.core.timestamp import format_millis
from ampp.history.filter import number
from ampp.live import Live
from ampp.observe.stall import Pace

__all__ = ["InhibitionApi", "rule_shown"]

_MOST: Final = 10_000

_BATCH: Final = 64
"""Alerts looked at between two turns of somebody else."""


class _Labelled(msgspec.Struct):
    labels: dict[str, str] = {}


class _Check(msgspec.Struct):
    labels: dict[str, str] = {}
    alert: _Labelled | None = None


class InhibitionApi:
    """The handlers over one router."""

    def __init__(self, live: Live) -> None:
        self._live: Final = live

    def routes(self) -> tuple[Route, ...]:
        table = (
            ("GET", "inhibition/rules", self.rules),
            ("GET", "inhibition/status", self.status),
            ("POST", "inhibition/check", self.check),
        )
        return tuple(Route(verb, path, guarded(handler), CONTRACT[path]) for verb, path, handler in table)

    async def rules(self, ask: Ask) -> Reply:
        """GET /inhibition/rules: in the order of the configuration."""
        rules = [{"index": index, **rule_shown(rule)} for index, rule in enumerate(self._live.plan.inhibit_rules)]
        return answer(ask, {"rules": rules, "count": len(rules)})

    async def status(self, ask: Ask) -> Reply:
        """GET /inhibition/status: who is kept quiet by whom. `count` counts all of them, also beyond the limit."""
        limit = number(ask.parameters, "limit", 1_000, 1, _MOST)
        active: list[dict[str, Any]] = []
        count = 0
        muting, now = self._live.engine.muting, self._live.now()
        if muting.inhibitor.rules:
            pace = Pace()
            for place, alert in enumerate(list(self._live.engine.book)):
                if not place % _BATCH:
                    await pace.pause()
                found = muting.inhibited_by(alert, now.wall) if alert.ends > now.wall else None
                if found is not None:
                    count += 1
                    if len(active) < limit:
                        active.append(_relation(alert, found))
        return answer(ask, {"active": active, "count": count})

    async def check(self, ask: Ask) -> Reply:
        """POST /inhibition/check: whether an alert with these labels would be kept quiet now."""
        began = time.perf_counter()
        asked = decoded(ask, _Check)
        labels = labelling.canonical(asked.alert.labels if asked.alert is not None else asked.labels)
        if not labels:
            raise wrong("labels", "at least one label is needed")
        wall = self._live.now().wall
        alert = Alert(labelling.key(labels), labels, {}, wall, wall + HOUR, wall)
        found = self._live.engine.muting.inhibited_by(alert, wall)
        told: dict[str, Any] = {"alert": {"labels": labels}, "inhibited": found is not None}
        if found is not None:
            told["inhibited_by"] = _source(found)
            told["rule"] = {"index": found.rule_index, **rule_shown(found.rule)}
        told["latency_ms"] = round((time.perf_counter() - began) * 1000, 3)
        return answer(ask, told)


def rule_shown(rule: InhibitRule) -> dict[str, Any]:
    """A rule in the forms that programs know: matchers as texts, and the plain ones by name."""
    return {
        "name": rule.name,
        "source_match": _by_name(rule.source, Op.EQ),
        "source_match_re": _by_name(rule.source, Op.RE),
        "target_match": _by_name(rule.target, Op.EQ),
        "target_match_re": _by_name(rule.target, Op.RE),
        "source_matchers": [str(matcher) for matcher in rule.source],
        "target_matchers": [str(matcher) for matcher in rule.target],
        "equal": rule.equal,
    }


def _by_name(matchers: tuple[Matcher, ...], op: Op) -> dict[str, str]:
    return {matcher.name: matcher.value for matcher in matchers if matcher.op is op}


def _relation(target: Alert, found: Inhibition) -> dict[str, Any]:
    """Both alerts; `inhibited_at` is since when both of them fire, `expires_at` when the source's time is over."""
    source = found.source
    return {
        "target_fingerprint": labelling.sha256_hex(target.labels),
        "target_am_fingerprint": labelling.fingerprint_hex(fingerprint(target)),
        "target_labels": target.labels,
        "source_fingerprint": labelling.sha256_hex(source.labels),
        "source_am_fingerprint": labelling.fingerprint_hex(fingerprint(source)),
        "source_labels": source.labels,
        "rule_name": found.rule.name,
        "rule_index": found.rule_index,
        "inhibited_at": format_millis(max(target.starts, source.starts)),
        "expires_at": format_millis(source.ends),
    }


def _source(found: Inhibition) -> dict[str, Any]:
    source = found.source
    return {
        "fingerprint": labelling.sha256_hex(source.labels),
        "am_fingerprint": labelling.fingerprint_hex(fingerprint(source)),
        "labels": source.labels,
    }
