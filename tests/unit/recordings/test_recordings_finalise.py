import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recordings.disk import DirectorySpool, DirectoryStore
from recordings.encoder import FfmpegEncoder
from recordings.errors import AudioMismatch, EncoderFailed, EncoderMissing, NotYet, RecordingStoreFull
from recordings.finalise import discard_raw, finalise
from recordings.flac import read_head
from recordings.model import LegAudio, Recording, RecordingDue, Side, Status
from recordings.ports import AudioStore, Encoder, Spool
from tests.unit.recordings.calls import CALL, LEG, RATE, at, due, leg
from tests.unit.recordings.mortal import Countdown, MortalEncoder, MortalSpool, MortalStore
from tests.unit.recordings.rig import (
    BrokenEncoder,
    MemorySpool,
    MemoryStore,
    decoded,
    noise,
    silence,
    strongest,
    tone,
    write_raw,
)

ENCODER = FfmpegEncoder()


class Folders:
    """A spool folder and a state directory."""

    def __init__(self, root: Path) -> None:
        self.spool_folder, self.state = root / "spool", root / "var"
        self.spool, self.store = DirectorySpool(self.spool_folder), DirectoryStore(self.state)

    def finalise(self, call: RecordingDue, encoder: Encoder = ENCODER) -> Recording:
        return finalise(call, self.spool, self.store, encoder)

    def stored(self) -> list[str]:
        return [path.relative_to(self.state).as_posix() for path in sorted(self.state.rglob("*")) if path.is_file()]

    def raw(self) -> list[str]:
        return sorted(path.name for path in self.spool_folder.glob("*"))


def same(one: Recording, other: Recording) -> bool:
    """Equal but for the id, which the database keeps."""
    return replace(one, recording_id=other.recording_id) == other


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def sides(folders: Folders, seconds: float = 10) -> None:
    write_raw(folders.spool_folder, Side.CALLER, tone(440, seconds))
    write_raw(folders.spool_folder, Side.OTHER, tone(880, seconds))


def test_the_citizen_is_left_and_the_others_right(folders: Folders) -> None:
    sides(folders)
    recording = folders.finalise(due(10.2))
    assert recording.path == f"recordings/2026/11/22/{CALL}.flac"
    left, right = decoded(folders.state / recording.path)
    assert strongest(left) == pytest.approx(440, abs=0.2)
    assert strongest(right) == pytest.approx(880, abs=0.2)
    assert np.array_equal(left, tone(440, 10))
    assert np.array_equal(right, tone(880, 10))


def test_the_record_says_what_was_stored(folders: Folders) -> None:
    sides(folders)
    recording = folders.finalise(due(10.2))
    assert (recording.status, recording.duration, recording.call_duration) == (Status.OK, 10.0, 10.2)
    assert (recording.channels, recording.sample_rate, recording.started_at) == (2, RATE, at(0))
    assert recording.path is not None
    assert recording.sha256 == folders.store.digest(recording.path).sha256
    parts = [(part.file, part.side, part.duration, part.used) for part in recording.segments]
    assert parts == [
        (f"{CALL}-caller.raw", Side.CALLER, 10.0, 10.0),
        (f"{CALL}-other.raw", Side.OTHER, 10.0, 10.0),
    ]


def test_the_raw_files_stay_until_the_record_is_committed(folders: Folders) -> None:
    sides(folders)
    recording = folders.finalise(due(10))
    assert len(folders.raw()) == 2
    discard_raw(recording, folders.spool, folders.store)
    assert folders.raw() == []
    discard_raw(recording, folders.spool, folders.store)
    assert folders.stored() == [recording.path]


def test_a_silent_specialist_is_heard_from_the_leg(folders: Folders) -> None:
    write_raw(folders.spool_folder, Side.CALLER, tone(440, 60))
    write_raw(folders.spool_folder, Side.OTHER, np.concatenate([tone(880, 30), silence(20), tone(1250, 10)]))
    write_raw(folders.spool_folder, Side.LEG, tone(1250, 30), LEG)
    recording = folders.finalise(due(60, legs=[leg(30, 60)]))
    assert recording.path is not None
    _, right = decoded(folders.state / recording.path)
    for second in range(60):
        heard = strongest(right[second * RATE : (second + 1) * RATE])
        assert heard == pytest.approx(880 if second < 30 else 1250, abs=1)
    assert [(part.side, part.used) for part in recording.segments if part.side is Side.LEG] == [(Side.LEG, 20.0)]
    discard_raw(recording, folders.spool, folders.store)
    assert folders.raw() == []


