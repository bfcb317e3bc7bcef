"""A program of its own: makes the listening copy and the outline of one stored recording, behind everything else.

``python -m recordings.derive SHA256 COPY OUTLINE`` with the stored FLAC as standard input, a file. It runs with the
lowest priority there is, and so does its ffmpeg: recording, live calls and the pages come first. Exit status 0, or
``ALTERED`` when the file is not what was hashed, or ``FAILED`` with a line on standard error.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ALTERED: Final = 3
FAILED: Final = 4
NICEST: Final = 19
READ_SIZE: Final = 1 << 16
COPY: Final = ("-c:a", "libopus", "-b:a", "40k", "-application", "voip", "-f", "ogg")
"""Opus (RFC 6716) in Ogg (RFC 7845): 18 MB for an hour, a fifth of the FLAC or less. At this rate both voices stay on
their sides (``tests/integration/test_listening.py`` listens)."""


def main(sha256: str, copy: Path, outline: Path) -> int:
    """See the module."""
    os.nice(NICEST)
    import hashlib  # noqa: PLC0415 - what takes time to load is loaded at the lowest priority too

    import msgspec  # noqa: PLC0415

    from recordings.encoder import ONE_THREAD, QUIET, SAME_BYTES, bundled_ffmpeg  # noqa: PLC0415
    from recordings.outline import outline as measured  # noqa: PLC0415

    digest = hashlib.sha256()
    for chunk in iter(lambda: os.read(0, READ_SIZE), b""):
        digest.update(chunk)
    if digest.hexdigest() != sha256:
        return ALTERED
    os.lseek(0, 0, os.SEEK_SET)
    source = (*QUIET, *ONE_THREAD, "-f", "flac", "-i", "pipe:0")
    to_copy = ("-map", "0:a", *SAME_BYTES, *COPY, *ONE_THREAD, "-y", str(copy))
    to_samples = ("-map", "0:a", "-f", "s16le", "pipe:1")
    command = (bundled_ffmpeg(), *source, *to_copy, *to_samples)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as samples:
        with os.fdopen(writing, "wb") as pipe:
            ffmpeg = subprocess.Popen(command, stdout=pipe)  # noqa: S603 - our own arguments, no shell
        made = measured(iter(lambda: samples.read(READ_SIZE), b""))
    if ffmpeg.wait() != 0:
        return FAILED
    outline.write_bytes(msgspec.json.encode(made))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
