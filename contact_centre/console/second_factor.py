"""The second factor: codes of an authenticator (TOTP, RFC 6238), and recovery codes for when it is lost."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

import pyotp
import segno

STEP: Final = timedelta(seconds=30)
ISSUER: Final = "Contact centre"
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 5
_NEIGHBOURS: Final = (0, -1, 1)
"""Clocks differ: the code before and the next are taken as well."""


def new_secret() -> str:
    """A secret for an authenticator: 160 random bits in base32."""
    return pyotp.random_base32()


def used_step(secret: str, code: str, now: datetime, last: int | None) -> int | None:
    """The time step of a right code that was not used before; None if it is none.

    ``last`` is the step of the code that was used last: a code that somebody saw being typed is worth nothing (RFC
    6238, 5.2).
    """
    digits = "".join(code.split())
    totp = pyotp.TOTP(secret, interval=int(STEP.total_seconds()))
    present = int(now.timestamp() // STEP.total_seconds())
    right = [
        present + shift
        for shift in _NEIGHBOURS
        if pyotp.utils.strings_equal(digits, totp.generate_otp(present + shift))
    ]
    fresh = [step for step in right if last is None or step > last]
    return fresh[0] if fresh else None


def qr_code(secret: str, login: str) -> str:
    """The secret as authenticators scan it: SVG without style or script."""
    address = pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)
    return segno.make(address, error="m").svg_inline(scale=5, border=2, dark="#000", light="#fff", omitsize=True)


def new_recovery_codes() -> list[str]:
    """Codes that replace the authenticator once each."""
    return [f"{code[:5]}-{code[5:]}" for code in (secrets.token_hex(_RECOVERY_BYTES) for _ in range(RECOVERY_CODES))]


def recovery_digest(code: str) -> str:
    """What is kept of a recovery code, however it is typed.

    It has 40 random bits and can be tried as often as a password, which is too seldom for a search.
    """
    return hashlib.sha256("".join(one for one in code.casefold() if one.isalnum()).encode()).hexdigest()
