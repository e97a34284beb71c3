"""Since when an alert is kept back: what its events tell, and what they cannot."""

import pytest

from ampp import config
from ampp.core.clock import MINUTE
from ampp.core.timestamp import format_millis
from ampp.history.explanation import Facts, explain

CONFIG = """
route:
  receiver: a
  routes: [{receiver: a, continue: true, mute_time_intervals: [always]}, ROUTES]
receivers: [{name: a}]
time_intervals: [{name: always, time_intervals: [{times: [{start_time: "00:00", end_time: "24:00"}]}]}]
"""
TWO, ONE = "{receiver: a, mute_time_intervals: [always]}", "{receiver: a, matchers: [x=y]}"
RULE = ("down", "00")


@pytest.mark.parametrize(
    ("routes", "inhibited", "events", "since"),
    [
        (ONE, None, "firing mute_time_interval", 1),
        (ONE, None, "firing mute_time_interval firing silence", 1),
        (ONE, None, "firing silence unsuppressed mute_time_interval", 3),
        (ONE, None, "firing", None),
        (ONE, None, "mute_time_interval silence", None),
        (TWO, None, "firing mute_time_interval", None),
        (TWO, RULE, "firing inhibition", 1),
        (TWO, RULE, "firing silence inhibition", 1),
        (TWO, RULE, "firing silence mute_time_interval inhibition", 3),
        (TWO, RULE, "firing silence mute_time_interval", None),
        (TWO, RULE, "firing inhibition resolved firing", None),
    ],
)
def test_since_when_it_is_kept_back(
    routes: str, inhibited: tuple[str, str] | None, events: str, since: int | None
) -> None:
    told = [
        {
            "event": word if word in ("firing", "unsuppressed", "resolved") else "suppressed",
            "created_at": format_millis(place * MINUTE),
            "suppressed_by": {"reason": word, "by": []},
        }
        for place, word in enumerate(events.split())
    ]
    found = explain(
        Facts(
            labels={"alertname": "A"},
            wall=60 * MINUTE,
            live=True,
            resolved=False,
            expired=False,
            starts=0,
            ends=None,
            plan=config.compile(config.load(CONFIG.replace("ROUTES", routes))),
            config_at=0,
            config_hash=0,
            turns={},
            inhibited=inhibited,
            events=tuple(told),
        )
    )
    assert found.state == "suppressed"
    assert found.suppressed_since == (None if since is None else format_millis(since * MINUTE))
    fired = f"The alert is suppressed: it has fired since {format_millis(0)}"
    assert found.summary[0] == (
        f"{fired}."
        if since is None
        else f"{fired}, and has been kept back since its group's turn at {found.suppressed_since}."
    )
