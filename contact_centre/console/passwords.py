"""Passwords: argon2id (RFC 9106), what is accepted as one, and one-time passwords that are given out."""

import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

SHORTEST: Final = 12
LONGEST: Final = 128
"""Characters. Length is what counts (NIST SP 800-63B); no rules about kinds of characters."""

_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Nothing that is taken for something else when it is read out."""
_GROUPS: Final = 4
_GROUP_LETTERS: Final = 5

_hasher: Final = PasswordHasher()
"""The library's parameters: RFC 9106, the second choice (64 MiB, three passes)."""


class WeakPasswordError(ValueError):
    """This is not accepted as a password. ``code`` says why: ``short``, ``long``, ``guessable``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check(password: str, login: str, name: str) -> None:
    """Whether somebody may have this password.

    Raises:
        WeakPasswordError: They may not.
    """
    if len(password) < SHORTEST:
        raise WeakPasswordError("short", f"a password has {SHORTEST} characters or more")
    if len(password) > LONGEST:
        raise WeakPasswordError("long", f"a password has {LONGEST} characters at most")
    folded = password.casefold()
    known = {login.casefold(), *name.casefold().split()}
    rest = folded
    for word in known:
        rest = rest.replace(word, "")
    if len(set(folded)) < SHORTEST // 3 or len(rest) < SHORTEST // 2:
        raise WeakPasswordError("guessable", "this is the name or few characters over and over")


def one_time() -> str:
    """A password to be read out or written on paper: 97 random bits in four groups."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LETTERS)) for _ in range(_GROUPS))


def hashed(password: str) -> str:
    """What is kept of a password. Takes about 50 ms and 64 MiB."""
    return _hasher.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether this is the password; takes as long if there is none to compare with."""
    try:
        return _hasher.verify(kept or _nobodys(), password[: LONGEST + 1]) and kept is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether it was hashed with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_hex())
