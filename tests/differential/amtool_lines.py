"""Command lines for amtool, what they find, and what has changed in it between 0.25 and 0.34.

In a line, `$URL` is the server, `$STUB` one that answers wrongly (its paths are in `STUBS`), `$DEAD` a port where
nobody listens, `$NEW` the id of a silence made for this run alone, `$LASTING` one that all lines see. Files named in
lines are in the working directory. Lines without `--alertmanager.url` get `$URL`, unless they are `bare`.
"""

from dataclasses import dataclass

__all__ = ["ALERTS", "CONFIG", "FILES", "LINES", "NEW", "SILENCES", "STUBS", "Line"]


@dataclass(frozen=True)
class Line:
    """One command line. `stdin` is what it reads; `effect`: the silence it prints the id of is compared as well.

    `settings` is the text of its configuration file.
    """

    text: str
    stdin: str | None = None
    effect: bool = False
    bare: bool = False
    settings: str = ""
    unordered: bool = False


CONFIG = """\
route:
  receiver: team-X
  group_wait: 1h
  routes:
  - matchers: ['service=~"db|web"']
    continue: true
    receiver: team-Y
    routes:
    - matchers: ['severity="critical"']
      receiver: team-Y-pager
  - matchers: [owner="z"]
    receiver: team-Z
receivers: [{name: team-X}, {name: team-Y}, {name: team-Y-pager}, {name: team-Z}]
inhibit_rules:
- source_matchers: [alertname="Source"]
  target_matchers: [alertname="Target"]
"""

ALERTS = [
    {
        "labels": {"alertname": "Disk", "instance": "db1", "service": "db", "severity": "critical"},
        "annotations": {"summary": '50% <full> & "rising"', "runbook": "http://r.example/?a=1&b=2"},
        "startsAt": "2026-01-01T00:00:00.000Z",
        "endsAt": "2095-01-01T00:00:00.000Z",
        "generatorURL": "http://prometheus.example/graph?g0.expr=up&g0.tab=1",
    },
    {
        "labels": {"alertname": "Disk", "instance": "db2", "owner": "z"},
        "annotations": {"summary": "schnell — ünïcödé 漢字"},
        "startsAt": "2026-01-03T00:00:00.5+02:00",
        "endsAt": "2095-01-01T00:00:00.000Z",
    },
    {
        "labels": {"alertname": "Load", "instance": "web1", "note": 'quoted "x" \\ y'},
        "startsAt": "2026-01-02T00:00:00.000Z",
        "endsAt": "2095-01-01T00:00:00.000Z",
    },
    {
        "labels": {"alertname": "Muted", "instance": "web2"},
        "annotations": {"summary": "two\nlines\tand a tab"},
        "startsAt": "2026-01-04T00:00:00.000Z",
        "endsAt": "2095-01-01T00:00:00.000Z",
    },
    {
        "labels": {"alertname": "Source"},
        "startsAt": "2026-01-05T00:00:00.000Z",
        "endsAt": "2095-01-01T00:00:00.000Z",
    },
    {
        "labels": {"alertname": "Target"},
        "startsAt": "2026-01-06T00:00:00.000Z",
        "endsAt": "2095-01-01T00:00:00.000Z",
    },
]

SILENCES = [
    {
        "matchers": [{"name": "alertname", "value": "Muted", "isRegex": False, "isEqual": True}],
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2096-01-01T00:00:00Z",
        "createdBy": "ann",
        "comment": "<planned> & announced",
    },
    {
        "matchers": [
            {"name": "alertname", "value": "a|b", "isRegex": True, "isEqual": True},
            {"name": "x", "value": "y", "isRegex": False, "isEqual": False},
            {"name": "z", "value": 'q.*"\\', "isRegex": False, "isEqual": True},
            {"name": "w", "value": "v+", "isRegex": True, "isEqual": False},
        ],
        "startsAt": "2095-01-01T00:00:00Z",
        "endsAt": "2095-06-01T00:00:00Z",
        "createdBy": "bob",
        "comment": "two\nlines",
    },
]

