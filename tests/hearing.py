"""Listening to recordings: which tones are on which side, and when."""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recordings.finalise import SHORT_SECONDS

CITIZEN = 1950
"""What citizens say where music on hold may be heard too: none of its notes and overtones (test_prompts.py)."""
STALL_S = SHORT_SECONDS
"""What a machine that stands still may take from a talk: so much may a recording lack that is called whole."""
BAND_HZ = 12.0
AUDIBLE = 0.5
"""A tone is heard when it carries this share of the sound's energy."""
SILENT_RMS = 50.0
"""Below this (of 32767) there is nothing to hear."""
JUMP = 0.15
"""What a sample of a tone may differ from what the samples before it foretell, of the amplitude (A-law: 0.11)."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Two channels of a recording: left the citizen, right the others."""

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.left) / self.rate


def listen(file: Path) -> Sound:
    """Read a stereo WAV file."""
    with wave.open(str(file)) as source:
        assert source.getnchannels() == 2
        samples = np.frombuffer(source.readframes(source.getnframes()), "<i2").astype(np.float64)
        return Sound(samples[0::2], samples[1::2], source.getframerate())


def share(side: NDArray[np.float64], rate: int, hertz: float) -> float:
    """How much of the energy is within ``BAND_HZ`` of a tone; 0 in silence."""
    if len(side) == 0 or np.sqrt(np.mean(side**2)) < SILENT_RMS:
        return 0.0
    power = np.abs(np.fft.rfft(side * np.hanning(len(side)))) ** 2
    frequencies = np.fft.rfftfreq(len(side), 1 / rate)
    near = np.abs(frequencies - hertz) <= BAND_HZ
    return float(power[near].sum() / power.sum())


def heard_for(side: NDArray[np.float64], rate: int, hertz: float, step: float = 0.1) -> float:
    """For how many seconds a tone is what is heard, in steps of ``step``."""
    size = int(rate * step)
    pieces = [side[at : at + size] for at in range(0, len(side) - size + 1, size)]
    return round(sum(step for piece in pieces if share(piece, rate, hertz) >= AUDIBLE), 3)


def broken(side: NDArray[np.float64], rate: int, hertz: float, step: float = 0.01) -> float:
    """Which share of a steady tone's steps is silent or has a jump in it, as frames that are lost leave them.

    A tone whose whole waves do not fit into a frame shows a frame that is missing without silence as a jump of phase:
    there a sample is not what the two before it tell (x[n] = 2 cos(w) x[n-1] - x[n-2]).
    """
    size = round(rate * step)
    amplitude = np.sqrt(2 * np.mean(side**2)) if len(side) else 0.0
    if amplitude < SILENT_RMS:
        return 1.0
    foretold = 2 * np.cos(2 * np.pi * hertz / rate) * side[1:-1] - side[:-2]
    wrong = np.concatenate((np.abs(side[2:] - foretold) > JUMP * amplitude, (False, False)))
    steps = len(side) // size
    jumps = wrong[: steps * size].reshape(steps, size).any(axis=1)
    silent = np.sqrt(np.mean(side[: steps * size].reshape(steps, size) ** 2, axis=1)) < amplitude / 4
    return float(np.mean(jumps | silent))
