import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.encoder import FfmpegEncoder
from recordings.errors import NotAFlacFile
from recordings.flac import read_head
from tests.unit.recordings.rig import noise


@pytest.fixture(scope="module")
def flac(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    target = Path(tmp_path_factory.mktemp("flac")) / "a.flac"
    FfmpegEncoder().encode([noise(2).tobytes()], target, {"CALL_ID": "cc1-1.1", "NOTE": "а=б"})
    return target.read_bytes()


def test_rate_channels_length_and_tags_are_read(flac: bytes) -> None:
    head = read_head(io.BytesIO(flac))
    assert (head.sample_rate, head.channels, head.samples) == (8000, 2, 8000)
    assert head.tags["CALL_ID"] == "cc1-1.1"
    assert head.tags["NOTE"] == "а=б"


def test_the_same_samples_give_the_same_bytes(flac: bytes, tmp_path: Path) -> None:
    FfmpegEncoder().encode([noise(2).tobytes()], tmp_path / "b.flac", {"CALL_ID": "cc1-1.1", "NOTE": "а=б"})
    assert (tmp_path / "b.flac").read_bytes() == flac


@given(cut=st.integers(0, 300))
def test_a_cut_head_is_refused_or_read_never_more(flac: bytes, cut: int) -> None:
    try:
        head = read_head(io.BytesIO(flac[:cut]))
    except NotAFlacFile:
        return
    assert head.samples == 8000


@given(junk=st.binary(max_size=200))
def test_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(NotAFlacFile):
        read_head(io.BytesIO(junk))


def test_a_file_without_stream_info_is_refused() -> None:
    padding_only = b"fLaC" + bytes([0x81, 0, 0, 4]) + bytes(4)
    with pytest.raises(NotAFlacFile, match="STREAMINFO"):
        read_head(io.BytesIO(padding_only))


def test_a_tag_longer_than_its_block_is_refused(flac: bytes) -> None:
    comments = (1000).to_bytes(4, "little")
    block = flac[:42].replace(flac[4:5], b"\x00", 1) + bytes([0x84, 0, 0, len(comments)]) + comments
    with pytest.raises(NotAFlacFile, match="longer"):
        read_head(io.BytesIO(block))
