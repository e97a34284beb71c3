"""Silences: `ampp silence`, whose commands are in `commands`. Nothing is imported here: see `ampp_cli.usual`."""
