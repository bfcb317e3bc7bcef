"""The head of a FLAC file (RFC 9639): what STREAMINFO says of the audio, and the tags.

Only the metadata blocks before the first audio frame are read; the encoder is ffmpeg.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from recordings.errors import NotAFlacFile

MAGIC = b"fLaC"
STREAMINFO, VORBIS_COMMENT = 0, 4
STREAMINFO_SIZE = 34
LAST_BLOCK = 0x80
LARGEST_COMMENTS = 1 << 20
"""Bytes of tags that are read; ours have a few hundred."""


@dataclass(frozen=True, slots=True)
class FlacHead:
    """STREAMINFO and tags. ``samples`` are those of one channel; ``md5`` is that of the interleaved samples, in hex."""

    sample_rate: int
    channels: int
    samples: int
    md5: str
    tags: Mapping[str, str] = field(default_factory=dict)


def read_head(file: BinaryIO) -> FlacHead:
    """Read the metadata blocks.

    Raises:
        NotAFlacFile: the file is not FLAC, or is cut off inside them.
    """
    if file.read(4) != MAGIC:
        raise NotAFlacFile("the file does not begin with fLaC")
    head: FlacHead | None = None
    tags: Mapping[str, str] = {}
    last = False
    while not last:
        block = _exactly(file, 4)
        last, kind, size = bool(block[0] & LAST_BLOCK), block[0] & ~LAST_BLOCK, int.from_bytes(block[1:], "big")
        if kind == STREAMINFO and size == STREAMINFO_SIZE:
            head = _stream_info(_exactly(file, size))
        elif kind == VORBIS_COMMENT and size <= LARGEST_COMMENTS:
            tags = _comments(_exactly(file, size))
        else:
            file.seek(size, 1)
    if head is None:
        raise NotAFlacFile("the file has no STREAMINFO")
    return FlacHead(head.sample_rate, head.channels, head.samples, head.md5, tags)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise NotAFlacFile("the file ends inside its metadata")
    return data


def _stream_info(data: bytes) -> FlacHead:
    """RFC 9639, 8.2: after 10 bytes of block and frame sizes, 20 bits rate, 3 channels-1, 5 bits-1, 36 samples, MD5."""
    bits = int.from_bytes(data[10:18], "big")
    return FlacHead(bits >> 44, (bits >> 41 & 7) + 1, bits & (1 << 36) - 1, data[18:].hex())


def _comments(data: bytes) -> dict[str, str]:
    """RFC 9639, 8.6: a vendor string, a count, and NAME=value strings, each after its little-endian length."""
    position = 0

    def take(size: int) -> bytes:
        nonlocal position
        if position + size > len(data):
            raise NotAFlacFile("a tag is longer than the block of tags")
        position += size
        return data[position - size : position]

    take(int.from_bytes(take(4), "little"))
    count = int.from_bytes(take(4), "little")
    values = [take(int.from_bytes(take(4), "little")).decode(errors="replace") for _ in range(count)]
    return {name.upper(): value for name, equals, value in (text.partition("=") for text in values) if equals}
