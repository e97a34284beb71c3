"""The command line: `ampp`, and `alertmanager` and `amtool` by their own names. Commands import what they need."""
