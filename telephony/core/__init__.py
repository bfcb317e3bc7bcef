"""The pure core: facts of the ledger in, call records out. No I/O, no clock, no logging."""
