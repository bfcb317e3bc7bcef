#!/usr/bin/env python3
"""An operator's telephone, or two citizens, played by SIPp against the Asterisk of the installation.

telephones.py telephone     account as JSON on standard input (what ``contact-centre operators add --json`` prints)
telephones.py citizens      one calls each line; ends when the calls are over, with 0 if they went well
"""

import json
import math
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import jinja2

LINES = {"588888": "0501234567", "1580": "0671234567"}
"""Dialled number -> who dials it."""
TALK_MS = 3000
ANSWER_MS = 300
CALL_SECONDS = 120
PHONE_PORT = 5070
RATE = 8000


def alaw(sample: int) -> int:
    """One 13-bit sample as A-law (ITU-T G.711)."""
    sign, value = (0x80, sample) if sample >= 0 else (0, -sample - 1)
    segment = max(0, value.bit_length() - 5)
    mantissa = (value >> max(1, segment)) & 0x0F
    return (sign | (segment << 4) | mantissa) ^ 0x55


class Telephones:
    """Starts SIPp with the scenarios of the demo."""

    def __init__(self, folder: Path, asterisk: str) -> None:
        self._folder = folder
        self._asterisk = asterisk
        self._address = socket.gethostbyname(socket.gethostname())
        self._media = 20000
        self._scenarios = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent / "scenarios"),
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # noqa: S701 - SIP messages, not pages
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def tone(self, hertz: int) -> str:
        """One second of a tone; SIPp repeats it."""
        file = self._folder / f"tone{hertz}.alaw"
        file.write_bytes(bytes(alaw(round(1200 * math.sin(2 * math.pi * hertz * n / RATE))) for n in range(RATE)))
        return str(file)

    def start(
        self, name: str, template: str, values: Mapping[str, object], *, port: int = 0, once: bool = True
    ) -> "subprocess.Popen[bytes]":
        """Start one SIPp; what it says goes to its log."""
        scenario = self._folder / f"{name}.xml"
        scenario.write_text(self._scenarios.get_template(template).render(values), "utf-8")
        self._media += 100
        command = [
            *("sipp", self._asterisk, "-sf", str(scenario), "-nostdin", "-aa"),
            *("-i", self._address, "-mi", self._address, *(("-p", str(port)) if port else ())),
            *("-min_rtp_port", str(self._media), "-max_rtp_port", str(self._media + 99)),
            *("-trace_err", "-error_file", str(self._folder / f"{name}.errors")),
            *(("-m", "1") if once else ()),
        ]
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)  # noqa: S603 - our own words

    def finish(self, name: str, run: "subprocess.Popen[bytes]") -> None:
        """Wait for the end, which must be a good one."""
        try:
            code = run.wait(CALL_SECONDS)
        except subprocess.TimeoutExpired:
            run.kill()
            code = -1
        if code != 0:
            errors = self._folder / f"{name}.errors"
            said = errors.read_text("utf-8", "replace") if errors.exists() else "(SIPp wrote no errors)"
            sys.exit(f"{name}: SIPp ended with {code}\n{said[-3000:]}")


def telephone(telephones: Telephones) -> None:
    """Register the account, answer its calls from now on, sign in to the queue; the telephone stays when this ends."""
    account = json.load(sys.stdin)
    login = {"user": account["sip_account"], "password": account["sip_password"], "dialled": "", "expires": 600}
    run = telephones.start("register", "request.xml.j2", login | {"method": "REGISTER"}, port=PHONE_PORT)
    telephones.finish("register", run)
    habits = {"answer_after": ANSWER_MS, "tone": telephones.tone(880), "talk": TALK_MS, "steps": [], "refuse": None}
    telephones.start("phone", "phone.xml.j2", {"user": account["sip_account"]} | habits, port=PHONE_PORT, once=False)
    run = telephones.start("sign-in", "request.xml.j2", login | {"method": "INVITE", "dialled": "*11"})
    telephones.finish("sign-in", run)


def citizens(telephones: Telephones) -> None:
    """A citizen on each line at once: one of them waits until the other is done."""
    runs = {}
    for dialled, caller in LINES.items():
        values: dict[str, object] = {
            "dialled": dialled,
            "caller": caller,
            "contact": "citizen",
            "display": '"Олена" ',
            "headers": "",
            "tone": telephones.tone(440),
            "talk": None,
            "keys": [],
            "cancel_after": None,
            "expect": 200,
        }
        runs[dialled] = telephones.start(f"citizen-{dialled}", "citizen.xml.j2", values)
    for dialled, run in runs.items():
        telephones.finish(f"citizen-{dialled}", run)


if __name__ == "__main__":
    part = {"telephone": telephone, "citizens": citizens}[sys.argv[1]]
    part(Telephones(Path(tempfile.mkdtemp()), f"{socket.gethostbyname('asterisk')}:5060"))
