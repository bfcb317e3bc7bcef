from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.errors import BadCallId
from recordings.model import Side
from recordings.naming import RawName, parse_raw_name, raw_name, stored_path

ids = st.builds(
    "{}{}.{}".format, st.sampled_from(["", "cc1-", "node-2-"]), st.integers(1, 2**33), st.integers(0, 2**31)
)


@given(call_id=ids, uniqueid=ids)
def test_a_raw_name_can_be_taken_apart_again(call_id: str, uniqueid: str) -> None:
    assert parse_raw_name(raw_name(call_id, Side.CALLER)) == RawName(call_id, Side.CALLER, call_id)
    assert parse_raw_name(raw_name(call_id, Side.OTHER)) == RawName(call_id, Side.OTHER, call_id)
    assert parse_raw_name(raw_name(call_id, Side.LEG, uniqueid)) == RawName(call_id, Side.LEG, uniqueid)


@given(st.text())
def test_no_text_becomes_a_path_with_more_than_one_part(text: str) -> None:
    try:
        name = raw_name(text, Side.CALLER)
    except BadCallId:
        return
    assert name.isascii()
    assert not set(name) & set("/\\\0 \n\r$`;|&*?'\"")
    assert not name.startswith((".", "-"))


@pytest.mark.parametrize(
    "bad",
    [
        "",
        ".",
        "..",
        "../../etc/passwd",
        "a/b",
        "cc1-1.1\n",
        "cc1-1.1\0",
        "$(reboot)",
        "а-1.1",
        "-rf",
        "1.1-leg-2.2",
        "1.1-caller",
        "x" * 97,
    ],
)
def test_what_is_not_a_unique_id_is_refused(bad: str) -> None:
    with pytest.raises(BadCallId):
        raw_name(bad, Side.CALLER)
    with pytest.raises(BadCallId):
        raw_name("cc1-1.1", Side.LEG, bad)
    with pytest.raises(BadCallId):
        stored_path(bad, datetime.now(UTC))


def test_a_leg_needs_its_channel() -> None:
    with pytest.raises(BadCallId):
        raw_name("cc1-1.1", Side.LEG)


@pytest.mark.parametrize("name", ["cc1-1.1.raw", "cc1-1.1-caller.wav", "notes.txt", "-caller.raw", "a b-caller.raw"])
def test_other_files_in_the_spool_folder_are_not_ours(name: str) -> None:
    assert parse_raw_name(name) is None


def test_the_stored_path_has_the_day_of_kyiv() -> None:
    before_midnight_utc = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)
    assert stored_path("cc1-1.1", before_midnight_utc) == "recordings/2026/11/23/cc1-1.1.flac"
    assert stored_path("cc1-1.1", before_midnight_utc, 2) == "recordings/2026/11/23/cc1-1.1~2.flac"
