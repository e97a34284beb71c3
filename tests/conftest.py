"""What holds for every test."""

import signal

# Processes that share the suite out ignore SIGINT, and a program started by a test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
