"""One file per signal, found by name."""
