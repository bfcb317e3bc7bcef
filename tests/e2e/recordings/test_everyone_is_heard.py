"""From a real transfer to a stored recording: ledger folded, audio finalised, every voice found by its frequency.

The phones' RTP begins at sequence number 0, so that Asterisk loses the specialist on the citizen's side (asterisk#507);
nothing of our service runs while the citizens call.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from contact_centre.casework import audio_due
from contact_centre.demo.asterisk import Asterisk
from contact_centre.demo.processes import Processes
from contact_centre.demo.sipp import Keys, Refer, Step, Telephones
from recordings.disk import DirectorySpool, DirectoryStore
from recordings.encoder import FfmpegEncoder
from recordings.finalise import finalise
from recordings.model import Recording, Side, Status
from telephony.core.call import Call, Role
from telephony.core.fold import fold
from telephony.wire.cel import decode
from tests.e2e.asterisk.stage import Stage
from tests.e2e.kits import brief_kit
from tests.hearing import STALL_S
from tests.unit.recordings.calls import RATE
from tests.unit.recordings.rig import Samples, decoded, strongest

CITIZEN, OPERATOR, SPECIALIST = 440, 880, 1320
NUMBER = "0501234567"
TALK = 30.0
SETTLING = 1
"""Seconds at either end of a talk that are not listened to."""


@dataclass
class Outcome:
    """A call, its recording, and the recording's channels."""

    call: Call
    recording: Recording
    left: Samples
    right: Samples


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    steps: dict[str, tuple[Step, ...]] = {
        "blind": (Refer("301", TALK),),
        "attended": (Keys("*2", TALK), Keys("301", 2.0)),
    }
    kit = brief_kit()
    with ExitStack() as stack:
        processes = stack.enter_context(Processes())
        stages, runs = {}, []
        for kind, told in steps.items():
            asterisk = Asterisk.install(kit, tmp_path_factory.mktemp(kind), processes, None)
            stage = stages[kind] = Stage(asterisk, Telephones(asterisk))
            asterisk.start()
            specialist = stage.telephones.specialist("water", "301")
            stage.telephones.phone(specialist, tone=SPECIALIST, answer_after=2.0)
            stage.operator("olena", "201", tone=OPERATOR, steps=told, **({"talk": 5} if kind == "attended" else {}))
            runs.append(stage.telephones.citizen(caller=NUMBER, tone=CITIZEN, talk=75))
        for run in runs:
            run.succeed(110)
        for stage in stages.values():
            stage.asterisk.wait_idle()
        yield {kind: _outcome(stage, tmp_path_factory.mktemp(f"{kind}-var")) for kind, stage in stages.items()}


def _outcome(stage: Stage, state: Path) -> Outcome:
    facts = [decode(line) for line in stage.asterisk.ledger.read_bytes().splitlines()]
    (call,) = (call for call in fold(facts) if call.caller_number_raw == NUMBER)
    store = DirectoryStore(state)
    recording = finalise(audio_due(call), DirectorySpool(stage.asterisk.audio), store, FfmpegEncoder())
    assert recording.path is not None
    return Outcome(call, recording, *decoded(state / recording.path))


def _heard(outcome: Outcome, role: Role) -> list[float]:
    """The strongest frequency of the right channel in every second of the citizen's talk with someone of this role."""
    begin = outcome.recording.started_at
    found = []
    for leg in outcome.call.legs:
        for talk in leg.talks if leg.role is role else ():
            assert talk.end is not None
            first = round((talk.start - begin).total_seconds()) + SETTLING
            last = round((talk.end - begin).total_seconds()) - SETTLING
            found += [strongest(outcome.right[second * RATE : (second + 1) * RATE]) for second in range(first, last)]
    return found


@pytest.mark.parametrize("kind", ["blind", "attended"])
def test_operator_and_specialist_are_heard_on_the_right_as_long_as_they_talked(
    outcomes: dict[str, Outcome], kind: str
) -> None:
    before_the_keys = round(TALK) - 3  # an operator who presses keys sends no tone
    operator = _heard(outcomes[kind], Role.OPERATOR)[:before_the_keys]
    specialist = _heard(outcomes[kind], Role.SPECIALIST)
    assert len(operator) == before_the_keys
    assert len(specialist) > 15
    assert np.allclose(operator, OPERATOR, atol=2)
    assert np.allclose(specialist, SPECIALIST, atol=2)


@pytest.mark.parametrize("kind", ["blind", "attended"])
def test_the_citizen_is_on_the_left_all_the_time(outcomes: dict[str, Outcome], kind: str) -> None:
    left = outcomes[kind].left
    seconds = [strongest(left[at : at + RATE]) for at in range(RATE, len(left) - 2 * RATE, RATE)]
    assert np.allclose(seconds, CITIZEN, atol=2)


@pytest.mark.parametrize("kind", ["blind", "attended"])
def test_the_recording_is_as_long_as_the_call_and_says_what_it_is_made_of(
    outcomes: dict[str, Outcome], kind: str
) -> None:
    recording = outcomes[kind].recording
    assert recording.status is Status.OK
    assert recording.duration == pytest.approx(recording.call_duration, abs=STALL_S)
    assert sum(part.used for part in recording.segments if part.side is Side.LEG) > 5
