"""The routing tree: tables change nothing, inheritance, numbering."""

from hypothesis import given
from hypothesis import strategies as st

from ampp.core.labels import canonical
from ampp.core.matcher import Matcher, Op, matches_all
from ampp.core.route import Route, RouteSpec, build, group_key, group_labels

matchers = st.builds(
    Matcher,
    st.sampled_from("abc"),
    st.sampled_from(list(Op)),
    st.sampled_from(["", "x", "y", "x|y", "(x|z)", "x.*", ".+"]),
)
leaves = st.builds(RouteSpec, matchers=st.lists(matchers, max_size=2).map(tuple), continue_=st.booleans())
trees = st.recursive(
    leaves,
    lambda specs: st.builds(
        RouteSpec,
        matchers=st.lists(matchers, max_size=1).map(tuple),
        continue_=st.booleans(),
        routes=st.lists(specs, max_size=9).map(tuple),
    ),
    max_leaves=25,
)
label_sets = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "y", "z", "xx"])).map(canonical)


def by_definition(route: Route, labels: dict[str, str]) -> list[Route]:
    if not matches_all(route.matchers, labels):
        return []
    found = []
    for child in route.children:
        below = by_definition(child, labels)
        found += below
        if below and not child.continue_:
            break
    return found or [route]


@given(st.lists(trees, max_size=12), st.lists(label_sets, min_size=1, max_size=5))
def test_tables_change_nothing(specs: list[RouteSpec], sets: list[dict[str, str]]) -> None:
    root = build(RouteSpec(receiver="r", routes=tuple(specs)))
    for labels in sets:
        assert root.match(labels) == by_definition(root, labels)
    routes = list(root.walk())
    assert [route.index for route in routes] == list(range(len(routes)))
    assert len({route.id for route in routes}) == len(routes)


def test_inheritance() -> None:
    grandchild = RouteSpec(group_by=(), labels={"b": "3"})
    child = RouteSpec(group_by_all=True, group_wait=0, labels={"a": "2"}, mute_intervals=("m",), routes=(grandchild,))
    other = RouteSpec(receiver="s", group_by=("z", "a", "z"), group_interval=7, repeat_interval=8, continue_=True)
    root = build(RouteSpec(receiver="r", group_by=("x",), labels={"a": "1", "b": "1"}, routes=(child, other)))
    one, two = root.children
    (deep,) = one.children
    assert (root.group_wait, root.group_interval, root.repeat_interval) == (30 * 10**9, 300 * 10**9, 4 * 3600 * 10**9)
    assert (one.receiver, one.group_by, one.group_by_all, one.group_wait) == ("r", ("x",), True, 0)
    assert (deep.group_by, deep.group_by_all, deep.group_wait, deep.mute_intervals) == ((), False, 0, ())
    assert (one.labels, deep.labels) == ({"a": "2", "b": "1"}, {"a": "2", "b": "3"})
    assert (two.receiver, two.group_by, two.group_interval, two.repeat_interval) == ("s", ("a", "z"), 7, 8)
    assert two.continue_
    assert not one.continue_


def test_names() -> None:
    deep = RouteSpec(matchers=(Matcher("deep", Op.EQ, "1"),))
    child = RouteSpec(
        match={"zed": 'q"q'}, match_re={"foo": "ba."}, group_by=("job", "alertname"), routes=(RouteSpec(), deep)
    )
    root = build(RouteSpec(receiver="r", routes=(child,)))
    (route,) = root.match({"alertname": "A", "deep": "1", "foo": "bar", "zed": 'q"q'})
    assert route.id == '{}/{foo=~"^(?:ba.)$",zed="q\\"q"}/0/{}/0'
    labels = {"alertname": "A", "foo": "bar", "job": 'j"1'}
    assert group_key(route, group_labels(route, labels)) == (
        '{}/{foo=~"^(?:ba.)$",zed="q\\"q"}/{}:{alertname="A", job="j\\"1"}'
    )
    assert group_key(root, group_labels(root, labels)) == "{}:{}"