def test_a_citizen_silent_at_the_same_time_costs_no_word_of_the_specialist(folders: Folders) -> None:
    said = noise(30, seed=5)
    write_raw(folders.spool_folder, Side.CALLER, tone(440, 57))
    write_raw(folders.spool_folder, Side.OTHER, np.concatenate([tone(880, 30), silence(17), said[20 * RATE :]]))
    write_raw(folders.spool_folder, Side.LEG, said, LEG)
    recording = folders.finalise(due(60, legs=[leg(30, 60)]))
    assert (recording.status, recording.duration) == (Status.OK, 60.0)
    assert recording.path is not None
    left, right = decoded(folders.state / recording.path)
    assert np.array_equal(right[30 * RATE :], said)
    assert not left[47 * RATE : 50 * RATE].any()


def test_a_leg_without_talk_with_the_citizen_is_not_heard(folders: Folders) -> None:
    write_raw(folders.spool_folder, Side.CALLER, tone(440, 10))
    write_raw(folders.spool_folder, Side.OTHER, silence(10))
    write_raw(folders.spool_folder, Side.LEG, tone(1250, 5), LEG)
    consulted_only = LegAudio(LEG, (), at(2), at(7), at(2))
    recording = folders.finalise(due(10, legs=[consulted_only]))
    assert recording.path is not None
    assert not decoded(folders.state / recording.path)[1].any()


@pytest.mark.parametrize(
    ("audio", "call", "status"),
    [(100, 100, "ok"), (98.1, 100, "ok"), (97.9, 100, "short"), (100, 5, "ok"), (3, 3.9, "ok"), (3, 4.1, "short")],
)
def test_short_is_less_audio_than_call(folders: Folders, audio: float, call: float, status: str) -> None:
    sides(folders, audio)
    assert folders.finalise(due(call)).status == status


def test_a_recovered_call_may_be_longer_than_its_last_fact(folders: Folders) -> None:
    sides(folders, 60)
    assert folders.finalise(due(12, recovered=True)).status is Status.OK


def test_a_lost_side_makes_the_recording_short(folders: Folders) -> None:
    write_raw(folders.spool_folder, Side.CALLER, tone(440, 10))
    recording = folders.finalise(due(10))
    assert (recording.status, recording.duration) == (Status.SHORT, 10.0)


def test_a_torn_last_sample_does_not_count(folders: Folders) -> None:
    sides(folders)
    with (folders.spool_folder / f"{CALL}-caller.raw").open("ab") as file:
        file.write(b"\x7f")
    recording = folders.finalise(due(10))
    assert recording.path is not None
    assert np.array_equal(decoded(folders.state / recording.path)[0], tone(440, 10))


def test_no_files_are_missing(folders: Folders) -> None:
    recording = folders.finalise(due(10))
    assert (recording.status, recording.path, recording.sha256, recording.segments) == (Status.MISSING, None, None, ())
    discard_raw(recording, folders.spool, folders.store)


def test_files_without_samples_are_empty(folders: Folders) -> None:
    sides(folders, 0)
    recording = folders.finalise(due(10))
    assert (recording.status, recording.path, recording.duration) == (Status.EMPTY, None, 0.0)
    discard_raw(recording, folders.spool, folders.store)
    assert (folders.raw(), folders.stored()) == ([], [])


def test_a_leg_alone_is_kept_for_a_person_to_look_at(folders: Folders) -> None:
    write_raw(folders.spool_folder, Side.LEG, noise(5), LEG)
    recording = folders.finalise(due(10, legs=[leg(3, 8)]))
    discard_raw(recording, folders.spool, folders.store)
    assert (recording.status, folders.raw()) == (Status.EMPTY, [f"{CALL}-leg-{LEG}.raw"])


