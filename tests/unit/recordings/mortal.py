"""Ports that let the process die at a given step, for the tests of being killed at any point."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from recordings.ports import AudioStore, Encoder, RawFile, Spool, StoredFile


class Countdown:
    """Dies at a given step. Every operation of a ``Mortal`` port is two steps: before it, and after it."""

    def __init__(self, steps: int, die: Callable[[], None]) -> None:
        self.left = steps
        self._die = die

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            self._die()


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class MortalSpool:
    """A spool that lets the process die before and after each of its operations."""

    def __init__(self, inner: Spool, countdown: Countdown) -> None:
        self._inner, self._countdown = inner, countdown

    def files(self) -> list[RawFile]:
        return self._inner.files()

    def files_of(self, call_id: str) -> list[RawFile]:
        self._countdown.step()
        return self._inner.files_of(call_id)

    def open(self, name: str) -> BinaryIO:
        self._countdown.step()
        return self._inner.open(name)

    def remove(self, name: str) -> None:
        self._countdown.step()
        self._inner.remove(name)
        self._countdown.step()


class MortalStore:
    """The same for a store."""

    def __init__(self, inner: AudioStore, countdown: Countdown) -> None:
        self._inner, self._countdown = inner, countdown

    def incoming(self, name: str) -> Path:
        self._countdown.step()
        return self._inner.incoming(name)

    def put(self, source: Path, path: str) -> StoredFile:
        self._countdown.step()
        stored = self._inner.put(source, path)
        self._countdown.step()
        return stored

    def exists(self, path: str) -> bool:
        return self._inner.exists(path)

    def open(self, path: str) -> BinaryIO:
        return self._inner.open(path)

    def digest(self, path: str) -> StoredFile:
        self._countdown.step()
        return self._inner.digest(path)

    def paths(self) -> Iterator[str]:
        return self._inner.paths()

    def sweep(self) -> int:
        return self._inner.sweep()


class MortalEncoder:
    """The same for an encoder, which can also die between two chunks of audio."""

    def __init__(self, inner: Encoder, countdown: Countdown) -> None:
        self._inner, self._countdown = inner, countdown

    def encode(self, samples: Iterable[bytes], target: Path, tags: Mapping[str, str]) -> None:
        def counted() -> Iterator[bytes]:
            for chunk in samples:
                self._countdown.step()
                yield chunk

        self._inner.encode(counted(), target, tags)
        self._countdown.step()
