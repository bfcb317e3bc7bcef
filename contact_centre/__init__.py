"""Puts telephony, appeals and recordings together."""
