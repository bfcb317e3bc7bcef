"""The call log, one call with its recording, and the marks in it."""
