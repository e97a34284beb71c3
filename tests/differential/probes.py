"""Raw HTTP requests sent to two daemons in the same order, and their answers compared field by field.

What differs between Alertmanager 0.25 and 0.34 by design is listed in `DOCUMENTED`, by probe and field; anything else
is a difference. Bodies are compared as text once times and ids are masked, so key order and line ends count too.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.support import Answer, Api

__all__ = ["CONFIG", "DOCUMENTED", "PROBES", "Mismatch", "Probe", "compare_answers", "run"]

CONFIG = """
global: {resolve_timeout: 5m, smtp_auth_password: hunter2, smtp_smarthost: "mail.example:25", smtp_from: a@b.example}
route:
  receiver: team-X
  group_by: [alertname]
  group_wait: 1h
  routes:
    - {receiver: team-Y, matchers: ['service=~"a|b"'], continue: true}
    - {receiver: team-Z, matchers: [severity="critical"], group_by: [severity, alertname], mute_time_intervals: [never]}
receivers:
  - {name: team-X, webhook_configs: [{url: "http://127.0.0.1:9/x"}]}
  - {name: team-Y}
  - {name: team-Z}
inhibit_rules:
  - {source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [alertname]}
time_intervals:
  - {name: never, time_intervals: [{years: ["1999"]}]}
"""

_ALERTS = "/api/v2/alerts"
_GROUPS = "/api/v2/alerts/groups"
_SILENCES = "/api/v2/silences"
_JSON = {"Content-Type": "application/json"}
_ANY_ID = "11111111-2222-4333-8444-555555555555"
_HEADERS = (
    "content-type", "allow", "vary", "access-control-allow-origin", "access-control-allow-methods",
    "access-control-allow-headers", "cache-control", "x-content-type-options", "location",
)  # fmt: skip


@dataclass(frozen=True)
class Probe:
    """One request. `free`: fields not compared, because upstream itself leaves them open (see `why`)."""

    name: str
    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    free: tuple[str, ...] = ()
    prefix: str = ""
    why: str = ""
    settle: float = 0.0
    """Seconds to wait afterwards: upstream's inhibitor learns of an alert a moment after the POST is answered."""


@dataclass(frozen=True)
class Mismatch:
    probe: str
    field: str
    left: str
    right: str
    documented: str

    def __str__(self) -> str:
        return f"{self.probe} [{self.field}]\n   first: {self.left}\n  second: {self.right}"


def _get(name: str, path: str, **more: str) -> Probe:
    return Probe(name, "GET", path, headers=more)


def _post(name: str, body: object, path: str = _ALERTS, **more: str) -> Probe:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Probe(name, "POST", path, raw, {**_JSON, **more})


def _broken(name: str, body: bytes, path: str = _ALERTS) -> Probe:
    """A body that no decoder takes; only the first words of the answer are compared, the rest is the Go decoder's."""
    what = "alerts" if path == _ALERTS else "silence"
    prefix = f'{{"code":400,"message":"parsing {what} body from \\"\\" failed, because '
    return Probe(name, "POST", path, body, _JSON, prefix=prefix)


