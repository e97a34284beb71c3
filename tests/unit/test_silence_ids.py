"""Ids of silences are random UUIDs of version 4, as Alertmanager gives them."""

from itertools import islice
from uuid import RFC_4122, UUID

from ampp.daemon import _ids


def test_ids_are_random_uuids_each_once() -> None:
    ids = list(islice(_ids(), 300))
    assert len(set(ids)) == 300
    for each in ids:
        read = UUID(each)
        assert (str(read), read.version, read.variant) == (each, 4, RFC_4122)
