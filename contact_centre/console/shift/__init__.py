"""Pages of the shift: the live board."""
