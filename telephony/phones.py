"""Operators' and specialists' phones, hardware or in the browser: one pjsip file and one dialplan file for each.

Asterisk loads a change without a restart: AMI ``ModuleLoad`` with ``LoadType: reload`` of ``res_pjsip.so`` and of
``pbx_config.so`` (``RELOAD_MODULES``). Asterisk holds only a digest of the password; the password itself is shown
once, when the phone is made. A phone in the browser has none here: its page is given one (``browser_phones``).
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from telephony.provision import REALM, environment, write_config

RELOAD_MODULES: Final = ("res_pjsip.so", "pbx_config.so")
"""What Asterisk reloads after ``add`` or ``remove``; talks go on meanwhile."""

PASSWORD_BYTES: Final = 15

_LOGIN: Final = re.compile(r"[a-z][a-z0-9._-]{0,30}\Z")
_EXTENSION: Final = re.compile(r"[1-9][0-9]{2,4}\Z")
_TAKEN: Final = re.compile(r"10[1-4]|112|1580")
_FILE: Final = re.compile(r"(operator|specialist)-([a-z][a-z0-9._-]{0,30})\.conf\Z")
_HEAD: Final = re.compile(r"; extension = ([0-9]+)( in a browser)?\n")

Kind = Literal["operator", "specialist"]


class PhoneError(ValueError):
    """A phone cannot be made: login or extension is wrong or taken."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A SIP account and the short extension that reaches it.

    ``browser``: the phone is the operator's page, and no other can have the account.
    """

    kind: Kind
    login: str
    extension: str
    browser: bool = False

    @property
    def endpoint(self) -> str:
        """Its name in Asterisk, which is also its SIP user name."""
        return f"{self.kind}-{self.login}"

    @property
    def name(self) -> str:
        """What its calls show."""
        return self.login

    @property
    def context(self) -> str:
        """What it may dial."""
        return f"{self.kind}s"

    @property
    def interface(self) -> str:
        """What the queue rings."""
        return f"PJSIP/{self.endpoint}"


@dataclass(frozen=True, slots=True)
class NewPhone:
    """A phone just made; the password is nowhere else, and empty for a phone in the browser."""

    phone: Phone
    password: str


def add(source: Path, etc: Path, phone: Phone, password: str | None = None) -> NewPhone:
    """Write the files of a phone, new or with a new password.

    Args:
        source: the folder ``asterisk-config``.
        etc: Asterisk's configuration folder.
        phone: who, and under which extension.
        password: by default a random one.

    Raises:
        PhoneError: login or extension is malformed, or another phone has the extension.
    """
    if not _LOGIN.match(phone.login):
        raise PhoneError(f"login {phone.login!r}: a-z first, then a-z, 0-9, dot, hyphen, underscore; 31 at most")
    if not _EXTENSION.match(phone.extension) or _TAKEN.fullmatch(phone.extension):
        raise PhoneError(f"extension {phone.extension!r}: three to five digits, not 0 first, not an emergency number")
    for other in listed(etc):
        if other.extension == phone.extension and other.endpoint != phone.endpoint:
            raise PhoneError(f"extension {phone.extension} belongs to {other.endpoint}")
    made = NewPhone(phone, "" if phone.browser else password or secrets.token_urlsafe(PASSWORD_BYTES))
    templates = environment(source)
    template = templates.get_template("browser-phone.conf.j2" if phone.browser else "phone.conf.j2")
    endpoint = template.render(phone=phone, realm=REALM, digest=digest(phone.endpoint, made.password))
    extension = templates.get_template("phone-extension.conf.j2").render(phone=phone)
    write_config(etc / "extensions.d" / f"{phone.endpoint}.conf", extension)
    write_config(etc / "phones.d" / f"{phone.endpoint}.conf", endpoint)
    return made


def remove(etc: Path, kind: Kind, login: str) -> bool:
    """Take a phone's files away; False when there were none. The queue's membership is taken away over AMI."""
    name = f"{kind}-{login}.conf"
    if not _FILE.match(name):
        return False
    files = (etc / "phones.d" / name, etc / "extensions.d" / name)
    there = any(file.exists() for file in files)
    for file in files:
        file.unlink(missing_ok=True)
    return there


def listed(etc: Path) -> list[Phone]:
    """All phones, by name of endpoint."""
    phones = []
    for file in sorted((etc / "phones.d").glob("*.conf")):
        name = _FILE.match(file.name)
        head = _HEAD.match(file.read_text("utf-8"))
        if name is None or head is None:
            continue
        kind: Kind = "operator" if name[1] == "operator" else "specialist"
        phones.append(Phone(kind, name[2], head[1], head[2] is not None))
    return phones


def digest(user: str, password: str) -> str:
    """What Asterisk keeps of a password: HA1 = MD5(user:realm:password), RFC 3261; what every SIP phone can do."""
    return hashlib.md5(f"{user}:{REALM}:{password}".encode(), usedforsecurity=False).hexdigest()
