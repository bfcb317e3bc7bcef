"""The phone side: everything that knows Asterisk."""
