"""Installs ``asterisk-config/`` as the configuration of one Asterisk.

The ``.conf`` files are copied as they are; what differs between installations (paths, ports, trunks, limits, secrets)
is rendered into ``generated/`` beside them. Secrets are made once, at the first install, and kept by later ones.
"""

import os
import re
import secrets
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import jinja2

from telephony import certificates

CONFIG_MODE: Final = 0o640
"""Configuration is read by Asterisk's group and by nobody else: it names accounts and holds secrets."""

FOLDER_MODE: Final = 0o2770
"""Ledger and audio are shared by group: setgid, and umask 0007 for whoever writes there."""

SERVICE_USER: Final = "contact-centre"
"""The service's AMI user (manager.conf): one session, events and commands."""

CLI_USER: Final = "contact-centre-cli"
"""The command line's AMI user for the installation: no events, any number of sessions."""

CONTROL_USER: Final = "contact-centre-control"
"""The command line's AMI user for calls: any number of sessions, and no power over the system."""

REALM: Final = "contact-centre"
"""SIP realm: ``default_realm`` in pjsip.conf; phones' digests are made with it."""

LEDGER: Final = Path("cel-custom/cel_master.jsonl")
"""The ledger, under the log directory (cel_custom.conf)."""

BROWSER_ACCOUNTS: Final = Path("generated/browser-phones.sqlite3")
"""Browsers' accounts, under the configuration folder: written by us, read by Asterisk (browser_phones.py)."""

CERTIFICATE: Final = Path("generated/browsers.crt")
KEY: Final = Path("generated/browsers.key")
"""The certificate for browsers that ``install`` makes where the city gives none."""

_BROWSER_SCHEMA: Final = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS accounts (endpoint TEXT PRIMARY KEY, digest TEXT NOT NULL, expires_at INTEGER NOT NULL);
DROP VIEW IF EXISTS browser_auths;
CREATE VIEW browser_auths AS
    SELECT endpoint AS id, 'digest' AS auth_type, endpoint AS username, 'contact-centre' AS realm,
           'MD5:' || CASE WHEN expires_at > CAST(strftime('%s', 'now') AS INTEGER) THEN digest
                          ELSE lower(hex(randomblob(16))) END AS password_digest
    FROM accounts;
COMMIT;
"""
"""The columns are those of a pjsip ``auth``, the realm is ``REALM``. What has expired has a password that nobody knows,
another for each question: an account that is not there Asterisk would answer with 500, and the page would try again."""

_SHARED_FILE: Final = 0o660

_SECRETS: Final = {SERVICE_USER: "ami-secret", CLI_USER: "ami-cli-secret", CONTROL_USER: "ami-control-secret"}
_INCLUDED: Final = {
    SERVICE_USER: "manager-secret.conf",
    CLI_USER: "manager-cli-secret.conf",
    CONTROL_USER: "manager-control-secret.conf",
}
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,30}\Z")
_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}\Z")
_WS_URI: Final = re.compile(r"wss?://[A-Za-z0-9.:\[\]-]{1,260}(/[A-Za-z0-9./_-]{0,100})?\Z")
_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}\Z")
_PLAIN: Final = re.compile(r"[!-:<-~]{1,128}\Z")
"""Printable ASCII without blank and semicolon: what a value in a .conf file can carry."""


class ProvisionError(ValueError):
    """A value cannot be written into Asterisk's configuration."""


@dataclass(frozen=True, slots=True)
class AsteriskPaths:
    """Where one Asterisk reads and writes, as Asterisk sees it (inside its root, if it has one of its own)."""

    etc: Path
    modules: Path
    lib: Path
    cache: Path
    data: Path
    spool: Path
    run: Path
    log: Path
    audio: Path

    @classmethod
    def under(cls, base: Path, modules: Path) -> "AsteriskPaths":
        """Everything in one folder; ``modules`` belongs to the Asterisk that is installed."""
        return cls(
            etc=base / "etc",
            modules=modules,
            lib=base / "lib",
            cache=base / "cache",
            data=base / "data",
            spool=base / "spool",
            run=base / "run",
            log=base / "log",
            audio=base / "spool" / "audio",
        )

    @property
    def ledger(self) -> Path:
        """The ledger file."""
        return self.log / LEDGER

    @property
    def phones(self) -> Path:
        """The folder of the phones' pjsip files."""
        return self.etc / "phones.d"

    @property
    def extensions(self) -> Path:
        """The folder of the phones' dialplan files."""
        return self.etc / "extensions.d"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where one Asterisk listens. AMI, FastAGI and SIP over plain WebSocket are on loopback always."""

    sip: int = 5060
    sip_address: str = "0.0.0.0"  # noqa: S104 - phones and the trunk come from outside
    ami: int = 5038
    agi: int = 4573
    rtp_first: int = 10000
    rtp_last: int = 20000
    ws: int = 8088
    wss: int = 8089
    wss_address: str = "0.0.0.0"  # noqa: S104 - operators' browsers come from outside


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep a flood of calls, or a wait, finite."""

    calls: int = 120
    calls_per_caller: int = 5
    queue_seconds: int = 600


