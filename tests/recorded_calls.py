"""A call with everything in it, and its sound as Asterisk leaves it: for the tests of whoever listens."""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contact_centre import casework, jobs
from recordings.model import SAMPLE_RATE, Side
from recordings.naming import raw_name
from telephony import store
from telephony.core.call import Call, CallChanged, Direction, Leg, QueueOutcome, Role, Span, Transfer, TransferKind
from telephony.ports import Tx

SECONDS = 96
NUMBER = "+380501234567"
SPEECH = ((18.0, 40.0), (46.0, 60.0), (66.0, 95.0))
"""When citizen and operator, and then citizen and specialist, heard each other; on hold and put through between."""


def everything(call_id: str, start: datetime, operator: str = "olena", number: str = NUMBER) -> Call:
    """Greeting 6 s, queue 12 s, an operator with a hold of 6 s, and after 6 s of ringing a specialist."""

    def at(seconds: float) -> datetime:
        return start + timedelta(seconds=seconds)

    first, second, third = (Span(at(begin), at(end)) for begin, end in SPEECH)
    legs = (
        Leg(call_id, Role.CITIZEN, number, at(0), at(0), at(SECONDS), 65.0, 6.0),
        Leg(f"{call_id}1", Role.OPERATOR, operator, at(10), at(18), at(66), 36.0, 6.0, (first, second)),
        Leg(f"{call_id}2", Role.SPECIALIST, "water", at(60), at(66), at(SECONDS), 29.0, 0.0, (third,)),
    )
    return Call(
        call_id=call_id,
        line="588-888",
        direction=Direction.INBOUND,
        caller_number_raw=number,
        caller_name="ІВАН",
        dialled_number="588888",
        started_at=start,
        answered_at=at(18),
        ended_at=at(SECONDS),
        queue="contact-centre",
        queue_outcome=QueueOutcome.ANSWERED,
        operator=operator,
        wait_time=12.0,
        talk_time=65.0,
        hold_time=6.0,
        ring_no_answers=1,
        transfers=(Transfer(TransferKind.BLIND, at(60), operator, "water", answered=True),),
        legs=legs,
        purpose=None,
        dial_status=None,
        recovered=False,
        group_id=call_id,
        recorded_from=start,
        promised_at=None,
        refused=None,
        anomalies=(),
    )


def abandoned(call_id: str, start: datetime, number: str = NUMBER, line: str = "588-888") -> Call:
    """Hung up after 40 seconds in the queue."""
    whole = everything(call_id, start, number=number)
    ended = start + timedelta(seconds=46)
    citizen = replace(whole.legs[0], ended_at=ended, talk_time=0.0, hold_time=0.0)
    return replace(
        whole,
        line=line,
        answered_at=None,
        ended_at=ended,
        queue_outcome=QueueOutcome.ABANDONED,
        operator=None,
        wait_time=40.0,
        talk_time=0.0,
        hold_time=0.0,
        ring_no_answers=0,
        transfers=(),
        legs=(citizen,),
        recorded_from=None,
    )


def keep(tx: Tx, call: Call, number: str | None = NUMBER, *, over: bool = True) -> None:
    """The call as the follower of the ledger keeps it, with what follows from it."""
    change = CallChanged(call, over=over)
    store.save_call(tx, change, number, at=call.started_at, reason="told")
    casework.apply(tx, [change], lambda raw: raw)


def due(tx: Tx, call: Call) -> None:
    """Its audio is due, as after the last fact of the ledger."""
    told = casework.audio_due(call)
    jobs.add(tx, casework.FINALISE, call.call_id, casework.dump_due(told), call.started_at)


def voices(seconds: int = SECONDS) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """The citizen and whom they hear: they take turns of three seconds while they talk, the city greets before."""
    citizen, others = _voice(seconds, 190.0), _voice(seconds, 120.0)
    at = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    talk = np.zeros(len(at), bool)
    for start, end in SPEECH:
        talk |= (at >= start) & (at < end)
    turn = (at // 3) % 2 == 0
    return citizen * (talk & turn), others * ((talk & ~turn) | (at < 6))


def write_raw(spool: Path, call_id: str, sounds: tuple[NDArray[np.int16], NDArray[np.int16]] | None = None) -> None:
    """The two raw files of MixMonitor, written long ago."""
    spool.mkdir(parents=True, exist_ok=True)
    for side, samples in zip((Side.CALLER, Side.OTHER), sounds or voices(), strict=True):
        file = spool / raw_name(call_id, side)
        file.write_bytes(samples.astype("<i2").tobytes())
        os.utime(file, (0, 0))  # it has not grown for long


def _voice(seconds: int, pitch: float) -> NDArray[np.int16]:
    """Something like a voice: a buzz that rises and falls, in syllables."""
    at = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(pitch + 30 * np.sin(2 * np.pi * 0.4 * at)) / SAMPLE_RATE
    buzz: NDArray[np.float64] = sum((np.sin(phase * n) / n for n in range(1, 12)), np.zeros(len(at)))
    return np.asarray(buzz * (0.3 + 0.7 * np.abs(np.sin(2 * np.pi * 2 * at))) * 6000, dtype="<i2")
