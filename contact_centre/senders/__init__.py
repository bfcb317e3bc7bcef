"""The ways out: mail server, SMS gateway, webhooks. Light to import: the libraries come with ``build``."""
