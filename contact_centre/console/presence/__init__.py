"""The operator's own state: in the queue or not, paused and why, after a talk."""