@dataclass(frozen=True, slots=True)
class Nat:
    """The address by which the provider reaches us, and the networks that reach us directly."""

    external_address: str
    local_networks: tuple[str, ...] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")


@dataclass(frozen=True, slots=True)
class Trunk:
    """One peer of the provider: by address, or with ``username`` and ``password`` by registration.

    ``addresses`` are further addresses its calls come from. Several peers: outgoing calls try them in order.
    """

    name: str
    host: str
    port: int = 5060
    username: str | None = None
    password: str | None = None
    addresses: tuple[str, ...] = ()
    qualify_seconds: int = 30

    @property
    def endpoint(self) -> str:
        """Its name in Asterisk (templates/trunks.conf.j2)."""
        return f"trunk-{self.name}"

    @property
    def matches(self) -> tuple[str, ...]:
        """All addresses its calls come from."""
        return (self.host, *self.addresses)


@dataclass(frozen=True, slots=True)
class Outbound:
    """Calls to citizens: the number they see, and how long their phone rings."""

    own_number: str = "+380372588888"
    ring_seconds: int = 45


@dataclass(frozen=True, slots=True)
class Browsers:
    """How operators' browsers reach Asterisk: by which names, with whose certificate, at which address.

    ``certificate`` and ``key`` are files of the city's, as Asterisk sees them; without them one is made for
    ``host_names``. ``uri`` is given where a TLS proxy stands in front.
    """

    host_names: tuple[str, ...] = ("localhost",)
    certificate: Path | None = None
    key: Path | None = None
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between installations."""

    systemname: str = "cc1"
    ports: Ports = field(default_factory=Ports)
    limits: Limits = field(default_factory=Limits)
    outbound: Outbound = field(default_factory=Outbound)
    trunks: tuple[Trunk, ...] = ()
    nat: Nat | None = None
    browsers: Browsers = field(default_factory=Browsers)
    run_user: str | None = None
    run_group: str | None = None

    @property
    def ws_uri(self) -> str:
        """Where a page's telephone connects."""
        return self.browsers.uri or f"wss://{self.browsers.host_names[0]}:{self.ports.wss}/ws"


def install(source: Path, etc: Path, paths: AsteriskPaths, settings: Settings) -> None:
    """Write a whole configuration folder; existing secrets and phones stay as they are.

    Args:
        source: the folder ``asterisk-config``.
        etc: where to write, as this process sees it; ``paths.etc`` is the same folder as Asterisk sees it.
        paths: directories, as Asterisk sees them.
        settings: the rest.

    Raises:
        ProvisionError: a setting cannot be written into a .conf file.
        telephony.certificates.CertificateError: no certificate can be made.
        OSError: the folder cannot be written.
    """
    _check(settings)
    generated = etc / "generated"
    for folder in (etc, generated, etc / "phones.d", etc / "extensions.d"):
        folder.mkdir(parents=True, exist_ok=True)
    for conf in sorted(source.glob("*.conf")):
        write_config(etc / conf.name, conf.read_text("utf-8"))
    templates = environment(source)
    values = {
        "paths": paths,
        "systemname": settings.systemname,
        "ports": settings.ports,
        "agi_port": settings.ports.agi,
        "limits": settings.limits,
        "outbound": settings.outbound,
        "trunks": settings.trunks,
        "nat": settings.nat,
        "certificate": settings.browsers.certificate or paths.etc / CERTIFICATE,
        "key": settings.browsers.key or paths.etc / KEY,
        "run_user": settings.run_user,
        "run_group": settings.run_group,
    }
    write_config(etc / "asterisk.conf", templates.get_template("asterisk.conf.j2").render(values))
    for name in ("globals.conf", "rtp.conf", "transport.conf", "trunks.conf", "http.conf"):
        write_config(generated / name, templates.get_template(f"{name}.j2").render(values))
    write_config(generated / "manager-port.conf", f"port = {settings.ports.ami}\n")
    write_config(generated / "browser-phones.conf", f"dbfile => {paths.etc / BROWSER_ACCOUNTS}\n")
    _browser_accounts(etc / BROWSER_ACCOUNTS)
    if settings.browsers.certificate is None:
        names = settings.browsers.host_names
        certificates.ensure_own(etc / CERTIFICATE, etc / KEY, names, datetime.now(UTC))
    for user, name in _SECRETS.items():
        if not _secret_file(etc, name).exists():
            write_config(_secret_file(etc, name), secrets.token_urlsafe(32) + "\n")
        write_config(generated / _INCLUDED[user], f"secret = {ami_secret(etc, user)}\n")


