"""One suite for Asterisk's spool folder and for the fake that stands for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recordings.disk import DirectorySpool
from recordings.ports import Spool
from tests.unit.recordings.rig import MemorySpool


class Written:
    """A spool and how a file gets into it."""

    def __init__(self, spool: Spool, write: Callable[[str, bytes], object]) -> None:
        self.spool, self.write = spool, write


@pytest.fixture(params=["memory", "directory"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Written:
    if request.param == "memory":
        memory = MemorySpool()
        return Written(memory, memory.write)
    folder = tmp_path / "spool"
    folder.mkdir()
    return Written(DirectorySpool(folder), lambda name, data: (folder / name).write_bytes(data))


def test_the_files_of_a_call_are_those_with_its_id_and_no_other(written: Written) -> None:
    names = ["cc1-1.1-caller.raw", "cc1-1.1-leg-cc1-1.3.raw", "cc1-1.1-other.raw"]
    for name in [*reversed(names), "cc1-1.10-caller.raw", "cc1-1.1-notes.txt", "cc1-1.1-caller.raw.tmp"]:
        written.write(name, b"\1\2")
    assert [(file.name, file.size) for file in written.spool.files_of("cc1-1.1")] == [(name, 2) for name in names]
    assert [file.name for file in written.spool.files()] == sorted([*names, "cc1-1.10-caller.raw"])
    assert written.spool.files_of("cc1-9.9") == []


def test_a_file_is_read_and_removed_once_or_twice(written: Written) -> None:
    written.write("cc1-1.1-caller.raw", b"\1\2\3\4")
    with written.spool.open("cc1-1.1-caller.raw") as file:
        file.seek(2)
        assert file.read(2) == b"\3\4"
    written.spool.remove("cc1-1.1-caller.raw")
    written.spool.remove("cc1-1.1-caller.raw")
    assert written.spool.files() == []
    with pytest.raises(FileNotFoundError):
        written.spool.open("cc1-1.1-caller.raw")


def test_a_folder_that_does_not_exist_holds_nothing(tmp_path: Path) -> None:
    assert DirectorySpool(tmp_path / "none").files() == []
    assert DirectorySpool(tmp_path / "none").files_of("cc1-1.1") == []
