"""One file per strategy, found by name."""
