"""An Asterisk under test, its telephones, and the eyes and ears of the tests."""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contact_centre.demo.asterisk import Asterisk
from contact_centre.demo.root import CONFIG_SOURCE
from contact_centre.demo.sipp import Step, Telephones
from telephony.phones import NewPhone
from telephony.prompts import read_texts

RATE = 8000
SILENCE = 60.0


@dataclass
class Stage:
    """One Asterisk with its telephones."""

    asterisk: Asterisk
    telephones: Telephones

    def operator(
        self,
        login: str,
        extension: str,
        *,
        answer_after: float | None = 0.3,
        tone: int = 880,
        talk: float | None = None,
        steps: tuple[Step, ...] = (),
    ) -> NewPhone:
        made = self.telephones.operator(login, extension)
        self.telephones.phone(made, answer_after=answer_after, tone=tone, talk=talk, steps=steps)
        self.join(login)
        return made

    def join(self, login: str) -> None:
        answer = self.asterisk.cli(f"queue add member PJSIP/operator-{login} to contact-centre penalty 0 as {login}")
        assert "Added" in answer

    def adjust_queue(self, **values: object) -> None:
        """Change queues.conf of this instance, before it starts."""
        file = self.asterisk.host.etc / "queues.conf"
        lines = file.read_text("utf-8").splitlines()
        for name, value in values.items():
            setting = name.replace("_", "-")
            places = [index for index, line in enumerate(lines) if line.split("=")[0].strip() == setting]
            assert len(places) == 1, setting
            lines[places[0]] = f"{setting} = {value}"
        file.write_text("\n".join(lines) + "\n", "utf-8")

    def call(self, caller: str) -> list[dict[str, str]]:
        """The facts of the call with this number, by its linkedid."""
        facts = self.asterisk.facts()
        start = next(
            fact["linkedid"]
            for fact in facts
            if fact["eventtype"] == "CALLER" and fact["appdata"].startswith(f"CALLER,{caller} ")
        )
        return [fact for fact in facts if fact["linkedid"] == start]

    def audio(self, caller: str, side: str) -> Path:
        return self.asterisk.audio / f"{self.call(caller)[0]['linkedid']}-{side}.raw"

    def assert_only_our_sounds(self) -> None:
        """Every sound that was played is in prompts.toml, in Ukrainian, and lies in this instance's folder."""
        ours = read_texts(CONFIG_SOURCE).names
        played = [fact for fact in self.asterisk.facts() if fact["userdeftype"] == "FILE_STREAM_BEGIN"]
        assert played
        for fact in played:
            extra = decode(fact)
            assert extra["sound"] in ours
            assert extra["language"] == "uk"
            assert (self.asterisk.host.data / "sounds" / "uk" / f"{extra['sound']}.alaw").exists()
        log = (self.asterisk.host.log / "messages.log").read_text("utf-8")
        assert "does not exist in any format" not in log
        assert "defaulting to English" not in log


def decode(fact: dict[str, str]) -> dict[str, Any]:

    extra: dict[str, Any] = json.loads(fact["eventextra"])
    return extra


def events(facts: list[dict[str, str]], name: str) -> list[dict[str, str]]:
    return [fact for fact in facts if fact["eventtype"] == name]


def seconds(file: Path) -> float:
    return file.stat().st_size / 2 / RATE


def heard(file: Path, first: float = 0.0, last: float | None = None) -> list[int]:
    """The strongest frequency (Hz) of every whole half second between two times; 0 is silence."""
    samples = np.frombuffer(file.read_bytes(), "<i2").astype(float)
    samples = samples[int(first * RATE) : None if last is None else int(last * RATE)]
    step = RATE // 2
    found = []
    for start in range(0, len(samples) - step + 1, step):
        part = samples[start : start + step]
        if np.sqrt(np.mean(part**2)) < SILENCE:
            found.append(0)
            continue
        spectrum = np.abs(np.fft.rfft(part * np.hanning(step)))
        found.append(int(np.argmax(spectrum) * RATE / step))
    return found


def share(frequencies: list[int], hertz: int) -> float:
    """Which part of the half seconds had this tone (the nearest bin is 2 Hz wide)."""
    return sum(abs(found - hertz) <= 2 for found in frequencies) / max(1, len(frequencies))


def ami_bridge(stage: Stage, first: str, second: str) -> None:
    """Bridge two channels, as somebody with AMI access might."""
    with socket.create_connection(("127.0.0.1", stage.asterisk.settings.ports.ami), timeout=5) as connection:
        for action in (
            {
                "Action": "Login",
                "Username": "contact-centre",
                "Secret": stage.asterisk.ami_secret,
                "Events": "off",
            },
            {"Action": "Bridge", "Channel1": first, "Channel2": second, "Tone": "no"},
            {"Action": "Logoff"},
        ):
            lines = "".join(f"{key}: {value}\r\n" for key, value in action.items())
            connection.sendall(lines.encode() + b"\r\n")
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    assert answer.count(b"Response: Success") == 2, answer


MakeStage = Callable[..., Stage]
