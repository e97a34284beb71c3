"""HTTP: Alertmanager's own API (`v2`), health, reload and metrics (`ops`), and the server that speaks it."""
