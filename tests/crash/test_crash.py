"""A few kills; `python -m tests.crash --rounds 50` does more."""

import pytest

from tests.crash.trial import Trial
from tests.support import ampp_command, ampp_missing


@pytest.mark.skipif(ampp_missing() is not None, reason=f"ampp cannot run: {ampp_missing()}")
def test_nothing_acknowledged_is_lost() -> None:
    with Trial(ampp_command(), seed=1) as trial:
        for _ in range(4):
            report = trial.play()
            assert report.acknowledged > 0
            assert report.good, report
