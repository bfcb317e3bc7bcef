"""Citizens and phones: SIPp processes with scenarios of ours, real SIP and RTP on loopback."""

import csv
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import jinja2

from contact_centre.demo.asterisk import TRUNK_ADDRESSES, Asterisk
from contact_centre.demo.network import free_udp_port, media_range
from contact_centre.demo.processes import Process, ProcessError
from contact_centre.demo.tones import write_tone
from telephony.phones import NewPhone, Phone

SCENARIOS: Final = Path(__file__).parent / "scenarios"
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - where SIPp's remote control listens: its port must be free at every address
REQUEST_SECONDS: Final = 30.0
CALL_SECONDS: Final = 120.0
_MEDIA_PORTS: Final = 400
_DISPLAY_ESCAPES: Final = re.compile(r'(["\\])')
_COUNTER: Final = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys pressed (RFC 4733) ``after`` seconds from the step before."""

    value: str
    after: float
    kind: Literal["keys"] = "keys"


@dataclass(frozen=True, slots=True)
class Refer:
    """A blind transfer to a short extension."""

    value: str
    after: float
    kind: Literal["refer"] = "refer"


@dataclass(frozen=True, slots=True)
class Hold:
    """The other side is put on hold."""

    after: float
    value: str = ""
    kind: Literal["hold"] = "hold"


@dataclass(frozen=True, slots=True)
class Unhold:
    """The other side is taken back."""

    after: float
    value: str = ""
    kind: Literal["unhold"] = "unhold"


Step = Keys | Refer | Hold | Unhold


@dataclass(frozen=True, slots=True)
class Outcome:
    """What SIPp counted."""

    exit_code: int
    successful: int
    failed: int


@dataclass(slots=True)
class SippRun:
    """One SIPp process: a citizen, a phone, or a crowd of citizens."""

    process: Process
    statistics: Path

    def wait(self, seconds: float = CALL_SECONDS) -> Outcome:
        """Wait until all its calls are over.

        Raises:
            ProcessError: it is still running after ``seconds``.
        """
        code = self.process.wait(seconds)
        rows: list[dict[str, str]] = []
        if self.statistics.exists():
            with self.statistics.open(newline="") as file:
                rows = list(csv.DictReader(file, delimiter=";"))
        last = rows[-1] if rows else {}
        return Outcome(code, int(last.get("SuccessfulCall(C)") or 0), int(last.get("FailedCall(C)") or 0))

    def succeed(self, seconds: float = CALL_SECONDS) -> Outcome:
        """Wait for the end, which must be a good one.

        Raises:
            ProcessError: a call failed; the message holds the log's end.
        """
        outcome = self.wait(seconds)
        if outcome.exit_code != 0 or outcome.failed:
            errors = self.statistics.with_suffix(".errors")
            said = errors.read_text("utf-8", "replace")[-3000:] if errors.exists() else ""
            raise ProcessError(f"{self.process.name}: {outcome}\n{said}\n{self.process.tail(5)}")
        return outcome


@dataclass(slots=True)
class Telephones:
    """Makes citizens and phones that talk to one Asterisk."""

    asterisk: Asterisk
    _templates: jinja2.Environment = field(
        default_factory=lambda: jinja2.Environment(
            loader=jinja2.FileSystemLoader(SCENARIOS),
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # noqa: S701 - SIP messages, not pages
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
    )

    def citizen(
        self,
        dialled: str = "588888",
        caller: str = "0501234567",
        *,
        name: str | None = None,
        tone: int | None = 440,
        talk: float | None = None,
        keys: Sequence[Keys] = (),
        cancel_after: float | None = None,
        expect: int = 200,
        peer: str = TRUNK_ADDRESSES[0],
        headers: Mapping[str, str] | None = None,
    ) -> SippRun:
        """One citizen calls through the trunk.

        Args:
            dialled: the number in the request, in any form.
            caller: the number that the trunk presents.
            name: the display name, any text.
            tone: what the citizen says, in Hz; None says nothing and sends no RTP.
            talk: seconds from the answer until the citizen hangs up; None waits for the other side.
            keys: pressed on the way.
            cancel_after: give up after so many seconds of ringing.
            expect: the final SIP answer that this call must get.
            peer: which of the trunk's peers brings the call.
            headers: further SIP headers.
        """
        return self.crowd(
            1,
            rate=1.0,
            dialled=dialled,
            caller=caller,
            name=name,
            tone=tone,
            talk=talk,
            keys=keys,
            cancel_after=cancel_after,
            expect=expect,
            peer=peer,
            headers=headers,
        )

    def crowd(
        self,
        count: int,
        *,
        rate: float,
        dialled: str = "588888",
        caller: str = "05012[call_number]",
        name: str | None = None,
        tone: int | None = 440,
        talk: float | None = None,
        keys: Sequence[Keys] = (),
        cancel_after: float | None = None,
        expect: int = 200,
        peer: str = TRUNK_ADDRESSES[0],
        headers: Mapping[str, str] | None = None,
    ) -> SippRun:
        """Many citizens in one process, ``rate`` a second; ``[call_number]`` in ``caller`` tells them apart."""
        display = "" if name is None else '"' + _DISPLAY_ESCAPES.sub(r"\\\1", name) + '" '
        values = {
            "dialled": dialled,
            "caller": caller,
            "contact": "citizen",
            "display": display,
            "tone": None if tone is None else self._tone(tone),
            "talk": None if talk is None else round(talk * 1000),
            "keys": [{"after": round(key.after * 1000), "key": key.value} for key in keys],
            "cancel_after": cancel_after and round(cancel_after * 1000),
            "expect": expect,
            "headers": "".join(f"{header}: {value}\n" for header, value in (headers or {}).items()),
        }
        return self._run("citizen", "citizen.xml.j2", values, address=peer, count=count, rate=rate)

    def register(self, made: NewPhone, port: int, expires: int = 3600) -> None:
        """Register a phone's account for a port at which it will answer.

        Raises:
            ProcessError: Asterisk refuses it.
        """
        self._request(made, port, method="REGISTER", expires=expires)

    def dial(self, made: NewPhone, dialled: str) -> None:
        """Dial a number from a phone (such as ``*11``) and listen until the other side hangs up.

        Raises:
            ProcessError: the call fails.
        """
        self._request(made, None, method="INVITE", dialled=dialled)

    def phone(
        self,
        made: NewPhone,
        *,
        answer_after: float | None = 0.3,
        tone: int | None = 880,
        talk: float | None = None,
        steps: Sequence[Step] = (),
        busy: bool = False,
    ) -> SippRun:
        """Register an account and answer its calls, one after the other or at the same time, until stopped.

        Args:
            made: the account.
            answer_after: seconds of ringing before it answers; None never answers.
            tone: what its user says, in Hz.
            talk: seconds from the last step (or the answer) until it hangs up; None waits for the other side.
            steps: what its user does in every call.
            busy: refuse every call as busy.
        """
        port = free_udp_port()
        self.register(made, port)
        values = self._answering(
            made.phone.endpoint, answer_after, tone, talk, steps, "486 Busy Here" if busy else None
        )
        return self._run(made.phone.endpoint, "phone.xml.j2", values, address="127.0.0.1", port=port)

    def phones(
        self, port: int, *, answer_after: float = 0.3, tone: int | None = 880, talk: float | None = None
    ) -> SippRun:
        """Answer every call that comes to a port, for any number of phones whose fixed contact it is."""
        values = self._answering("phones", answer_after, tone, talk, (), None)
        return self._run("phones", "phone.xml.j2", values, address="127.0.0.1", port=port)

    def provider(
        self,
        peer: int = 0,
        *,
        answer_after: float | None = 0.3,
        tone: int | None = 440,
        talk: float | None = None,
        refuse: str | None = None,
    ) -> SippRun:
        """One of the trunk's peers, with a citizen behind it who is called.

        Args:
            peer: which of the trunk's peers, in the order in which calls try them.
            answer_after: seconds of ringing before the citizen answers; None never answers.
            tone: what the citizen says, in Hz.
            talk: seconds until the citizen hangs up; None waits for the other side.
            refuse: the SIP status with which every call is refused, such as ``486 Busy Here``.
        """
        trunk = self.asterisk.settings.trunks[peer]
        values = self._answering("citizen", answer_after, tone, talk, (), refuse)
        return self._run(f"provider-{trunk.name}", "phone.xml.j2", values, address=trunk.host, port=trunk.port)

    def operator(self, login: str, extension: str) -> NewPhone:
        """Make an operator's account and load it into Asterisk."""
        return self.asterisk.add_phone("operator", login, extension)

    def specialist(self, code: str, extension: str) -> NewPhone:
        """Make a specialist's account and load it into Asterisk."""
        return self.asterisk.add_phone("specialist", code, extension)

    def _answering(
        self,
        user: str,
        answer_after: float | None,
        tone: int | None,
        talk: float | None,
        steps: Sequence[Step],
        refuse: str | None,
    ) -> dict[str, object]:
        return {
            "user": user,
            "answer_after": None if answer_after is None else max(1, round(answer_after * 1000)),
            "tone": None if tone is None else self._tone(tone),
            "talk": None if talk is None else round(talk * 1000),
            "steps": [
                {"kind": step.kind, "after": max(1, round(step.after * 1000)), "value": step.value} for step in steps
            ],
            "refuse": refuse,
        }

    def _request(self, made: NewPhone, port: int | None, *, method: str, dialled: str = "", expires: int = 0) -> None:
        phone: Phone = made.phone
        values = {
            "user": phone.endpoint,
            "password": made.password,
            "method": method,
            "dialled": dialled,
            "expires": expires,
        }
        run = self._run(
            f"{phone.endpoint}-{method.lower()}", "request.xml.j2", values, address="127.0.0.1", port=port, count=1
        )
        run.succeed(REQUEST_SECONDS)

    def _tone(self, hertz: int) -> str:
        file = write_tone(self.asterisk.folder / "sipp" / "tones", hertz)
        return str(self._seen(file))

    def _seen(self, file: Path) -> Path:
        return self.asterisk.kit.tools.seen(self.asterisk.folder) / file.relative_to(self.asterisk.folder)

    def _run(
        self,
        name: str,
        template: str,
        values: Mapping[str, object],
        *,
        address: str,
        port: int | None = None,
        count: int | None = None,
        rate: float = 1.0,
    ) -> SippRun:
        folder = self.asterisk.folder / "sipp" / f"{next(_COUNTER):04d}-{name}"
        folder.mkdir(parents=True)
        scenario = folder / "scenario.xml"
        scenario.write_text(self._templates.get_template(template).render(values), "utf-8")
        statistics = folder / "statistics.csv"
        first, last = media_range(_MEDIA_PORTS if count is None else max(_MEDIA_PORTS, count * 4))
        command = [
            "sipp", f"127.0.0.1:{self.asterisk.settings.ports.sip}",
            "-sf", str(self._seen(scenario)),
            "-i", address, "-mi", address, "-p", str(port or free_udp_port(address)),
            "-cp", str(free_udp_port(EVERYWHERE)),
            "-min_rtp_port", str(first), "-max_rtp_port", str(last),
            "-nostdin", "-aa", "-cid_str", f"%u-%p-{folder.name}@%s",
            "-trace_stat", "-stf", str(self._seen(statistics)), "-fd", "1",
            "-trace_err", "-error_file", str(self._seen(statistics.with_suffix(".errors"))),
            "-trace_msg", "-message_file", str(self._seen(folder / "messages.log")),
        ]  # fmt: skip
        if count is not None:
            # -l: by itself SIPp lets no more calls be at once than it starts in three seconds
            command += ["-m", str(count), "-l", str(count), "-r", str(max(1, round(rate * 10))), "-rp", "10000"]
        process = self.asterisk.processes.start(
            name, self.asterisk.kit.tools.command(self.asterisk.folder, command), folder / "output.log"
        )
        return SippRun(process, statistics)
