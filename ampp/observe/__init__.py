"""How ampp shows itself: metrics, logs, systemd, event-loop stalls. Any room but the core may import it."""
