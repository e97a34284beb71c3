"""Persistence of routing state and the raw journal, behind one small protocol. See `ampp.store.protocol.Store`."""

from ampp.store.error import SchemaTooNew, SnapshotError, StoreDown, StoreError, StoreLocked
from ampp.store.protocol import Health, Restate, Restored, State, Store, Swept, Ticket

__all__ = [
    "Health",
    "Restate",
    "Restored",
    "SchemaTooNew",
    "SnapshotError",
    "State",
    "Store",
    "StoreDown",
    "StoreError",
    "StoreLocked",
    "Swept",
    "Ticket",
]
