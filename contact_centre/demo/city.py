"""A city in a box: one Asterisk, the service beside it, operators with telephones, citizens who call."""

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from contact_centre.demo.asterisk import Asterisk
from contact_centre.demo.processes import Processes
from contact_centre.demo.root import Kit
from contact_centre.demo.service import Service
from contact_centre.demo.sipp import SippRun, Step, Telephones
from telephony.phones import NewPhone, Phone
from telephony.provision import Limits


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody with an account and a telephone that answers."""

    login: str
    phone: NewPhone
    run: SippRun


@dataclass(slots=True)
class City:
    """Everything of one installation, in one folder; leaving the ``with`` block ends it all."""

    processes: Processes
    asterisk: Asterisk
    service: Service
    telephones: Telephones
    operators: list[Operator] = field(default_factory=list)

    @classmethod
    def build(
        cls, kit: Kit, folder: Path, *, limits: Limits | None = None, settings: str = "", wrap_up: int = 0
    ) -> "City":
        """Install it; nothing runs yet. ``settings`` is further TOML for the service.

        ``wrap_up`` are an operator's seconds after a talk; with none, few operators serve many citizens quickly.
        """
        processes = Processes()
        asterisk = Asterisk.install(kit, folder / "asterisk", processes, limits)
        extra = f"[wrap_up]\nseconds = {wrap_up}\n\n{settings}"
        service = Service.beside(asterisk, folder / "service", processes, extra)
        return cls(processes, asterisk, service, Telephones(asterisk))

    def start(self) -> Self:
        """Start Asterisk, then the service."""
        self.asterisk.start()
        self.service.start()
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.processes.close()

    def hire(
        self, login: str, name: str, *, tone: int | None = 880, talk: float | None = None, steps: tuple[Step, ...] = ()
    ) -> Operator:
        """Add an operator by the command line, with a telephone that answers and is signed in to the queue."""
        phone = self.account(login, name)
        run = self.telephones.phone(phone, tone=tone, answer_after=0.5, talk=talk, steps=steps)
        self.telephones.dial(phone, "*11")
        operator = Operator(login, phone, run)
        self.operators.append(operator)
        return operator

    def account(self, login: str, name: str, role: str = "operator") -> NewPhone:
        """Add a person by the command line; the telephone is not there yet."""
        added = self.service.json("operators", "add", login, "--name", name, "--role", role)
        kind, _, _ = added["sip_account"].partition("-")
        return NewPhone(Phone(kind, login, added["extension"]), added["sip_password"])

    def browser_account(self, login: str, name: str) -> Phone:
        """Add an operator by the command line whose telephone is a page."""
        added = self.service.json("operators", "add", login, "--name", name, "--browser")
        return Phone("operator", login, added["extension"], browser=True)
