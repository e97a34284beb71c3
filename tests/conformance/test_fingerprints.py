"""Every recorded alert fingerprint."""

import json
from pathlib import Path
from typing import Any

import pytest

from ampp.core.labels import canonical, fingerprint, fingerprint_hex

VECTORS = [
    json.loads(line) for line in (Path(__file__).parents[2] / "testdata/fingerprints.jsonl").read_bytes().splitlines()
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_fingerprint(vector: dict[str, Any]) -> None:
    labels = canonical(vector["labels"])
    assert labels == vector.get("stored", vector["labels"])
    assert fingerprint_hex(fingerprint(labels)) == vector["fingerprint"]