def _alert(labels: Mapping[str, object], **more: object) -> dict[str, object]:
    return {"labels": labels, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2090-01-01T00:00:00Z", **more}


def _matcher(name: str, value: str, **more: object) -> dict[str, object]:
    return {"name": name, "value": value, "isRegex": False, **more}


def _silence(matchers: object, **more: object) -> dict[str, object]:
    return {
        "matchers": matchers,
        "startsAt": "2080-01-01T00:00:00Z",
        "endsAt": "2090-01-01T00:00:00Z",
        "createdBy": "me",
        "comment": "why",
        **more,
    }


def _without(value: dict[str, object], *names: str) -> dict[str, object]:
    return {k: v for k, v in value.items() if k not in names}


_PAST = {"endsAt": "2026-02-01T00:00:00Z"}
_V1_TEXT = "a sentence for people: what to use instead"
_REDIRECT = "301 or 307: the Go version with which upstream was built decides"

_GOOD = _silence([_matcher("alertname", "DB")])

PROBES: tuple[Probe, ...] = (
    # health, plain routes, methods
    _get("healthy", "/-/healthy"),
    _get("ready", "/-/ready"),
    Probe("head healthy", "HEAD", "/-/healthy"),
    Probe("head ready", "HEAD", "/-/ready"),
    Probe("post healthy", "POST", "/-/healthy", b""),
    Probe("put ready", "PUT", "/-/ready", b""),
    Probe("options healthy", "OPTIONS", "/-/healthy"),
    Probe("options metrics", "OPTIONS", "/metrics"),
    Probe("head metrics", "HEAD", "/metrics"),
    Probe("head root", "HEAD", "/"),
    Probe("post root", "POST", "/", b""),
    Probe("get reload", "GET", "/-/reload"),
    Probe("reload", "POST", "/-/reload", b""),
    Probe("metrics type", "GET", "/metrics", free=("body",)),
    Probe(
        "metrics as OpenMetrics", "GET", "/metrics", None, {"Accept": "application/openmetrics-text"},
        ("body",),
    ),
    Probe(
        "root",
        "GET",
        "/",
        free=("body", "x-content-type-options", "vary", "cache-control"),
        why="the page is the UI's own, and may be kept as long as the server says it is the same",
    ),
    _get("unknown path", "/nope"),
    Probe("delete unknown path", "DELETE", "/nope"),
    _get("trailing slash", "/-/healthy/"),
    _get("upper case", "/-/Healthy"),
    Probe("double slash", "GET", "//-/healthy", free=("status", "body"), why=_REDIRECT),
    Probe("double slash in the API", "GET", "/api//v2/status", free=("status", "body"), why=_REDIRECT),
    # v1
    Probe("v1 status", "GET", "/api/v1/status", free=("body",), why=_V1_TEXT),
    Probe("v1 alerts", "GET", "/api/v1/alerts", free=("body",), why=_V1_TEXT),
    Probe("v1 post alerts", "POST", "/api/v1/alerts", b"[]", _JSON, ("body",), why=_V1_TEXT),
    Probe("v1 receivers", "GET", "/api/v1/receivers", free=("body",), why=_V1_TEXT),
    Probe("v1 silences", "GET", "/api/v1/silences", free=("body",), why=_V1_TEXT),
    Probe("v1 silence", "GET", f"/api/v1/silence/{_ANY_ID}", free=("body",), why=_V1_TEXT),
    _get("v1 unknown", "/api/v1/nope"),
    # v2 routing
    Probe("api root without slash", "GET", "/api/v2", free=("status", "body"), why=_REDIRECT),
    _get("api root", "/api/v2/"),
    _get("unknown v2 path", "/api/v2/nope"),
    _get("swagger", "/api/v2/swagger.json"),
    _get("openapi", "/api/v2/openapi.yaml"),
    _get("silence without id", "/api/v2/silence/"),
    Probe("put alerts", "PUT", _ALERTS, b""),
    Probe("delete alerts", "DELETE", _ALERTS),
    Probe("patch silences", "PATCH", _SILENCES, b""),
    Probe("post silence id", "POST", f"/api/v2/silence/{_ANY_ID}", b""),
    Probe("post groups", "POST", _GROUPS, b"[]", _JSON),
    Probe("post status", "POST", "/api/v2/status", b""),
    Probe("post receivers", "POST", "/api/v2/receivers", b""),
    Probe("head alerts", "HEAD", _ALERTS),
    Probe("head status", "HEAD", "/api/v2/status"),
    Probe("status", "GET", "/api/v2/status", free=("body",), why="versions"),
    Probe("status with a slash", "GET", "/api/v2/status/", free=("body",), why="versions"),
    Probe("status, foreign Accept", "GET", "/api/v2/status", None, {"Accept": "text/html"}),
    Probe("alerts, Accept anything", "GET", _ALERTS, None, {"Accept": "*/*"}),
    Probe("alerts, Accept list", "GET", _ALERTS, None, {"Accept": "text/html, application/json;q=0.5"}),
    Probe("alerts, Accept application/*", "GET", _ALERTS, None, {"Accept": "application/*"}),
    _get("receivers", "/api/v2/receivers"),
    # CORS
    _get("origin", _ALERTS, Origin="http://dash.example"),
    Probe("origin on post", "POST", _ALERTS, b"[]", {**_JSON, "Origin": "http://dash.example"}),
    Probe("origin on delete", "DELETE", f"/api/v2/silence/{_ANY_ID}", None, {"Origin": "http://dash.example"}),
    _get("origin outside the API", "/-/healthy", Origin="http://dash.example"),
    Probe("options without preflight", "OPTIONS", _ALERTS),
    Probe("options with origin only", "OPTIONS", _ALERTS, None, {"Origin": "http://dash.example"}),
    *(
        Probe(
            f"preflight {method} {headers}", "OPTIONS", _SILENCES, None,
            {
                "Origin": "http://dash.example",
                "Access-Control-Request-Method": method,
                **({"Access-Control-Request-Headers": headers} if headers else {}),
            },
        )
        for method, headers in (
            ("GET", ""), ("POST", "content-type"), ("POST", "accept,content-type"), ("POST", "x-custom"),
            ("DELETE", ""), ("PUT", ""), ("HEAD", ""),
        )
    ),
    # content types
    Probe("text body", "POST", _ALERTS, b"[]", {"Content-Type": "text/plain"}),
    Probe("form body", "POST", _ALERTS, b"[]", {"Content-Type": "application/x-www-form-urlencoded"}),
    Probe("no content type", "POST", _ALERTS, b"[]"),
    Probe("bad content type", "POST", _ALERTS, b"[]", {"Content-Type": "application/json;;"}),
    Probe("charset", "POST", _ALERTS, b"[]", {"Content-Type": "Application/JSON; charset=utf-8"}),
    Probe("post, foreign Accept", "POST", _ALERTS, b"[]", {**_JSON, "Accept": "text/html"}),
    Probe("gzip said, not done", "POST", _ALERTS, b"[]", {**_JSON, "Content-Encoding": "gzip"}),
    # alert bodies
    _post("no alerts", b""),
    Probe("no body, no type", "POST", _ALERTS, b""),
    _post("blanks only", b"   "),
    _post("null", b"null"),
    _post("empty list", b"[]"),
    _broken("cut short", b'[{"labels":{"a":'),
    _broken("not JSON", b"hello"),
    _broken("an object", b"{}"),
    _broken("a string", b'"x"'),
    _broken("a number", b"5"),
    _broken("number as label", b'[{"labels":{"a":1}}]'),
    _broken("list as labels", b'[{"labels":[]}]'),
    _broken("number as annotation", b'[{"labels":{"a":"b"},"annotations":{"x":1}}]'),
    _broken("word as time", b'[{"labels":{"a":"b"},"startsAt":"yesterday"}]'),
    _broken("number as time", b'[{"labels":{"a":"b"},"startsAt":5}]'),
    _post("what follows is ignored", b'[] "trailing"'),
    _post("no labels", [{}]),
    _post("null labels", [{"labels": None}]),
    _post("second lacks labels", [_alert({"a": "never"}), {}]),
    _post("empty labels", [{"labels": {}}]),
    _post("only empty values", [{"labels": {"a": ""}}]),
    _post("empty label name", [_alert({"": "x", "alertname": "E"})]),
    _post("label name with a blank", [_alert({"a b": "x"}, **_PAST)]),
    _post("annotation name with a blank", [_alert({"alertname": "N"}, annotations={"a b": "x"}, **_PAST)]),
    _post("two invalid", [_alert({"": "x"}), _alert({"alertname": "Twice"}, endsAt="2020-01-01T00:00:00Z")]),
    _post("ends before it starts", [_alert({"alertname": "Back"}, endsAt="2025-01-01T00:00:00Z")]),
    _post("starts as it ends", [_alert({"alertname": "Point"}, endsAt="2026-01-01T00:00:00Z")]),
    _post("generatorURL is no URL", [_alert({"alertname": "U"}, generatorURL="not a url")]),
    _post("generatorURL is a word", [_alert({"alertname": "U"}, generatorURL="foo")]),
    _post("generatorURL is a path", [_alert({"alertname": "U"}, generatorURL="/graph?x=1&y=<2>")]),
    _post("generatorURL is empty", [_alert({"alertname": "U2"}, generatorURL="")]),
    _post("upper-case keys", b'[{"LABELS":{"alertname":"Upper"},"EndsAt":"2090-01-01T00:00:00Z"}]'),
    _post("unknown keys", [_alert({"alertname": "Unknown"}, status="firing", extra=[1])]),
    _post("null label value", [_alert({"alertname": "NullValue", "x": None})]),
    _post("offset kept", [_alert({"alertname": "Offset"}, startsAt="2026-01-01T02:00:00.123456789+02:00")]),
    _post("offset without colon", [_alert({"alertname": "Offset2"}, startsAt="2026-01-01T02:00:00+0200")]),
    _post("no zone", [_alert({"alertname": "NoZone"}, startsAt="2026-01-01T02:00:00")]),
    _post("date only", [_alert({"alertname": "Date"}, startsAt="2026-01-01", **_PAST)]),
    _post("blank for T", [_alert({"alertname": "BlankT"}, startsAt="2026-01-01 02:00:00")]),
    _post("minutes only", [_alert({"alertname": "Minutes"}, startsAt="2026-01-01T02:00")]),
    _post("empty start", [_alert({"alertname": "EmptyStart"}, startsAt="")]),
    _post("null start", [_alert({"alertname": "NullStart"}, startsAt=None)]),
    _post("unicode values", [_alert({"alertname": "Ünï ☃ 🙂", "x": "\ttab"}, annotations={"s": "<b>&\u2028"})]),
    _post("lone surrogate", b'[{"labels":{"alertname":"S\\ud800x"},"endsAt":"2090-01-01T00:00:00Z"}]'),
    _post("bad UTF-8", b'[{"labels":{"alertname":"B\xffx"},"endsAt":"2090-01-01T00:00:00Z"}]'),
    _post("duplicate keys", b'[{"labels":{"alertname":"D1","alertname":"D2"},"endsAt":"2090-01-01T00:00:00Z"}]'),
    Probe(
        "several good ones", "POST", _ALERTS,
        json.dumps([
            _alert({"alertname": "DB", "severity": "critical", "service": "a", "instance": "i1", "job": "j"}),
            _alert({"alertname": "DB", "severity": "warning", "service": "b", "instance": "i2"}),
            _alert({"alertname": "Web", "service": "c"}, annotations={"empty": "", "summary": "a<b>&c"}),
        ]).encode(),
        _JSON, settle=0.5,
    ),
    # queries
    _get("alerts", _ALERTS),
    _get("groups", _GROUPS),
    *(
        _get(f"alerts {q}", f"{_ALERTS}?{q}")
        for q in (
            "filter=alertname%3DDB", "filter=alertname%3D%22DB%22", "filter=alertname%3D~%22D.%22",
            "filter=severity%3D%22%22", "filter=severity!%3D%22%22",
            "filter=alertname%3DDB&filter=severity%3Dwarning", "filter=foo", "filter=", "filter=1a%3D%22x%22",
            "filter=%7Ba%3D%222%22%7D", "filter=a%3D~%22(%22", "filter=a%3D%22x", "filter=%22a%20b%22%3Dx",
            "active=false", "inhibited=false", "silenced=false", "unprocessed=false", "active=maybe", "active=YES",
            "active=", "active=true&active=false", "receiver=team-Y", "receiver=team-.*", "receiver=team",
            "receiver=(", "receiver=", "nope=1",
        )
    ),
    *(
        _get(f"groups {q}", f"{_GROUPS}?{q}")
        for q in (
            "filter=alertname%3DDB", "filter=foo", "receiver=team-Y", "receiver=(", "active=false", "inhibited=false",
            "silenced=false", "muted=false",
        )
    ),
    # silences
    _get("silences, none", _SILENCES),
    _get("silence, no uuid", "/api/v2/silence/abc"),
    _get("silence, unknown", f"/api/v2/silence/{_ANY_ID}"),
    Probe("expire, no uuid", "DELETE", "/api/v2/silence/abc"),
    Probe("expire, unknown", "DELETE", f"/api/v2/silence/{_ANY_ID}"),
    _post("silence: no body", b"", _SILENCES),
    _post("silence: null", b"null", _SILENCES),
    _post("silence: empty", {}, _SILENCES),
    _broken("silence: a list", b"[]", _SILENCES),
    _broken("silence: cut short", b'{"matchers":', _SILENCES),
    _broken("silence: bad time", json.dumps({**_GOOD, "startsAt": "soon"}).encode(), _SILENCES),
    *(_post(f"silence: no {n}", _without(_GOOD, n), _SILENCES) for n in _GOOD),
    _post("silence: no matchers in list", _silence([]), _SILENCES),
    _post("silence: null matchers", _silence(None), _SILENCES),
    _post("silence: no isRegex", _silence([{"name": "a", "value": "b"}]), _SILENCES),
    _post("silence: no name", _silence([{"value": "b", "isRegex": False}]), _SILENCES),
    _post("silence: no value", _silence([{"name": "b", "isRegex": False}]), _SILENCES),
    Probe(
        "silence: null matcher", "POST", _SILENCES, json.dumps(_silence([None])).encode(), _JSON, ("answer",),
        why="upstream's handler crashes and closes the connection",
    ),
    _post("silence: empty name", _silence([_matcher("", "x")]), _SILENCES),
    _post("silence: bad regex", _silence([_matcher("a", "b(", isRegex=True)]), _SILENCES),
    _post("silence: matches empty", _silence([_matcher("a", "")]), _SILENCES),
    _post("silence: regex matches empty", _silence([_matcher("a", ".*", isRegex=True)]), _SILENCES),
    _post("silence: negative only", _silence([_matcher("zz", "x", isEqual=False)]), _SILENCES),
    _post("silence: start after end", _silence([_matcher("a", "b")], startsAt="2091-01-01T00:00:00Z"), _SILENCES),
    _post(
        "silence: over already",
        _silence([_matcher("a", "b")], startsAt="2020-01-01T00:00:00Z", endsAt="2021-01-01T00:00:00Z"),
        _SILENCES,
    ),
    _post("silence: unknown id", _silence([_matcher("a", "b")], id=_ANY_ID), _SILENCES),
    _post("silence: garbage id", _silence([_matcher("a", "b")], id="zzz"), _SILENCES),
    _post("silence: empty id", _silence([_matcher("a", "b")], id=""), _SILENCES),
    _post("silence: empty comment", _silence([_matcher("a", "c")], comment="", createdBy=""), _SILENCES),
    _post("silence: good", _silence([_matcher("alertname", "We<b>")], comment="a<b>&c\nd"), _SILENCES),
    _post(
        "silence: offset",
        _silence(
            [_matcher("alertname", "Nobody"), _matcher("x", "a|b", isRegex=True)],
            startsAt="2081-01-01T00:00:00Z",
            endsAt="2085-01-01T00:00:00.5+01:00",
        ),
        _SILENCES,
    ),
    _get("silences", _SILENCES),
    _get("silences by matcher", f"{_SILENCES}?filter=x%3D~%22a%7Cb%22"),
    _get("silences by other operator", f"{_SILENCES}?filter=x%3D%22a%22"),
    _get("silences by bad filter", f"{_SILENCES}?filter=nope"),
    _post("silence: name with a blank", _silence([_matcher("a b", "x")]), _SILENCES),
)  # fmt: skip

_SINCE = {
    "cache-control": "0.26 forbids storing API answers",
    "vary": "the CORS library says Vary once and in full",
}

_V1 = [p.name for p in PROBES if p.path.startswith("/api/v1/") and "nope" not in p.path]

DOCUMENTED: dict[tuple[str, str], str] = {
    **{(name, what): "v1 answers 410 since 0.27" for name in _V1 for what in ("status", "body", *_HEADERS)},
    **{(p.name, "status"): "preflight answers 204" for p in PROBES if p.name.startswith("preflight")},
    **{
        (name, field): "any UTF-8 label name is valid since 0.27"
        for name in (
            "label name with a blank", "annotation name with a blank", "two invalid", "silence: name with a blank",
            'alerts filter=%22a%20b%22%3Dx', "alerts filter=1a%3D%22x%22", "alerts filter=%7Ba%3D%222%22%7D",
            "alerts filter=a%3D%22x",
        )
        for field in ("status", "body", "content-type")
    },
    **{
        (name, field): "the prefix is `invalid silence:` and matcher sets are numbered since 0.32"
        for name in (
            "silence: empty name", "silence: bad regex", "silence: matches empty", "silence: regex matches empty",
        )
        for field in ("body",)
    },
    **{
        (p.name, "access-control-allow-headers"): "header names are echoed in lower case"
        for p in PROBES
        if p.name.startswith("preflight")
    },
    ("receivers", "body"): "every receiver has the label `name` since 0.33",
    ("offset without colon", "body"): "another Go time format is tried last",
    ("date only", "status"): "a date alone is a time since the newer format list",
    ("date only", "body"): "a date alone is a time since the newer format list",
    ("date only", "content-type"): "a date alone is a time since the newer format list",
    **{(name, "body"): "silence times are UTC" for name in ("silences", "silences by matcher")},
    **{
        (name, field): "expiring an unknown silence is 404 since 0.26"
        for name in ("expire, unknown", "origin on delete")
        for field in ("status", "body", "content-type")
    },
}  # fmt: skip

_MASKS = (
    (re.compile(r'"(updatedAt|startsAt|endsAt)":"20[23]\d-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)"'), r'"\1":"<now>"'),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"), "<uuid>"),
)
_FIXED = re.compile(r'"(?:startsAt|endsAt)":"20(?:25|26)-01-01T')


def run(api: Api, probes: Sequence[Probe] = PROBES) -> Iterator[tuple[Probe, Answer | None]]:
    """Send the probes in order; an answer is None when the server closed the connection without one."""
    for probe in probes:
        try:
            answer: Answer | None = api.request(probe.method, probe.path, probe.body, probe.headers)
        except OSError:
            answer = None
        yield probe, answer
        if probe.settle:
            time.sleep(probe.settle)


def compare_answers(probe: Probe, left: Answer | None, right: Answer | None, *, old: bool) -> Iterator[Mismatch]:
    """The fields in which two answers differ; with `old` the documented changes carry their reason."""
    if left is None or right is None:
        if left is not right and "answer" not in probe.free:
            yield Mismatch(probe.name, "answer", str(left), str(right), "")
        return

    def differ(what: str, a: str, b: str) -> Iterator[Mismatch]:
        if a != b and what not in probe.free:
            reason = DOCUMENTED.get((probe.name, what)) or (_SINCE.get(what, "") if "/api/" in probe.path else "")
            yield Mismatch(probe.name, what, a, b, reason if old else "")

    yield from differ("status", str(left.status), str(right.status))
    for name in _HEADERS:
        yield from differ(name, _header(left, name), _header(right, name))
    one, two = _body(left), _body(right)
    if probe.prefix and left.status == right.status and one.startswith(probe.prefix) and two.startswith(probe.prefix):
        return
    if old:
        one, two = _as_old(one), _as_old(two)
    yield from differ("body", one, two)


def _header(answer: Answer, name: str) -> str:
    value = answer.headers.get(name, "")
    if name == "allow":
        return ",".join(sorted(part.strip() for part in value.split(",")))
    if name == "content-type":
        return value.removesuffix("; escaping=underscores")
    return value


def _body(answer: Answer) -> str:
    text = answer.body.decode("utf-8", "backslashreplace")
    text = re.sub(r"but \[([A-Z,]+)\] are", lambda m: "but [" + ",".join(sorted(m.group(1).split(","))) + "] are", text)
    for pattern, mask in _MASKS:
        text = pattern.sub(lambda m, mask=mask: m.group() if _FIXED.match(m.group()) else m.expand(mask), text)  # type: ignore[misc]
    return text


def _as_old(text: str) -> str:
    """What 0.25 would have said: without the keys added since."""
    text = text.replace('"mutedBy":[],', "").replace(',"routeLabels":{}', "").replace('"routeLabels":{},', "")
    return re.sub(r'"state":"unprocessed"', '"state":"active"', text)
