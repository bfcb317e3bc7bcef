"""Secrets are files: read when they are used, so that a new one needs no restart."""

from pathlib import Path


class SecretError(Exception):
    """A secret file cannot be used; the message says which, and what to do."""


def read_lines(path: Path) -> list[str]:
    """The lines of a secret file that are not empty; at least one.

    Raises:
        SecretError: It cannot be read, or holds nothing.
    """
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "not a text"
        raise SecretError(f"{path}: {told}; put the secret there, readable for the service's user") from error
    found = [line for line in lines if line]
    if not found:
        raise SecretError(f"{path}: empty; put the secret there")
    return found
