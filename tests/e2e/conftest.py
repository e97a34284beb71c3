"""Every test here runs against ampp, and against the real Alertmanager to show that it asks for what is right."""

import pytest

from tests.support import ampp_command, ampp_missing, real_binary

ORIGINAL = real_binary("prometheus-alertmanager")


@pytest.fixture(
    params=[
        pytest.param(
            "alertmanager",
            marks=pytest.mark.skipif(ORIGINAL is None, reason="prometheus-alertmanager is not installed"),
        ),
        pytest.param(
            "ampp", marks=pytest.mark.skipif(ampp_missing() is not None, reason=f"ampp cannot run: {ampp_missing()}")
        ),
    ]
)
def command(request: pytest.FixtureRequest) -> list[str]:
    return ampp_command() if request.param == "ampp" else [str(ORIGINAL)]
