"""A few random timelines against a real Alertmanager; `python -m tests.differential --seeds 200` plays more."""

import pytest

from tests.differential.__main__ import check
from tests.differential.timeline import generate
from tests.support import ampp_command, ampp_missing, real_binary

MISSING = ampp_missing() or (None if real_binary("prometheus-alertmanager") else "no prometheus-alertmanager")
needs_both = pytest.mark.skipif(MISSING is not None, reason=f"cannot compare: {MISSING}")


def against_the_original(seeds: range, reloads: list[float]) -> str:
    found = check(
        seeds,
        [str(real_binary("prometheus-alertmanager"))],
        ampp_command(),
        full=False,
        seconds=12,
        together=len(seeds),
        reloads=reloads,
    )
    return "\n".join(f"seed {d.seed} {d.where}: {d.what}" for d in found if not d.name)


@needs_both
def test_timelines() -> None:
    assert not against_the_original(range(24), [])


@needs_both
def test_timelines_with_reloads() -> None:
    assert not against_the_original(range(1000, 1012), [5.0, 9.0])


def test_a_seed_is_one_timeline() -> None:
    assert generate(7, full=True, seconds=20) == generate(7, full=True, seconds=20)
    assert generate(7, full=True, seconds=20) != generate(8, full=True, seconds=20)
