"""The same raw requests to a real Alertmanager and to ampp."""

import pytest

from tests.differential.__main__ import is_old
from tests.differential.probes import CONFIG, PROBES, Mismatch, compare_answers, run
from tests.support import Answer, Daemon, ampp_command, ampp_missing, real_binary

pytestmark = [
    pytest.mark.skipif(real_binary("prometheus-alertmanager") is None, reason="prometheus-alertmanager not installed"),
    pytest.mark.skipif(ampp_missing() is not None, reason=f"ampp cannot run: {ampp_missing()}"),
]


def answers(command: list[str]) -> list[Answer | None]:
    with Daemon(command, CONFIG) as daemon:
        api = daemon.api()
        api.wait_ready()
        return [answer for _, answer in run(api)]


@pytest.fixture(scope="module")
def pairs() -> dict[str, list[Mismatch]]:
    reference = [str(real_binary("prometheus-alertmanager"))]
    both = zip(PROBES, answers(reference), answers(ampp_command()), strict=True)
    return {p.name: list(compare_answers(p, left, right, old=is_old(reference))) for p, left, right in both}


@pytest.mark.parametrize("name", [p.name for p in PROBES])
def test_answers_alike(pairs: dict[str, list[Mismatch]], name: str) -> None:
    left = [m for m in pairs[name] if not m.documented]
    assert not left, "\n".join(map(str, left))


def test_probe_names_are_distinct() -> None:
    assert len({p.name for p in PROBES}) == len(PROBES)
