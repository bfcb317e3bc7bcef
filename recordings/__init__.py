"""The audio of calls: from what Asterisk wrote to one checked, hashed file per call."""
