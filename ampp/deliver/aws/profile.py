"""The files that Amazon's tools share: `~/.aws/config` and `~/.aws/credentials`, in which named profiles stand."""

import configparser
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ampp.deliver.sender import SendError

__all__ = ["chosen", "read"]

_PREFIX: Final = "profile "


def read(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """All profiles by name, their keys in lower case; blocks. What the credentials file says comes first.

    A file that is not there has no profiles. Raises `SendError`.
    """
    home = Path(environment.get("HOME") or "/") / ".aws"
    profiles: dict[str, dict[str, str]] = {}
    for name, section in _sections(Path(environment.get("AWS_CONFIG_FILE") or home / "config")).items():
        if name == "default":
            # A section that says so outright is the stronger one.
            profiles["default"] = {**section, **profiles.get("default", {})}
        elif name.startswith(_PREFIX):
            called = name.removeprefix(_PREFIX).strip()
            profiles[called] = {**profiles.get(called, {}), **section}
    path = Path(environment.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials")
    for name, section in _sections(path).items():
        profiles[name] = {**profiles.get(name, {}), **section}
    return profiles


def chosen(environment: Mapping[str, str]) -> str:
    """The profile that the environment names, or ""."""
    return environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE") or ""


def _sections(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(
        strict=False, allow_no_value=True, delimiters=("=",), inline_comment_prefixes=("#", ";"), default_section="\0"
    )
    try:
        parser.read_string(path.read_text("utf-8", "replace"))
    except FileNotFoundError:
        return {}
    except (OSError, configparser.Error) as error:
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise SendError(f"failed to load shared config file, {path}, {why}", retry=True) from None
    return {name.strip(): {key: value or "" for key, value in parser.items(name)} for name in parser.sections()}
