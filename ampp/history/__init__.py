"""Questions asked of the past."""
