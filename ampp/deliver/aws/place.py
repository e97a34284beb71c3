"""Where services of Amazon are found: by region, unless the environment says otherwise."""

from collections.abc import Mapping
from typing import Final

__all__ = ["address", "truth"]

_SUFFIXES: Final = {
    "cn-": "amazonaws.com.cn",
    "eu-isoe-": "cloud.adc-e.uk",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
}
"""The domains of regions that stand apart, by how their names begin."""


def address(service: str, region: str, environment: Mapping[str, str]) -> str:
    """The base URL of `service` (`sns`, `sts`) in `region`."""
    given = environment.get(f"AWS_ENDPOINT_URL_{service.upper()}") or environment.get("AWS_ENDPOINT_URL")
    if given:
        return given
    suffix = next((suffix for start, suffix in _SUFFIXES.items() if region.startswith(start)), "amazonaws.com")
    # The government's regions have no second, certified endpoint for SNS: the only one is.
    fips = truth(environment, "AWS_USE_FIPS_ENDPOINT") and not region.startswith("us-gov-")
    return f"https://{service}{'-fips' if fips else ''}.{region}.{suffix}"


def truth(environment: Mapping[str, str], name: str) -> bool:
    """Whether the environment says yes."""
    return environment.get(name, "").lower() == "true"