def prepare_folders(paths: AsteriskPaths, group: str | None = None) -> None:
    """Make what Asterisk writes into; ledger and audio are shared with ``group``.

    Without the folder of the ledger cel_custom writes nothing and says nothing.
    """
    for folder in (paths.lib, paths.cache, paths.data, paths.spool, paths.run, paths.log, paths.lib / "agi-bin"):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (paths.ledger.parent, paths.audio):
        folder.mkdir(parents=True, exist_ok=True)
        if group is not None:
            shutil.chown(folder, group=group)
        folder.chmod(FOLDER_MODE)


def ami_secret(etc: Path, user: str = SERVICE_USER) -> str:
    """The secret of an AMI user, made by ``install``.

    Raises:
        OSError: nothing is installed there, or it may not be read.
    """
    return _secret_file(etc, _SECRETS[user]).read_text("utf-8").strip()


def environment(source: Path) -> jinja2.Environment:
    """The templates of ``asterisk-config``; a name that is missing is an error, never an empty string."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(source / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - .conf files, whose values are checked before
        trim_blocks=True,
        keep_trailing_newline=True,
    )


def write_config(path: Path, text: str) -> None:
    """Replace a file in one step, readable by owner and group alone, and on the disk before it counts."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, CONFIG_MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), CONFIG_MODE)
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _browser_accounts(file: Path) -> None:
    """Never replaced: Asterisk opens it once, at its start."""
    with closing(sqlite3.connect(file)) as database:
        database.executescript(_BROWSER_SCHEMA)
    file.chmod(_SHARED_FILE)


def _secret_file(etc: Path, name: str) -> Path:
    return etc / "generated" / name


def _check(settings: Settings) -> None:
    browsers = settings.browsers
    if (browsers.certificate is None) != (browsers.key is None):
        raise ProvisionError("browsers.certificate and browsers.key: give both, or neither")
    if not browsers.host_names:
        raise ProvisionError("browsers.host_names: at least one name, by which operators' browsers come")
    names: list[tuple[str, str, re.Pattern[str]]] = [
        ("systemname", settings.systemname, _NAME),
        ("outbound.own_number", settings.outbound.own_number, _NUMBER),
        *((f"trunk {trunk.name}: name", trunk.name, _NAME) for trunk in settings.trunks),
        *((f"trunk {trunk.name}: address", host, _HOST) for trunk in settings.trunks for host in trunk.matches),
        *((f"trunk {trunk.name}: username", trunk.username, _PLAIN) for trunk in settings.trunks if trunk.username),
        *((f"trunk {trunk.name}: password", trunk.password, _PLAIN) for trunk in settings.trunks if trunk.password),
        *(((("external address"), settings.nat.external_address, _HOST),) if settings.nat else ()),
        *(("browsers.host_names", name, _HOST) for name in browsers.host_names),
        *(("browsers.uri", uri, _WS_URI) for uri in (browsers.uri,) if uri),
        *(("browsers.certificate or key", str(file), _PLAIN) for file in (browsers.certificate, browsers.key) if file),
        *(("run user or group", name, _NAME) for name in (settings.run_user, settings.run_group) if name),
    ]
    for what, value, pattern in names:
        if not pattern.match(value):
            raise ProvisionError(f"{what}: {value!r} cannot stand in Asterisk's configuration")
    for trunk in settings.trunks:
        if (trunk.username is None) != (trunk.password is None):
            raise ProvisionError(f"trunk {trunk.name}: registration needs both username and password")
    if len({trunk.name for trunk in settings.trunks}) != len(settings.trunks):
        raise ProvisionError("two trunks have the same name")
