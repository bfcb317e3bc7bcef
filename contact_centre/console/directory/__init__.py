"""The directory: whom a citizen can be put through to, who is there now, and what became of it."""
