"""From a checked configuration to the plan the engine runs, with what is allowed but worth a warning."""

from collections.abc import Iterable

from ampp.config.document import Config
from ampp.config.receiver import ReceiverSection
from ampp.config.receivers import AlertmanagerConfig
from ampp.config.routing import InhibitSection, RouteSection
from ampp.core.duration import format_prometheus
from ampp.core.inhibit import InhibitRule
from ampp.core.matcher import Matcher, Op, make_matcher, sort_matchers
from ampp.core.plan import Integration, Plan, Receiver
from ampp.core.quote import go_quote
from ampp.core.route import Route, RouteSpec, build

__all__ = ["compile", "warnings"]


def compile(config: Config) -> Plan:  # noqa: A001 - it is what this does, and it is called as config.compile
    """The plan of a configuration. Cannot fail: all was checked when loading."""
    document = config.document
    intervals = {one.name: one.time_intervals for one in document.mute_time_intervals + document.time_intervals}
    return Plan(
        root=build(_spec(config.route)),
        receivers={receiver.name: _receiver(receiver) for receiver in document.receivers},
        inhibit_rules=tuple(_rule(rule) for rule in document.inhibit_rules),
        intervals=intervals,
        resolve_timeout=config.base.resolve_timeout,
    )


def warnings(config: Config, plan: Plan, retention: int | None = None) -> tuple[str, ...]:
    """What to tell the user about a configuration that is in force all the same. `retention` in nanoseconds.

    First the matcher parser's, then routes whose repeat_interval is shorter than their group_interval, or longer than
    notifications are remembered, or than alerts that were handed on live at the other Alertmanager.
    """
    handing_on = {receiver.name: receiver.alertmanager_configs for receiver in config.receivers}
    found: list[str] = []
    for route in plan.root.walk():
        found += _timing(route, retention) + _expiring(route, handing_on.get(route.receiver, ()))
    return config.warnings + tuple(found)


def _timing(route: Route, retention: int | None) -> list[str]:
    found = []
    repeat = format_prometheus(route.repeat_interval)
    if route.repeat_interval < route.group_interval:
        found.append(
            f"repeat_interval is less than group_interval: route {go_quote(route.key)}, repeat_interval {repeat}, "
            f"group_interval {format_prometheus(route.group_interval)}; notifications will repeat every group_interval"
        )
    if retention is not None and route.repeat_interval > retention:
        found.append(
            f"repeat_interval is greater than the data retention period: route {go_quote(route.key)}, repeat_interval "
            f"{repeat}, retention {format_prometheus(retention)}; notifications may repeat more often than expected"
        )
    return found


def _expiring(route: Route, entries: Iterable[AlertmanagerConfig]) -> list[str]:
    times = (
        f"route {go_quote(route.key)}, repeat_interval {format_prometheus(route.repeat_interval)}, "
        f"group_interval {format_prometheus(route.group_interval)}"
    )
    return [
        "expire_after is not longer than repeat_interval and group_interval together: receiver "
        f"{go_quote(route.receiver)}, alertmanager[{idx}], expire_after {format_prometheus(entry.expire_after)}, "
        f"{times}; "
        "alerts will end at the other Alertmanager between two notifications"
        for idx, entry in enumerate(entries)
        if entry.expire_after <= route.repeat_interval + route.group_interval
    ]


def _spec(route: RouteSection) -> RouteSpec:
    return RouteSpec(
        receiver=route.receiver or None,
        group_by=None if route.group_by is None else tuple(name for name in route.group_by if name != "..."),
        group_by_all=route.group_by_all,
        match=route.match,
        match_re=route.match_re,
        matchers=route.matchers,
        continue_=route.continue_,
        mute_intervals=route.mute_time_intervals,
        active_intervals=route.active_time_intervals,
        group_wait=route.group_wait,
        group_interval=route.group_interval,
        repeat_interval=route.repeat_interval,
        labels=route.labels,
        routes=tuple(_spec(child) for child in route.routes if child is not None),
    )


def _receiver(receiver: ReceiverSection) -> Receiver:
    return Receiver(
        name=receiver.name,
        labels=dict(sorted(((receiver.labels or {}) | {"name": receiver.name}).items())),
        integrations=tuple(
            Integration(receiver=receiver.name, name=kind, idx=idx, send_resolved=entry.send_resolved)
            for kind, idx, entry in receiver.entries()
        ),
    )


def _rule(rule: InhibitSection) -> InhibitRule:
    return InhibitRule(
        name=rule.name,
        source=_side(rule.source_match, rule.source_match_re, rule.source_matchers),
        target=_side(rule.target_match, rule.target_match_re, rule.target_matchers),
        equal=rule.equal,
    )


def _side(match: dict[str, str], match_re: dict[str, str], matchers: tuple[Matcher, ...]) -> tuple[Matcher, ...]:
    return sort_matchers(
        [make_matcher(name, Op.EQ, value) for name, value in match.items()]
        + [make_matcher(name, Op.RE, f"^(?:{pattern})$") for name, pattern in match_re.items()]
        + list(matchers)
    )
