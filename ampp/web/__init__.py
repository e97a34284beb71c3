"""Pages: server-rendered, no script, nothing fetched from elsewhere."""
