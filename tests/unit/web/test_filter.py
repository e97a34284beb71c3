"""The filter language, the silence form and addresses, by themselves."""

import uuid

import pytest

from ampp.core.alert import Alert
from ampp.core.clock import HOUR, MINUTE, Now
from ampp.core.labels import canonical, key
from ampp.core.matcher import Mode, Op, make_matcher
from ampp.core.silence import SilenceBook, SilenceDraft
from ampp.web.address import Address, root_of
from ampp.web.detail import strip
from ampp.web.draft import Draft, from_alerts
from ampp.web.filter import Moment, passes, read
from ampp.web.survey import Seen
from ampp.web.words import safe_url, span_words

WALL = 1_700_000_000 * 10**9


def seen(state: str = "active", age: int = HOUR, silenced: tuple[str, ...] = (), **labels: str) -> Seen:
    labels = canonical({"alertname": "Disk", **labels})
    alert = Alert(key(labels), labels, {"summary": "Node-7 is full"}, WALL - age, WALL + HOUR, WALL)
    return Seen(
        alert, ("pager", "slack"), silenced, ("0123456789abcdef",) if state == "inhibited" else (), (), state, 0, 0
    )


def moment() -> tuple[Moment, str]:
    book = SilenceBook(HOUR, Mode.FALLBACK, new_id=lambda: str(uuid.uuid4()), size_of=lambda _: 0)
    matcher = make_matcher("a", Op.EQ, "b")
    put = book.put(SilenceDraft(None, ((matcher,),), ends=WALL + HOUR, created_by="alice", comment="c"), Now(WALL, 0))
    return Moment(WALL, book, lambda name: {"alertname": "NodeDown"}), put.id


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('severity="critical"', True),
        ("severity=critical", True),
        ("severity!=critical", False),
        ('severity=~"crit.*" team="db"', True),
        ("severity=critical team=web", False),
        ('severity="critical", team="db"', True),
        ("node-7", True),
        ("node-8", False),
        ("DB", True),
        ("@state=active", True),
        ("@state!=suppressed", True),
        ("@receiver=pager", True),
        ("@receiver!=pager", False),
        ("@receiver=~'sl.*'", True),
        ("@age>30m", True),
        ("@age<30m", False),
        ("@age >= 1h", True),
    ],
)
def test_tokens(text: str, holds: bool) -> None:
    (token,) = read([text], Mode.FALLBACK, moment()[0])
    assert token.error == ""
    assert passes([token])(seen(severity="critical", team="db")) is holds


def test_who_silenced_and_what_inhibits() -> None:
    at, name = moment()
    for text in ("@author=alice", "@silenced_by=alice", f"@silenced_by={name}", "@state=silenced", "@state=suppressed"):
        assert passes(read([text], Mode.FALLBACK, at))(seen("silenced", silenced=(name,))), text
        assert not passes(read([text], Mode.FALLBACK, at))(seen()), text
    assert passes(read(["@inhibited_by=NodeDown"], Mode.FALLBACK, at))(seen("inhibited"))


@pytest.mark.parametrize(
    "text",
    ["@nothing=x", "@state=asleep", "@age>soon", "@age", "@receiver>x", "a=~(", "{x}", "x" * 5000, "@receiver=~("],
)
def test_what_cannot_be_read_says_so_and_filters_nothing(text: str) -> None:
    (token,) = read([text], Mode.FALLBACK, moment()[0])
    assert token.error
    assert passes([token])(seen())


def test_a_silence_for_a_selection_is_no_wider_than_need_be() -> None:
    draft = from_alerts([seen(node="a.b", dc="x"), seen(node="c", dc="x"), seen(node="c", dc="x", extra="y")])
    assert draft.rows == [("alertname", "=", "Disk"), ("dc", "=", "x"), ("node", "=~", r"a\.b|c")]


def test_the_form() -> None:
    good = {"rows": [("a", "=", "b"), ("", "=", "")], "author": "me", "comment": "why"}
    ready = Draft(**good, hold="4h").checked(WALL, {})
    assert ready is not None
    assert ready.ends == WALL + 4 * HOUR
    zoned = Draft(**good, hold="custom", starts="2023-11-15T09:00", ends="2023-11-15T10:30", zone="Europe/Berlin")
    ready = zoned.checked(WALL, {})
    assert ready is not None
    assert (ready.ends - ready.starts, ready.starts) == (90 * MINUTE, 1_700_035_200 * 10**9)
    for wrong, field in (
        ({"hold": "custom"}, "ends"),
        ({"hold": "custom", "duration": "long"}, "duration"),
        ({"hold": "custom", "ends": "2001-01-01T00:00"}, "ends"),
        ({"hold": "custom", "starts": "tomorrow", "duration": "1h"}, "starts"),
        ({"author": " "}, "author"),
        ({"comment": ""}, "comment"),
        ({"rows": []}, "matchers"),
        ({"rows": [("a", "=~", "(")]}, "row0"),
    ):
        draft = Draft(**{"hold": "1h", **good, **wrong})
        assert draft.checked(WALL, {}) is None
        assert field in draft.errors


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("https://example.org/a?b=c#d", True),
        ("mailto:ops@example.org", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        (" javascript:alert(1)", False),
        ("java\tscript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.org/x", False),
        ("https:/x", False),
        ("http://[bad", False),
        ("", False),
    ],
)
def test_links_that_may_be_followed(text: str, safe: bool) -> None:
    assert bool(safe_url(text)) is safe


def test_words_for_spans() -> None:
    texts = [span_words(each * 10**9) for each in (0, 59, 60, 3599, 3600, 12_000, 86_400, 200_000, 10**6, -5)]
    assert texts == ["0 s", "59 s", "1 m", "59 m", "1 h", "3 h 20 m", "1 d", "2 d 7 h", "11 d", "0 s"]


def test_addresses() -> None:
    address = Address("alerts", {"filter": ["a=b"], "page": ["3"], "view": ["table"]})
    assert address.add("c=d") == "alerts?filter=a%3Db&view=table&filter=c%3Dd"
    assert address.add("a=b") == "alerts?filter=a%3Db&view=table"
    assert address.drop("a=b") == "alerts?view=table"
    assert address.set(view=None) == "alerts?filter=a%3Db"
    assert address.turn(4) == "alerts?filter=a%3Db&view=table&page=4"
    assert [root_of(path) for path in ("/", "/ui/alerts", "/ui/alert/x/edit")] == ["./", "../", "../../../"]


def test_a_day_of_an_alert() -> None:
    def event(kind: str, at: str, ends: str | None = None) -> dict[str, object]:
        times = {"created_at": f"2023-11-14T{at}:00Z", "starts_at": "2023-11-14T02:00:00Z"}
        return {"event": kind, **times, "ends_at": ends}

    since = 1_699_920_000 * 10**9
    newest_first = [
        event("resolved", "06:00", "2023-11-14T06:00:00Z"),
        event("unsuppressed", "05:00"),
        event("suppressed", "04:00"),
        event("firing", "03:00"),
    ]
    bars = strip(newest_first, since, since + 24 * HOUR)  # type: ignore[arg-type]
    assert [(bar.kind, bar.x, bar.width) for bar in bars] == [
        ("firing", 80.0, 80.0),
        ("suppressed", 160.0, 40.0),
        ("firing", 200.0, 40.0),
    ]
