"""Alerts: `ampp alert`, whose commands are in `commands`. Nothing is imported here: see `ampp_cli.usual`."""
