"""Audio in folders: Asterisk's spool, and the store of finished recordings."""

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from recordings.errors import RecordingStoreFull
from recordings.naming import RECORDINGS, parse_raw_name
from recordings.ports import RawFile, StoredFile

INCOMING = ".incoming"
"""The folder of files still being written, inside ``recordings/`` so that a rename never crosses a filesystem."""
READ_SIZE = 1 << 16
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class DirectorySpool:
    """Asterisk's spool folder. A folder that does not exist yet holds nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self) -> list[RawFile]:
        """All raw files whose names are ours, by name."""
        return self._matching(None)

    def files_of(self, call_id: str) -> list[RawFile]:
        """Those of one call, by name."""
        return self._matching(call_id)

    def open(self, name: str) -> BinaryIO:
        """Read a raw file, without a second buffer: the readers ask for whole chunks."""
        return (self._folder / name).open("rb", buffering=0)

    def remove(self, name: str) -> None:
        """Delete a raw file; no error if it is gone already."""
        (self._folder / name).unlink(missing_ok=True)

    def _matching(self, call_id: str | None) -> list[RawFile]:
        found = []
        try:
            entries = list(os.scandir(self._folder))
        except FileNotFoundError:
            return []
        for entry in entries:
            if call_id is not None and not entry.name.startswith(f"{call_id}-"):
                continue
            name = parse_raw_name(entry.name)
            if name is None or (call_id is not None and name.call_id != call_id):
                continue
            try:
                stat = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            found.append(RawFile(entry.name, stat.st_size, stat.st_mtime))
        return sorted(found, key=lambda file: file.name)


class DirectoryStore:
    """Recordings in a folder tree below the state directory."""

    def __init__(self, state: Path) -> None:
        self._root = state
        self._incoming = state / RECORDINGS / INCOMING

    def incoming(self, name: str) -> Path:
        """A path in the folder of unfinished files, which is made if need be."""
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _full_or_same(error, self._incoming) from error
        return self._incoming / name

    def put(self, source: Path, path: str) -> StoredFile:
        """Sync the file, hash its bytes as the disk gives them back, rename it into place, sync the folders.

        The page cache is dropped between writing and reading (posix_fadvise(2), a hint), so that what is hashed
        comes from the disk where the kernel allows it.
        """
        target = self._root / path
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        try:
            with source.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                stored = _hashed(file)
            new = self._make_folders(target.parent)
            source.rename(target)
            for folder in (target.parent, *new):
                _sync_folder(folder)
        except OSError as error:
            raise _full_or_same(error, target.parent) from error
        return stored

    def exists(self, path: str) -> bool:
        """Whether ``path`` is stored."""
        return (self._root / path).is_file()

    def open(self, path: str) -> BinaryIO:
        """Read a stored file."""
        return (self._root / path).open("rb")

    def digest(self, path: str) -> StoredFile:
        """Read a stored file and hash it."""
        with self.open(path) as file:
            return _hashed(file)

    def paths(self) -> Iterator[str]:
        """All stored paths, year by year; unfinished files are not among them."""
        root = self._root / RECORDINGS
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if name != INCOMING)
            for name in sorted(files):
                yield (Path(folder) / name).relative_to(self._root).as_posix()

    def sweep(self) -> int:
        """Remove what an interrupted run left behind; how many files."""
        swept = 0
        if self._incoming.is_dir():
            for leftover in self._incoming.iterdir():
                leftover.unlink(missing_ok=True)
                swept += 1
        return swept

    def _make_folders(self, folder: Path) -> list[Path]:
        """Make a folder and its missing parents; the folders whose entries changed and need a sync."""
        missing = [parent for parent in (folder, *folder.parents) if not parent.is_dir()]
        for parent in reversed(missing):
            parent.mkdir(exist_ok=True)
        return [parent.parent for parent in missing]


def _hashed(file: BinaryIO) -> StoredFile:
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(READ_SIZE):
        digest.update(chunk)
        size += len(chunk)
    return StoredFile(digest.hexdigest(), size)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _full_or_same(error: OSError, where: Path) -> Exception:
    return RecordingStoreFull(str(where)) if error.errno in NO_SPACE else error