def test_digital_silence_on_both_sides_is_empty_and_stored(folders: Folders) -> None:
    write_raw(folders.spool_folder, Side.CALLER, silence(5))
    write_raw(folders.spool_folder, Side.OTHER, silence(5))
    recording = folders.finalise(due(5))
    assert (recording.status, recording.duration) == (Status.EMPTY, 5.0)
    assert folders.stored() == [recording.path]
    discard_raw(recording, folders.spool, folders.store)
    assert folders.finalise(due(5)).status is Status.EMPTY


def test_the_stored_file_alone_gives_the_record_back(folders: Folders) -> None:
    write_raw(folders.spool_folder, Side.CALLER, tone(440, 8))
    write_raw(folders.spool_folder, Side.OTHER, tone(440, 7))
    call = due(10)
    first = folders.finalise(call)
    discard_raw(first, folders.spool, folders.store)
    again = folders.finalise(call)
    assert same(first, again)
    assert again.status is Status.SHORT


def test_an_unreadable_stored_file_is_not_taken_for_the_recording(folders: Folders) -> None:
    path = folders.state / f"recordings/2026/11/22/{CALL}.flac"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not flac")
    assert folders.finalise(due(10)).status is Status.MISSING


def test_other_audio_of_the_same_call_is_never_overwritten(folders: Folders) -> None:
    sides(folders, 10)
    first = folders.finalise(due(10))
    discard_raw(first, folders.spool, folders.store)
    sides(folders, 7)
    second = folders.finalise(due(7))
    assert second.path == f"recordings/2026/11/22/{CALL}~2.flac"
    assert folders.stored() == [first.path, second.path]
    discard_raw(second, folders.spool, folders.store)
    assert same(second, folders.finalise(due(7)))


def test_a_file_that_grows_while_it_is_read_is_read_again_later(folders: Folders) -> None:
    sides(folders)

    class Growing(FfmpegEncoder):
        def encode(self, samples: Iterable[bytes], target: Path, tags: Mapping[str, str]) -> None:
            super().encode(samples, target, tags)
            with (folders.spool_folder / f"{CALL}-other.raw").open("ab") as file:
                file.write(bytes(320))

    with pytest.raises(NotYet):
        folders.finalise(due(10), Growing())
    assert folders.stored() == []
    assert folders.finalise(due(10)).status is Status.OK


def test_a_raw_file_that_grew_after_the_recording_is_not_removed(folders: Folders) -> None:
    sides(folders)
    recording = folders.finalise(due(10))
    with (folders.spool_folder / f"{CALL}-other.raw").open("ab") as file:
        file.write(bytes(320))
    with pytest.raises(NotYet):
        discard_raw(recording, folders.spool, folders.store)
    assert len(folders.raw()) == 2


def test_an_altered_stored_file_keeps_the_raw_files(folders: Folders) -> None:
    sides(folders)
    recording = folders.finalise(due(10))
    assert recording.path is not None
    with (folders.state / recording.path).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\0")
    with pytest.raises(AudioMismatch):
        discard_raw(recording, folders.spool, folders.store)
    assert len(folders.raw()) == 2


def test_an_encoder_that_changes_the_samples_is_found_out(folders: Folders) -> None:
    sides(folders)
    with pytest.raises(AudioMismatch):
        folders.finalise(due(10), BrokenEncoder())
    assert (folders.stored(), len(folders.raw())) == ([], 2)


