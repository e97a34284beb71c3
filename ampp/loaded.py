"""A configuration made ready to take effect: compiled, with its templates parsed and its senders built."""

import msgspec

from ampp import config as configuration
from ampp.config import Config, ConfigError
from ampp.core.notify import Labeller
from ampp.core.plan import Plan
from ampp.deliver import integrations
from ampp.deliver.label import labeller
from ampp.deliver.sender import BuildError, Senders

__all__ = ["Loaded", "prepare"]


class Loaded(msgspec.Struct, frozen=True):
    """A configuration read, checked and made ready: all that can fail has happened."""

    config: Config
    plan: Plan
    senders: Senders
    label: Labeller


def prepare(config: Config, external_url: str) -> Loaded:
    """Compile a configuration, parse its templates and build its senders. Reads the files they need.

    Raises ConfigError, BuildError.
    """
    plan = configuration.compile(config)
    try:
        renderer = configuration.renderer(config.document.templates)
    except ConfigError as error:
        place = f"{error.file}:{error.line}:{error.column}" if error.line else error.file
        raise BuildError(f"failed to parse templates: {error}", place) from error
    senders = integrations.build(config, plan, external_url, renderer)
    return Loaded(config, plan, senders, labeller(renderer, external_url))
