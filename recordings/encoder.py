"""ffmpeg as a child process: samples in through a pipe, a FLAC file out; and stored audio to other formats.

One encoder at a time uses one core at low priority: live calls share the machine. ffmpeg reads nothing but its pipe
and writes nothing but the file that it is told.
"""

import contextlib
import errno
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import imageio_ffmpeg

from recordings.errors import EncoderFailed, EncoderMissing, RecordingStoreFull
from recordings.model import CHANNELS, SAMPLE_RATE

NICENESS = 10
"""Added to the child's nice value: encoding waits, Asterisk does not."""
DETAIL = 500
"""Characters kept of what a failed ffmpeg said."""
FULL_STATUS = frozenset({256 - errno.ENOSPC, 256 - errno.EDQUOT})
"""ffmpeg's exit status is its error code, -errno, cut to a byte."""
QUIET = ("-hide_banner", "-nostdin", "-loglevel", "error", "-xerror")
RAW_INPUT = ("-f", "s16le", "-ar", str(SAMPLE_RATE), "-ac", str(CHANNELS), "-i", "pipe:0")
ONE_THREAD = ("-threads", "1")
LOSSLESS = ("-c:a", "flac", "-ch_mode", "indep", "-frame_size", "1152")
"""Two people's voices have nothing in common, so a difference channel is not tried; blocks of 144 ms instead of the
72 ms that ffmpeg takes at 8 kHz. A quarter less CPU for files of the same size (ADR 8)."""
SAME_BYTES = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact")
"""Neither date nor version in the output: the same samples give the same file."""


def bundled_ffmpeg() -> str:
    """The ffmpeg of the imageio-ffmpeg wheel (or the one that IMAGEIO_FFMPEG_EXE names).

    Raises:
        EncoderMissing: there is none for this platform.
    """
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise EncoderMissing("ffmpeg") from error


class FfmpegEncoder:
    """The encoder port on ffmpeg."""

    def __init__(self, program: str | None = None) -> None:
        self._program = program

    def encode(self, samples: Iterable[bytes], target: Path, tags: Mapping[str, str]) -> None:
        """Encode to FLAC. The caller compares the MD5 in the file with that of the samples."""
        labels = [part for name, value in tags.items() for part in ("-metadata", f"{name}={value}")]
        output = (*SAME_BYTES, *labels, *LOSSLESS, *ONE_THREAD, "-f", "flac", "-y", str(target))
        self._run((*ONE_THREAD, *RAW_INPUT, *output), samples, target)

    def convert(self, flac: Iterable[bytes], target: Path) -> None:
        """Convert stored audio to the format that the target's suffix names. The target may exist."""
        self._run((*ONE_THREAD, "-f", "flac", "-i", "pipe:0", *SAME_BYTES, "-y", str(target)), flac, target)

    def _run(self, arguments: Iterable[str], data: Iterable[bytes], target: Path) -> None:
        program = self._program or bundled_ffmpeg()
        with tempfile.TemporaryFile() as said:
            try:
                child = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
                    (program, *QUIET, *arguments), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said
                )
            except OSError as error:
                raise EncoderMissing(program) from error
            try:
                os.setpriority(os.PRIO_PROCESS, child.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
                _feed(child, data)
            except BaseException:
                child.kill()
                raise
            finally:
                status = child.wait()
            if status != 0:
                said.seek(0)
                raise _failure(status, said.read().decode(errors="replace").strip(), target)


def _feed(child: subprocess.Popen[bytes], data: Iterable[bytes]) -> None:
    """Write all data; a child that went away early is judged by its status, not here."""
    if child.stdin is None:
        raise EncoderFailed(-1, "no pipe to the encoder")
    with contextlib.suppress(BrokenPipeError), child.stdin as pipe:
        for chunk in data:
            pipe.write(chunk)


def _failure(status: int, detail: str, target: Path) -> Exception:
    if status in FULL_STATUS:
        return RecordingStoreFull(str(target.parent))
    return EncoderFailed(status, detail[-DETAIL:])
