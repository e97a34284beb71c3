from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ampp.store import Restored
from ampp.store.sqlite import SqliteSettings, SqliteStore

Opener = Callable[..., tuple[SqliteStore, Restored]]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opener]:
    """Opens and loads the store in a directory (the test's own unless given); closes what is left open at the end."""
    stores = []

    def open_(directory: Path = tmp_path, **settings: int) -> tuple[SqliteStore, Restored]:
        store = SqliteStore.open(directory, SqliteSettings(**settings))
        stores.append(store)
        return store, store.load()

    yield open_
    for store in stores:
        await store.aclose()
