"""The worklist: what the city owes its citizens, and the calls that are made for it."""
