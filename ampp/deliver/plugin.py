"""Senders that other packages bring (`ampp.config.receivers.plugin`), kept from harming anybody but themselves."""

from typing import Any, Final, TypeAlias

from ampp.config.error import Invalid
from ampp.config.receivers import plugin
from ampp.config.receivers.plugin import ReceiverType
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.deliver.sender import BuildError, Sender, SendError, Unsendable
from ampp.observe.log import Logger
from ampp.template.renderer import Renderer

__all__ = ["factory"]

_log: Final = Logger("dispatcher")

_Made: TypeAlias = Sender | Unsendable


class _Guarded:
    """Makes of every exception that is not meant a failed attempt, and of data that cannot be kept the old data."""

    def __init__(self, kind: str, sender: Sender) -> None:
        self._kind = kind
        self._sender = sender

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. Of a failure that was not meant only the type is told: the text may hold secrets."""
        try:
            data: object = await self._sender.send(notify, alerts)
        except SendError:
            raise
        except Exception as error:
            _log.exception("plug-in failed to send", type=self._kind, err=error)
            raise SendError(f"plug-in failed: {type(error).__name__}", retry=True) from error
        if _keepable(data):
            return data  # type: ignore[return-value]
        _log.warn("plug-in answered what the notification log cannot keep", type=self._kind)
        return notify.data

    async def aclose(self) -> None:
        try:
            await self._sender.aclose()
        except Exception as error:  # noqa: BLE001 - whatever it is, the reload that closes must go on
            _log.exception("plug-in failed to close", type=self._kind, err=error)


def _keepable(data: object) -> bool:
    return isinstance(data, dict) and all(
        isinstance(name, str) and isinstance(value, str | int | float) for name, value in data.items()
    )


class _Factory:
    """Calls the plug-in's own factory. Raises nothing but `BuildError`."""

    def __init__(self, kind: str, found: ReceiverType) -> None:
        self._kind = kind
        self._make = found.factory

    def __call__(self, entry: Any, external_url: str, renderer: Renderer) -> _Made:
        try:
            made = self._make(entry, external_url, renderer)
        except BuildError:
            raise
        except Exception as error:
            raise BuildError(f"plug-in failed: {type(error).__name__}: {error}") from error
        if isinstance(made, Unsendable):
            return made
        if not (callable(getattr(made, "send", None)) and callable(getattr(made, "aclose", None))):
            raise BuildError(f"plug-in made a {type(made).__name__}, which is no sender")
        return _Guarded(self._kind, made)


def factory(kind: str) -> _Factory | None:
    """What makes senders of a plug-in's type, None if no plug-in brings it. Raises `BuildError`."""
    try:
        found = plugin.find(kind)
    except Invalid as error:
        raise BuildError(error.message) from error
    return None if found is None else _Factory(kind, found)
