"""Route labels that are templates, rendered for the engine."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ampp.core.alert import Snapshot
from ampp.core.notify import Labeller
from ampp.deliver.message import raw_data
from ampp.observe.log import Logger
from ampp.template.renderer import Renderer

__all__ = ["labeller"]

_log: Final = Logger("dispatcher")


def labeller(renderer: Renderer, external_url: str) -> Labeller:
    """What `Engine.label` is to be under a configuration. A label that cannot be rendered is logged and left out.

    What it answers renders once, whoever calls it from whatever thread: one flush may be told to several receivers.
    """

    def label(
        receiver: str, group_labels: Mapping[str, str], route_labels: Mapping[str, str], alerts: Sequence[Snapshot]
    ) -> Callable[[], Mapping[str, str]]:
        once = threading.Lock()
        done: list[Mapping[str, str]] = []

        def render() -> Mapping[str, str]:
            with once:
                if not done:
                    data = raw_data(receiver, group_labels, route_labels, alerts, external_url)
                    rendered, failed = renderer.route_labels(data)
                    for name, error in failed.items():
                        _log.error("failed to render route label", label=name, value=route_labels[name], err=error)
                    done.append(rendered)
                return done[0]

        return render

    return label
