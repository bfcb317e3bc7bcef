"""Appeals: looking for them, one with all that belongs to it, and what may be done with it."""
