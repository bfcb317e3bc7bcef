"""The certificate with which Asterisk answers browsers: one of our own making, until the city gives a better one.

Made and read by ``openssl``, which Debian has wherever it has certificates at all.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

LIFETIME: Final = timedelta(days=397)
"""As long as browsers accept."""

RENEW_WITHIN: Final = timedelta(days=30)
"""One of our own that ends sooner is made anew by the next ``asterisk install``."""

_MODE: Final = 0o640
_SECONDS: Final = 20


class CertificateError(ValueError):
    """A certificate cannot be made or read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says of itself."""

    names: frozenset[str]
    ends_at: datetime


def ensure_own(certificate: Path, key: Path, names: Sequence[str], now: datetime) -> bool:
    """Make a self-signed certificate unless there is one for these names that is good for a while; whether it did.

    Args:
        certificate: where the certificate is, or will be.
        key: the same for its key; readable by owner and group alone.
        names: host names and addresses by which browsers come; the first is the subject.
        now: the time.

    Raises:
        CertificateError: openssl is missing or fails.
    """
    if certificate.exists() and key.exists():
        there = read(certificate)
        if there.names == frozenset(names) and there.ends_at - now > RENEW_WITHIN:
            return False
    kinds = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
    made = {file: file.with_name(f".{file.name}.new") for file in (certificate, key)}
    try:
        for file in made.values():
            file.touch(_MODE)
            file.chmod(_MODE)
        _openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", str(LIFETIME.days), "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={kinds}",
            "-keyout", str(made[key]), "-out", str(made[certificate]),
        )  # fmt: skip
        for file, new in made.items():
            new.chmod(_MODE)
            new.replace(file)
    finally:
        for new in made.values():
            new.unlink(missing_ok=True)
    return True


def read(certificate: Path) -> Certificate:
    """For whom a certificate is, and until when.

    Raises:
        CertificateError: It is no certificate, or openssl is missing.
        OSError: It cannot be read.
    """
    pem = certificate.read_bytes()
    told = _openssl("x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-ext", "subjectAltName", given=pem)
    ends_at, names = None, set[str]()
    for line in told.splitlines():
        if line.startswith("notAfter="):
            ends_at = datetime.strptime(line.removeprefix("notAfter="), "%Y-%m-%d %H:%M:%SZ").replace(tzinfo=UTC)
        else:
            kinds = (part.strip().partition(":") for part in line.split(","))
            names |= {name for kind, _, name in kinds if kind in {"DNS", "IP Address"}}
    if ends_at is None:
        raise CertificateError(f"{certificate}: no end is told")
    return Certificate(frozenset(names), ends_at)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _openssl(*words: str, given: bytes | None = None) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our words, and names that were checked
            ["openssl", *words],  # noqa: S607 - where the system has it
            input=given,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise CertificateError("openssl is not installed: apt-get install openssl") from error
    except subprocess.TimeoutExpired as error:
        raise CertificateError(f"openssl {words[0]}: no answer within {_SECONDS} s") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise CertificateError(f"openssl {words[0]}: {said[-1] if said else f'exit {done.returncode}'}")
    return done.stdout.decode(errors="replace")
