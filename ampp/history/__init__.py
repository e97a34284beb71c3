"""Questions asked of the past: `history.db` read by connections of its own, in threads, within limits."""
