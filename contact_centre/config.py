"""Settings: command line > environment (``CONTACT_CENTRE_``, ``__`` for nesting) > ``contact-centre.toml`` > default.

Every wrong value is named together with where it came from.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import is_dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, Field, IPvAnyNetwork, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

from appeals.evidence import TOLD_SECONDS
from contact_centre.message_settings import MessageSettings
from contact_centre.sections import Port, Section
from telephony.core.metrics import SHORT, THRESHOLD
from telephony.provision import Settings as Provision

CONFIG_FILE: Final = "contact-centre.toml"
PREFIX: Final = "CONTACT_CENTRE_"
CONFIG_VARIABLE: Final = PREFIX + "CONFIG"
"""Names the config file; the only variable with our prefix that is not a setting."""


def _loopback(value: str) -> str:
    address: IPv4Address | IPv6Address = ip_address(value)
    if not address.is_loopback:
        raise ValueError("must be a loopback address: Asterisk and the service share a host or a network namespace")
    return value


ShortNumber = Annotated[str, Field(pattern=r"^[1-9][0-9]{2,4}$")]
LoopbackAddress = Annotated[str, AfterValidator(_loopback)]


class AsteriskSettings(Section):
    """Where Asterisk writes and listens, as seen from this process."""

    ledger: Path = Path("/var/log/asterisk/cel-custom/cel_master.jsonl")
    audio_dir: Path = Path("/var/spool/asterisk/contact-centre")
    config_dir: Path = Path("/etc/asterisk")
    config_source: Path = Path(__file__).parents[1] / "asterisk-config"
    ami_host: LoopbackAddress = "127.0.0.1"
    ami_port: Port = 5038


class AgiSettings(Section):
    """Where Asterisk asks who calls; without a port, where ``provision.ports.agi`` tells Asterisk to ask."""

    host: LoopbackAddress = "127.0.0.1"
    port: Port | None = None


class WebSettings(Section):
    """Where ``/healthz``, ``/metrics``, the API and the console are served."""

    host: str = "127.0.0.1"
    port: Port = 8015


class ConsoleSettings(Section):
    """Who is signed in to the console, for how long, and the proxies whose word on a browser's address counts.

    A session ends when it is not used for ``idle_minutes``, and ``absolute_hours`` after it began.
    """

    idle_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 60
    absolute_hours: Annotated[int, Field(ge=1, le=72)] = 12
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()


class WrapUpSettings(Section):
    """How long an operator has after a talk before the next call comes; 0: no time at all."""

    seconds: Annotated[int, Field(ge=0, le=3600)] = 45


class RecordingSettings(Section):
    """How the audio of a call is finalised."""

    workers: Annotated[int, Field(ge=1, le=32)] = 2


class HealthSettings(Section):
    """When a disk counts as full and the ledger as late."""

    min_free_mb: Annotated[int, Field(ge=1)] = 64
    max_ledger_lag_s: Annotated[float, Field(gt=0)] = 5.0


class OutboundSettings(Section):
    """Whom operators may call, and how often. Premium-rate numbers are never called; prefixes are E.164."""

    allowed_prefixes: tuple[str, ...] = ("+380",)
    refused_prefixes: tuple[str, ...] = ("+38070", "+38090")
    short_numbers: tuple[ShortNumber, ...] = ("101", "102", "103", "104", "112", "1547")
    dial_as: Literal["national", "e164", "plus"] = "national"
    calls_per_hour: Annotated[int, Field(ge=0)] = 60


class ReferenceSettings(Section):
    """Where the city edits its reference data: the folder that ``reference check`` and ``reference load`` read."""

    folder: Path = Path(__file__).parents[1] / "appeals" / "reference_data"


class DutySettings(Section):
    """When an applicant counts as told: after being connected with an operator, who says so, for this long."""

    told_seconds: Annotated[float, Field(ge=0)] = TOLD_SECONDS


class ServiceLevelSettings(Section):
    """The service level's formula, ``telephony.core.metrics``: T and S in seconds, and what the city aims at."""

    answer_within_s: Annotated[int, Field(ge=1, le=600)] = round(THRESHOLD)
    short_abandon_s: Annotated[int, Field(ge=0, le=600)] = round(SHORT)
    aim_percent: Annotated[int, Field(ge=0, le=100)] = 80