FILES = {
    "good.yml": CONFIG,
    "bad.yml": "bad: 1\n",
    "http.yml": "basic_auth: {username: me, password: secret}\n",
    "bearer.yml": "authorization: {credentials: token}\nhttp_headers: {X-Team: {values: [a]}}\n",
    "http-bad.yml": "basic_auth: {user: me}\n",
    "one.json": '[{"matchers":[{"name":"imported","value":"1","isRegex":false}],"startsAt":"2095-01-01T00:00:00Z",'
    '"endsAt":"2095-02-01T00:00:00Z","createdBy":"c","comment":"d"}]',
    "two.json": '[{"id":"00000000-0000-4000-8000-000000000000","matchers":[{"name":"imported","value":"2",'
    '"isRegex":false}],"startsAt":"2095-01-01T00:00:00Z","endsAt":"2095-02-01T00:00:00Z","createdBy":"c",'
    '"comment":"d"},{"matchers":[{"name":"imported","value":"3","isRegex":false}],"startsAt":"2095-01-01T00:00:00Z",'
    '"endsAt":"2095-02-01T00:00:00Z","createdBy":"c","comment":"e"}]',
    "refused.json": '[{"matchers":[{"name":"a","value":"","isRegex":false}],"startsAt":"2095-01-01T00:00:00Z",'
    '"endsAt":"2095-02-01T00:00:00Z","createdBy":"c","comment":"d"}]',
    "empty.json": "[]",
    "broken.json": '[{"matchers":[{"name":"imported","value":"4","isRegex":false}],"startsAt":"2095-01-01T00:00:00Z",'
    '"endsAt":"2095-02-01T00:00:00Z","createdBy":"c","comment":"d"},{"matchers":[',
    "no.json": "this is none",
}

