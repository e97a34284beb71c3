"""Who runs this."""

import os

__all__ = ["user_name"]


def user_name() -> str:
    """The name of the user, from the user database, else from the environment; empty where neither knows it."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return os.environ.get("USER", "")
