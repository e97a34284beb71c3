"""ampp and a real Alertmanager, side by side: the same load, the same cores, alternating rounds."""
