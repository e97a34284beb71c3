"""What can go wrong with the store.

StoreError            the store cannot be opened or read; the text says what, where and what to do
  StoreLocked         another daemon has the directory
  SchemaTooNew        a database was written by a newer version
  BackupError         a backup cannot be made, or is not one
  SnapshotError       an `nflog` or `silences` file cannot be understood
StoreDown             records were not written; the store keeps trying and heals alone
"""

__all__ = ["BackupError", "SchemaTooNew", "SnapshotError", "StoreDown", "StoreError", "StoreLocked"]


class StoreError(Exception):
    """The store cannot be opened or read."""


class StoreLocked(StoreError):
    """Another process holds the storage directory."""


class SchemaTooNew(StoreError):
    """A database was written by a newer version of the program."""


class BackupError(StoreError):
    """A backup cannot be made, or what was given as one cannot be used."""


class SnapshotError(StoreError):
    """A snapshot file of Alertmanager cannot be understood."""


class StoreDown(Exception):
    """The records were not made durable. `reason` is one line for people and logs."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
