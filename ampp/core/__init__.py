"""The domain, pure: no I/O, no clock, no logging, no trio. `(state, event, now) -> (state, commands)`."""
