"""One suite for every place where finished audio lives."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from recordings.disk import DirectoryStore
from recordings.ports import AudioStore
from tests.unit.recordings.rig import MemoryStore

PATH = "recordings/2026/11/22/cc1-1.1.flac"
STORES: dict[str, Callable[[Path], AudioStore]] = {"memory": MemoryStore, "directory": DirectoryStore}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> AudioStore:
    return STORES[request.param](tmp_path)


def put(store: AudioStore, data: bytes, path: str = PATH) -> str:
    source = store.incoming("new.flac")
    source.write_bytes(data)
    return store.put(source, path).sha256


def test_what_is_put_is_there_with_the_hash_of_its_bytes(store: AudioStore) -> None:
    data = bytes(range(256)) * 1000
    assert not store.exists(PATH)
    assert put(store, data) == hashlib.sha256(data).hexdigest()
    assert store.exists(PATH)
    assert (store.digest(PATH).sha256, store.digest(PATH).size) == (hashlib.sha256(data).hexdigest(), len(data))
    with store.open(PATH) as file:
        assert file.read() == data


def test_a_file_that_was_put_is_no_longer_incoming(store: AudioStore) -> None:
    put(store, b"a")
    assert not store.incoming("new.flac").exists()
    assert store.sweep() == 0


def test_what_is_incoming_is_not_stored_and_is_swept(store: AudioStore) -> None:
    store.incoming("a.flac").write_bytes(b"half")
    store.incoming("b.flac").write_bytes(b"half")
    assert list(store.paths()) == []
    assert store.sweep() == 2
    assert store.sweep() == 0


def test_a_taken_path_is_refused_and_both_files_stay(store: AudioStore) -> None:
    put(store, b"first")
    with pytest.raises(FileExistsError):
        put(store, b"second")
    assert store.digest(PATH).sha256 == hashlib.sha256(b"first").hexdigest()
    assert store.incoming("new.flac").read_bytes() == b"second"


def test_what_is_not_stored_cannot_be_read(store: AudioStore) -> None:
    with pytest.raises(FileNotFoundError):
        store.open(PATH)
    with pytest.raises(FileNotFoundError):
        store.digest(PATH)


def test_all_paths_are_listed_in_order(store: AudioStore) -> None:
    paths = ["recordings/2026/01/02/b.flac", "recordings/2025/12/31/c.flac", "recordings/2026/01/02/a.flac"]
    for number, path in enumerate(paths):
        put(store, bytes([number]), path)
    assert list(store.paths()) == sorted(paths)