class LogSettings(Section):
    """How much is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(BaseSettings):
    """All settings. ``state`` holds everything that is ours: database, recordings, backups."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    state: Path = Path("var")
    role: Literal["all"] = "all"
    area_code: Annotated[str, Field(pattern=r"^[1-9][0-9]{1,4}$")] = "372"
    asterisk: AsteriskSettings = AsteriskSettings()
    provision: Provision = Provision()
    agi: AgiSettings = AgiSettings()
    web: WebSettings = WebSettings()
    console: ConsoleSettings = ConsoleSettings()
    wrap_up: WrapUpSettings = WrapUpSettings()
    recording: RecordingSettings = RecordingSettings()
    health: HealthSettings = HealthSettings()
    outbound: OutboundSettings = OutboundSettings()
    messages: MessageSettings = MessageSettings()
    reference: ReferenceSettings = ReferenceSettings()
    duties: DutySettings = DutySettings()
    service_level: ServiceLevelSettings = ServiceLevelSettings()
    log: LogSettings = LogSettings()

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.state / "contact-centre.db"

    @property
    def agi_port(self) -> int:
        """The port of FastAGI."""
        return self.agi.port or self.provision.ports.agi

    @property
    def peers(self) -> tuple[str, ...]:
        """The provider's peers that Asterisk asks now and then; one found silent by us alone would stay so for ever."""
        return tuple(trunk.endpoint for trunk in self.provision.trunks if trunk.qualify_seconds)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no dotenv
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no folder of values
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, environment, file, in this order."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


class SettingsError(Exception):
    """Some settings are wrong; the message names each with its source, a line each."""


def load(config: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings.

    Args:
        config: The config file; otherwise ``CONTACT_CENTRE_CONFIG``, otherwise ``contact-centre.toml`` if there is one.
        overrides: Values of the command line, nested like the file.

    Raises:
        SettingsError: A file cannot be read, a key is unknown or a value is wrong; each is named with its source.
    """
    given = overrides or {}
    named = config or (Path(os.environ[CONFIG_VARIABLE]) if CONFIG_VARIABLE in os.environ else None)
    path = named or Path(CONFIG_FILE)
    if named is not None and not named.is_file():
        raise SettingsError(f"{named}: there is no such config file")
    _refuse_unknown_variables()

    class Loaded(Settings, toml_file=path):
        pass

    try:
        return Loaded(**given)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from error
    except SourceError as error:
        raise SettingsError(f"environment: {error}") from error
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem, path, given) for problem in error.errors())) from error


def _refuse_unknown_variables() -> None:
    known = {CONFIG_VARIABLE, *(PREFIX + name.upper() for name in Settings.model_fields)}
    unknown = [
        name for name in sorted(os.environ) if name.startswith(PREFIX) and name.upper().split("__")[0] not in known
    ]
    if unknown:
        raise SettingsError("\n".join(f"environment: {name}: there is no such setting" for name in unknown))
    sections = {PREFIX + name.upper() for name, field in Settings.model_fields.items() if _is_section(field.annotation)}
    whole = sorted(name for name in os.environ if name.upper() in sections)
    if whole:
        told = "a section has no value; set its keys one by one"
        raise SettingsError("\n".join(f"environment: {name}: {told}, as {name}__<KEY>" for name in whole))


def _is_section(kind: object) -> bool:
    return isinstance(kind, type) and (issubclass(kind, BaseModel) or is_dataclass(kind))


def _explain(problem: Mapping[str, Any], path: Path, overrides: Mapping[str, Any]) -> str:
    parts = [str(part) for part in problem["loc"]]
    variable = PREFIX + "__".join(parts).upper()
    at: Any = overrides
    for part in parts:
        at = at.get(part) if isinstance(at, Mapping) else None
    if at is not None:
        source = "command line"
    elif variable in {name.upper() for name in os.environ}:
        source = f"environment {variable}"
    else:
        source = str(path)
    if problem["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        return f"{source}: {'.'.join(parts)}: there is no such setting"
    if parts[-1] == "password" or isinstance(problem["input"], Mapping):
        return f"{source}: {'.'.join(parts)}: {problem['msg']}"
    return f"{source}: {'.'.join(parts)}: {problem['msg']} (found {problem['input']!r})"