# Path: status, Content-Type, body.
STUBS = {
    "unauthorized": (401, "text/plain; charset=utf-8", "Unauthorized\n"),
    "gateway": (502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "failing": (500, "application/json", '"the disk is full"\n'),
    "plain": (500, "text/plain", "out of order"),
    "bad": (400, "application/json", '"bad <matcher> format"\n'),
    "half": (200, "application/json", '[{"labels":{"alertname":'),
    "prose": (200, "application/json", "Hello"),
    "shape": (200, "application/json", '{"a":1}'),
    "old": (200, "application/json", "[]\n"),
}

_ALERT = (
    "alert",
    "alert query",
    "alert query Disk",
    "alert query alertname=Disk",
    "alert query alertname=~'D.*'",
    "alert query Disk instance=db2",
    "alert query instance!=db1 alertname!~Load",
    "alert Disk",
    "alert query nothing",
    "alert query '{alertname=Disk}'",
    "alert query =x",
    "alert query a=b bar",
    "alert query 'note=quoted \"x\" \\ y'",
    "alert query 'alertname=~['",
    "alert query Disk 'instance=~['",
    "alert query --silenced",
    "alert query -s -i",
    "alert query -i",
    "alert query -a -s -i -u",
    "alert query -u",
    "alert query -asiu Disk",
    "alert query -r team-Z",
    "alert query --receiver=team-Y.*",
    "alert query --receiver=[",
    "-o extended alert",
    "alert query -o extended -a -s",
    "-o json alert query",
    "alert query -o json -s",
    "-o json alert query nothing",
    "-o extended alert query nothing",
    "--date.format=2006-01-02T15:04:05.000Z07:00 alert",
    "--date.format='Mon Jan _2 3:04PM 06 -0700' -o extended alert",
    "alert query --date.format=",
    "alert add alertname=Added node=bar --end=2095-01-01T00:00:00Z",
    "alert add Added node=bar --annotation=runbook=http://r.example --annotation='summary=it is <so>' "
    "--start=2026-02-01T00:00:00Z --end=2095-01-01T00:00:00+02:00 --generator-url=http://g.example/",
    "alert add",
    "alert add a=b c",
    "alert add 'a!=b'",
    "alert add foo 'a=~b'",
    "alert add foo --annotation=x",
    "alert add foo --annotation='x!=y'",
    "alert add foo --start=yesterday",
    "alert add foo --end=2026-01-01",
    "alert add foo --start=2026-01-02T00:00:00Z --end=2026-01-01T00:00:00Z",
    "alert add foo --generator-url=notanurl",
    "alert bogus extra=",
)

_SILENCE = (
    "silence",
    "silence query",
    "silence query -q",
    "silence query alertname=Muted",
    "silence query Muted",
    "silence query 'alertname=~a|b'",
    "silence query nothing",
    "silence query a=b bar",
    "silence query --created-by=ann",
    "silence query --created-by ann -q",
    "silence query --id=$LASTING",
    "silence query --id=nope",
    "silence query --within=1h",
    "silence query --within=1d",
    "silence query --expired --within=1ns",
    "silence query --expired --created-by=old --date.format=2006",
    "silence query --expired --within=10h --created-by=old -q",
    "-o extended silence query",
    "-o json silence query",
    "-o json silence query nothing",
    "-o extended silence query nothing",
    "--date.format=2006 silence",
    "silence add",
    "silence add foo",
    "silence add foo -c ''",
    "silence add foo -c x -d 1x",
    "silence add foo -c x -d 0s",
    "silence add foo -c x -d ''",
    "silence add foo -c x --start=tomorrow",
    "silence add foo -c x --start=2096-01-01T00:00:00Z --end=2095-01-01T00:00:00Z",
    "silence add foo -c x --end=2020-01-01T00:00:00Z",
    "silence add foo -c x --start=2019-01-01T00:00:00Z --end=2020-01-01T00:00:00Z",
    "silence add foo=bar baz -c x",
    "silence add 'foo=~.*' -c x",
    "silence add 'foo=~[' -c x",
    "silence add -d 1h -d 2h foo -c x",
    "silence expire",
    "silence expire $NEW",
    "silence expire $NEW $NEW",
    "silence expire nope",
    "silence expire 11111111-1111-4111-8111-111111111111",
    "silence expire $NEW 11111111-1111-4111-8111-111111111111",
    "silence update",
    "silence update nope",
    "silence update 11111111-1111-4111-8111-111111111111",
    "silence update $NEW -c changed",
    "silence update $NEW --start=2095-01-01T00:00:00Z -d 2h -c later",
    "silence update $NEW --end=2095-03-01T00:00:00Z -o extended --date.format=2006",
    "silence update $NEW -d 0s",
    "silence update $NEW -d nope",
    "silence update $NEW --start=nope",
    "silence update $NEW --start=2097-01-01T00:00:00Z --end=2096-01-01T00:00:00Z",
    "silence import missing.json",
    "silence import empty.json",
    "silence import no.json",
    "silence import broken.json",
    "silence import refused.json",
    "silence import -w 1 two.json",
    "silence import --force two.json",
    "silence import . ",
)

_EFFECTS = (
    "silence add foo bar=~b.* -c why --start=2095-01-01T00:00:00Z",
    "silence add foo 'bar!=x' 'baz!~y|z' -c why -a me --start=2095-01-01T00:00:00Z -d 1w2d3h",
    "silence add 'alertname=\"a \\\"quoted\\\" one\"' -c 'a < b & c' --start=2095-01-01T00:00:00+05:30 -d 2h30m",
    "silence add foo --no-require-comment --start=2095-01-01T00:00:00.5Z --end=2095-01-02T00:00:00.25Z",
    "silence add {x=y} -c why -a '' --start=2095-01-01T00:00:00Z",
    "silence import one.json",
    "silence update -o json $NEW -c changed",
)

_SERVER = (
    "cluster",
    "cluster show",
    "cluster show -o extended",
    "cluster show -o json",
    "config",
    "config show",
    "config routes",
    "config routes show",
    "config routes test",
    "config routes test service=db severity=critical owner=z",
    "config routes test --tree service=web owner=z",
    "config routes test --verify.receivers=team-Y,team-Z service=web owner=z",
    "config routes test --verify.receivers=team-Z service=web",
    "config routes test a",
    "config routes --config.file=good.yml",
    "config routes show --config.file=bad.yml",
    "config routes test --config.file=good.yml service=web",
    "check-config good.yml",
    "check-config good.yml bad.yml",
)

_FAILING = (
    *(
        f"--alertmanager.url={url} {command}"
        for url in ("$DEAD", "$STUB/unauthorized", "$STUB/gateway", "$STUB/failing", "$STUB/plain", "$STUB/bad")
        for command in (
            "alert",
            "alert add foo",
            "silence",
            "silence add foo -c x",
            "silence expire 11111111-1111-4111-8111-111111111111",
            "silence update 11111111-1111-4111-8111-111111111111",
            "cluster show",
            "config routes",
        )
    ),
    "--alertmanager.url=$STUB/half alert",
    "--alertmanager.url=$STUB/prose alert",
    "--alertmanager.url=$STUB/shape alert",
    "--alertmanager.url=$STUB/shape silence",
    "--alertmanager.url=$STUB/old alert",
    "--alertmanager.url=$STUB/old silence -o json",
    "--alertmanager.url=$URL/prefix/ alert",
    "--alertmanager.url=ftp://127.0.0.1:9 alert",
    "--alertmanager.url=127.0.0.1:9 alert",
    "--alertmanager.url=http://[::1 alert",
    "--alertmanager.url=$URL --alertmanager.url=$URL alert",
    "--http.config.file=http.yml alert Disk",
    "--http.config.file=bearer.yml silence -q",
    "--http.config.file=http-bad.yml alert",
    "--http.config.file=missing.yml alert",
    "--http.config.file=http.yml --alertmanager.url=$DEAD alert",
    "--http.config.file=http.yml --alertmanager.url=http://u:p@127.0.0.1:9 alert",
    "--timeout=nope alert",
    "--timeout=1ns --no-version-check alert Disk",
    "-o bad alert",
    "silence --bogus",
    "alert query -x",
    "silence add -d",
    "silence import -w x one.json",
    "silence query --within",
    "--enable-feature=bogus alert",
)

NEW = {
    "alert query '{alertname=Disk}'": "a bare word for an alert's name is quoted, whatever is in it",
    "alert query =x": "the same",
    "alert query 'note=quoted \"x\" \\ y'": "the same",
    "silence query --id=$LASTING": "the flag is new",
    "silence query --id=nope": "the flag is new",
    "silence query --within=1d": "flags take days and weeks",
    "silence import refused.json": "0.25 may end before the last answer has come",
    "--http.config.file=bearer.yml silence -q": "http_headers is new",
    "silence add {x=y} -c why -a '' --start=2095-01-01T00:00:00Z": "an empty author is taken",
    "alert add 'a!=b'": "labels are read by the common matcher parser",
    "silence import broken.json": "what was read before an error is sent to its end",
    "--enable-feature=bogus alert": "the flag is new",
    **{
        text: "0.25 cannot read the configuration that the server shows, for its newer settings"
        for text in _SERVER
        if text.startswith("config routes") and "--config.file" not in text
    },
}
"""Lines that 0.25 answers in another way, and why 0.34 does not."""

LINES = (
    *(Line(text) for text in _ALERT + _SILENCE + _SERVER + _FAILING),
    *(Line(text, effect=True) for text in _EFFECTS),
    Line("silence import", stdin=FILES["one.json"], effect=True),
    Line("silence import -f", stdin=FILES["two.json"], unordered=True),
    Line("silence import", stdin=""),
    Line("silence import", stdin="[]"),
    Line("silence import", stdin="{}"),
    Line("silence import", stdin='"abc"'),
    Line("check-config", stdin=FILES["good.yml"]),
    Line("check-config", stdin="bad: 1\n"),
)