def test_the_md5_in_the_file_is_that_of_the_samples(folders: Folders) -> None:
    sides(folders)
    recording = folders.finalise(due(10))
    assert recording.path is not None
    with folders.store.open(recording.path) as file:
        head = read_head(file)
    said = subprocess.run(
        ["md5sum"],
        input=np.stack([tone(440, 10), tone(880, 10)], axis=1).astype("<i2").tobytes(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert said.split()[0] == head.md5


def test_no_encoder_is_said_and_nothing_lost(folders: Folders) -> None:
    sides(folders)
    with pytest.raises(EncoderMissing, match="imageio-ffmpeg"):
        folders.finalise(due(10), FfmpegEncoder("/no/such/ffmpeg"))
    assert (folders.stored(), len(folders.raw())) == ([], 2)


def test_an_encoder_that_fails_is_said_and_nothing_lost(folders: Folders) -> None:
    sides(folders)
    with pytest.raises(EncoderFailed):
        folders.finalise(due(10), FfmpegEncoder("false"))
    assert (folders.stored(), len(folders.raw())) == ([], 2)


def test_a_full_device_is_told_from_other_failures() -> None:
    with pytest.raises(RecordingStoreFull, match="Nothing is lost"):
        ENCODER.encode([bytes(64000)], Path("/dev/full"), {})


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "small"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_keeps_the_raw_files_and_space_brings_the_recording(small_disk: Path, tmp_path: Path) -> None:
    spool, store = DirectorySpool(tmp_path / "spool"), DirectoryStore(small_disk)
    write_raw(tmp_path / "spool", Side.CALLER, noise(5))
    write_raw(tmp_path / "spool", Side.OTHER, noise(5, seed=2))
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(180_000))
    with pytest.raises(RecordingStoreFull, match="free some"):
        finalise(due(5), spool, store, ENCODER)
    assert len(spool.files()) == 2
    assert store.sweep() == 0
    ballast.unlink()
    recording = finalise(due(5), spool, store, ENCODER)
    assert recording.status is Status.OK


def test_no_space_for_even_a_folder_is_the_same_error(small_disk: Path, tmp_path: Path) -> None:
    sided = Folders(tmp_path)
    sides(sided, 1)
    with (small_disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            try:
                ballast.write(bytes(4096))
            except OSError:
                break
    subprocess.run(["mount", "-o", "remount,nr_inodes=3", str(small_disk)], check=True)
    with pytest.raises(RecordingStoreFull):
        finalise(due(1), sided.spool, DirectoryStore(small_disk), ENCODER)


class Died(BaseException):
    """The process ended here."""


def die() -> None:
    raise Died


def one_life(spool: Spool, store: AudioStore, call: RecordingDue, committed: dict[str, Recording], steps: int) -> bool:
    """One life of the process that may end at a step; whether it lived to the end."""
    countdown = Countdown(steps, die)
    mortal = MortalSpool(spool, countdown), MortalStore(store, countdown)
    try:
        recording = committed.get(call.call_id)
        if recording is None:
            recording = finalise(call, *mortal, MortalEncoder(ENCODER, countdown))
            countdown.step()
            committed[call.call_id] = recording
            countdown.step()
        discard_raw(recording, *mortal)
    except Died:
        return False
    return True


def test_dying_at_any_step_and_doing_it_again_gives_the_same_recording(tmp_path: Path) -> None:
    def fresh(name: str) -> tuple[MemorySpool, MemoryStore]:
        spool = MemorySpool()
        spool.write(f"{CALL}-caller.raw", tone(440, 5).tobytes())
        spool.write(f"{CALL}-other.raw", np.concatenate([tone(880, 2), silence(3)]).tobytes())
        spool.write(f"{CALL}-leg-{LEG}.raw", noise(3).tobytes())
        return spool, MemoryStore(tmp_path / name)

    call = due(5, legs=[leg(2, 5)])
    spool, store = fresh("whole")
    undisturbed: dict[str, Recording] = {}
    assert one_life(spool, store, call, undisturbed, 0)
    deaths, lived = 0, False
    while not lived:
        spool, store = fresh(str(deaths))
        committed: dict[str, Recording] = {}
        lived = one_life(spool, store, call, committed, deaths + 1)
        if not lived:
            deaths += 1
            assert one_life(spool, store, call, committed, 0)
        assert same(undisturbed[CALL], committed[CALL])
        assert list(store.paths()) == [undisturbed[CALL].path]
        assert spool.content == {}
    assert deaths > 15


def test_half_removed_raw_files_do_not_make_a_second_recording(folders: Folders) -> None:
    sides(folders)
    first = folders.finalise(due(10))
    folders.spool.remove(f"{CALL}-caller.raw")
    again = folders.finalise(due(10))
    assert same(first, again)
    discard_raw(again, folders.spool, folders.store)
    assert (folders.raw(), folders.stored()) == ([], [first.path])
