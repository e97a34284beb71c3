"""The configuration: `alertmanager.yml` exactly as upstream reads it, and `ampp.yml`, ours (`ampp.config.settings`).

`load` or `load_file` give a `Config`, `compile` makes the engine's plan of it. Errors are `ConfigError`.
"""

from ampp.config.compile import compile, warnings  # noqa: A004
from ampp.config.document import Config, Document, load, load_file
from ampp.config.error import ConfigError
from ampp.config.secret import Secret
from ampp.config.template import renderer

__all__ = ["Config", "ConfigError", "Document", "Secret", "compile", "load", "load_file", "renderer", "warnings"]
