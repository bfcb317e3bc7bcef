"""What the tests of recordings share: sounds, raw files made of them, a clock, fakes of the ports."""

import hashlib
import io
import math
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from recordings.encoder import FfmpegEncoder, bundled_ffmpeg
from recordings.model import Side
from recordings.naming import parse_raw_name, raw_name
from recordings.ports import RawFile, StoredFile
from tests.unit.recordings.calls import CALL, RATE, START, at

Samples = npt.NDArray[np.int16]


def tone(frequency: float, seconds: float, level: int = 8000) -> Samples:
    moments = np.arange(round(RATE * seconds)) / RATE
    return np.asarray(np.round(level * np.sin(2 * math.pi * frequency * moments)), dtype="<i2")


def silence(seconds: float) -> Samples:
    return np.zeros(round(RATE * seconds), dtype="<i2")


def noise(seconds: float, seed: int = 1, level: int = 4000) -> Samples:
    values = np.random.default_rng(seed).standard_normal(round(RATE * seconds)) * level
    return np.asarray(np.clip(values, -32000, 32000), dtype="<i2")


def strongest(samples: Samples) -> float:
    """The frequency with most energy, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    return float(np.argmax(spectrum) * RATE / len(samples))


def decoded(flac: Path) -> tuple[Samples, Samples]:
    """Left and right of a stored file, by an ffmpeg run that shares nothing with the code under test."""
    raw = subprocess.run(
        [bundled_ffmpeg(), "-v", "error", "-i", str(flac), "-f", "s16le", "pipe:1"], check=True, capture_output=True
    ).stdout
    stereo = np.frombuffer(raw, dtype="<i2").reshape(-1, 2)
    return stereo[:, 0], stereo[:, 1]


def write_raw(spool: Path, side: Side, samples: Samples, uniqueid: str | None = None, call_id: str = CALL) -> Path:
    """A raw file as Asterisk leaves it, written long enough ago."""
    spool.mkdir(parents=True, exist_ok=True)
    path = spool / raw_name(call_id, side, uniqueid)
    path.write_bytes(samples.tobytes())
    os.utime(path, (START.timestamp(), START.timestamp()))
    return path


class FixedClock:
    """A clock that the test turns."""

    def __init__(self, now: datetime | None = None) -> None:
        self.time = now or at(3600)

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class MemorySpool:
    """Raw files in memory, by name: bytes and time of the last write."""

    def __init__(self) -> None:
        self.content: dict[str, tuple[bytes, float]] = {}

    def write(self, name: str, data: bytes, modified: float = 0.0) -> None:
        self.content[name] = (data, modified)

    def files(self) -> list[RawFile]:
        return [
            RawFile(name, len(data), modified)
            for name, (data, modified) in sorted(self.content.items())
            if parse_raw_name(name)
        ]

    def files_of(self, call_id: str) -> list[RawFile]:
        return [
            file for file in self.files() if (name := parse_raw_name(file.name)) is not None and name.call_id == call_id
        ]

    def open(self, name: str) -> BinaryIO:
        if name not in self.content:
            raise FileNotFoundError(name)
        return io.BytesIO(self.content[name][0])

    def remove(self, name: str) -> None:
        self.content.pop(name, None)


class MemoryStore:
    """Finished recordings in memory; new files are written in a real folder, as the port says."""

    def __init__(self, folder: Path) -> None:
        self.content: dict[str, bytes] = {}
        self._folder = folder

    def incoming(self, name: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / name

    def put(self, source: Path, path: str) -> StoredFile:
        if path in self.content:
            raise FileExistsError(path)
        self.content[path] = source.read_bytes()
        source.unlink()
        return self.digest(path)

    def exists(self, path: str) -> bool:
        return path in self.content

    def open(self, path: str) -> BinaryIO:
        if path not in self.content:
            raise FileNotFoundError(path)
        return io.BytesIO(self.content[path])

    def digest(self, path: str) -> StoredFile:
        data = self.open(path).read()
        return StoredFile(hashlib.sha256(data).hexdigest(), len(data))

    def paths(self) -> Iterator[str]:
        yield from sorted(self.content)

    def sweep(self) -> int:
        leftovers = list(self._folder.glob("*"))
        for leftover in leftovers:
            leftover.unlink()
        return len(leftovers)


class BrokenEncoder:
    """An encoder whose file holds other audio than it was given."""

    def encode(self, samples: Iterable[bytes], target: Path, tags: Mapping[str, str]) -> None:
        FfmpegEncoder().encode((bytes(len(chunk)) for chunk in samples), target, tags)
