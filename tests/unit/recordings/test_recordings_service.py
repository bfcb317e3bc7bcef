import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from recordings.encoder import FfmpegEncoder
from recordings.errors import ExportRefused, NotYet
from recordings.model import Recording, Side, Status
from recordings.service import QUIET_TIME, Problem, ProblemKind, RecordingService
from tests.unit.recordings.calls import CALL, RATE, START, at, due
from tests.unit.recordings.rig import (
    FixedClock,
    MemorySpool,
    MemoryStore,
    decoded,
    noise,
    strongest,
    tone,
    write_raw,
)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def service(tmp_path: Path, clock: FixedClock) -> RecordingService:
    return RecordingService.on_disk(tmp_path / "spool", tmp_path / "var", clock)


def a_call(tmp_path: Path, call_id: str = CALL, seconds: float = 4) -> None:
    write_raw(tmp_path / "spool", Side.CALLER, tone(440, seconds), call_id=call_id)
    write_raw(tmp_path / "spool", Side.OTHER, tone(880, seconds), call_id=call_id)


@pytest.fixture
def recording(tmp_path: Path, service: RecordingService) -> Recording:
    a_call(tmp_path)
    made = service.finalise(due(4))
    service.discard_raw(made)
    return made


def test_files_written_a_moment_ago_are_not_finalised_yet() -> None:
    spool, clock = MemorySpool(), FixedClock(at(10))
    service = RecordingService(spool, MemoryStore(Path("unused")), FfmpegEncoder(), clock)
    spool.write(f"{CALL}-caller.raw", b"", at(9.5).timestamp())
    with pytest.raises(NotYet) as refused:
        service.finalise(due(9))
    assert refused.value.retry_after == pytest.approx(QUIET_TIME)
    clock.advance(QUIET_TIME / 2)
    with pytest.raises(NotYet) as refused:
        service.finalise(due(9))
    assert 0 < refused.value.retry_after <= QUIET_TIME / 2
    clock.advance(QUIET_TIME / 2)
    assert service.finalise(due(9)).status is Status.EMPTY


def test_files_that_grow_start_the_wait_again_even_under_a_wrong_clock() -> None:
    spool, clock = MemorySpool(), FixedClock(at(10))
    service = RecordingService(spool, MemoryStore(Path("unused")), FfmpegEncoder(), clock)
    tomorrow = at(86400).timestamp()
    for size in (0, 1, 1):
        spool.write(f"{CALL}-caller.raw", bytes(size), tomorrow)
        with pytest.raises(NotYet):
            service.finalise(due(9))
        clock.advance(QUIET_TIME - 0.1)
    clock.advance(0.2)
    assert service.finalise(due(9)).status is Status.EMPTY


def test_a_call_without_files_is_missing_at_once(service: RecordingService) -> None:
    assert service.finalise(due(9)).status is Status.MISSING


def test_waiting_names_the_calls_with_raw_files(tmp_path: Path, service: RecordingService) -> None:
    assert service.waiting() == []
    a_call(tmp_path)
    a_call(tmp_path, "cc1-1795383499.40")
    (tmp_path / "spool" / "notes.txt").touch()
    assert service.waiting() == [CALL, "cc1-1795383499.40"]


def test_start_sweeps_what_a_killed_run_left(tmp_path: Path, service: RecordingService) -> None:
    assert service.start() == 0
    leftover = tmp_path / "var/recordings/.incoming/x.flac"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half")
    assert service.start() == 1
    assert not leftover.exists()


def test_verify_is_content_with_what_was_stored(service: RecordingService, recording: Recording) -> None:
    assert list(service.verify([recording])) == []


def test_verify_finds_an_altered_file(tmp_path: Path, service: RecordingService, recording: Recording) -> None:
    assert recording.path is not None
    stored = tmp_path / "var" / recording.path
    stored.write_bytes(stored.read_bytes()[:-1] + b"!")
    (problem,) = service.verify([recording])
    assert (problem.kind, problem.call_id, problem.path) == (ProblemKind.ALTERED, CALL, recording.path)
    assert problem.expected_sha256 == recording.sha256
    assert problem.found_sha256 not in (None, recording.sha256)


def test_verify_finds_a_missing_file(tmp_path: Path, service: RecordingService, recording: Recording) -> None:
    shutil.rmtree(tmp_path / "var")
    (problem,) = service.verify([recording])
    assert (problem.kind, problem.found_sha256) == (ProblemKind.MISSING, None)


def test_verify_finds_a_file_without_a_record(service: RecordingService, recording: Recording) -> None:
    assert list(service.verify([])) == [Problem(ProblemKind.ORPHAN, None, None, str(recording.path))]


def test_verify_asked_for_it_names_raw_audio_without_a_record(tmp_path: Path, service: RecordingService) -> None:
    a_call(tmp_path)
    assert list(service.verify([])) == []
    kinds = {problem.kind for problem in service.verify([], unfinished=True)}
    assert kinds == {ProblemKind.UNFINISHED}
    assert list(service.verify([service.finalise(due(4))], unfinished=True)) == []


def test_verify_of_a_call_without_audio_has_nothing_to_compare(service: RecordingService) -> None:
    assert list(service.verify([service.finalise(due(9))])) == []


def test_export_to_flac_copies_the_bytes(tmp_path: Path, service: RecordingService, recording: Recording) -> None:
    service.export(recording, tmp_path / "out.flac")
    assert (tmp_path / "out.flac").read_bytes() == (tmp_path / "var" / str(recording.path)).read_bytes()


def test_export_to_wav_has_the_same_samples(tmp_path: Path, service: RecordingService, recording: Recording) -> None:
    service.export(recording, tmp_path / "out.WAV")
    with wave.open(str(tmp_path / "out.WAV")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, RATE, 4 * RATE)
        stereo = np.frombuffer(file.readframes(4 * RATE), "<i2").reshape(-1, 2)
    assert np.array_equal(stereo[:, 0], tone(440, 4))
    assert np.array_equal(stereo[:, 1], tone(880, 4))


def test_export_to_mp3_sounds_the_same(tmp_path: Path, service: RecordingService, recording: Recording) -> None:
    service.export(recording, tmp_path / "out.mp3")
    left, right = decoded(tmp_path / "out.mp3")
    assert strongest(left) == pytest.approx(440, abs=1)
    assert strongest(right) == pytest.approx(880, abs=1)


def test_export_never_overwrites(tmp_path: Path, service: RecordingService, recording: Recording) -> None:
    (tmp_path / "out.wav").write_text("mine")
    with pytest.raises(ExportRefused, match="overwritten"):
        service.export(recording, tmp_path / "out.wav")
    assert (tmp_path / "out.wav").read_text() == "mine"


def test_export_refuses_other_formats(tmp_path: Path, service: RecordingService, recording: Recording) -> None:
    with pytest.raises(ExportRefused, match=r"\.wav"):
        service.export(recording, tmp_path / "out.exe")


def test_export_of_a_call_without_audio_says_so(tmp_path: Path, service: RecordingService) -> None:
    with pytest.raises(ExportRefused, match="no audio"):
        service.export(service.finalise(due(9)), tmp_path / "out.wav")


def test_export_of_a_lost_file_leaves_no_target(
    tmp_path: Path, service: RecordingService, recording: Recording
) -> None:
    shutil.rmtree(tmp_path / "var")
    with pytest.raises(FileNotFoundError):
        service.export(recording, tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


def test_export_that_fails_half_way_leaves_no_target(
    tmp_path: Path, service: RecordingService, recording: Recording
) -> None:
    (tmp_path / "var" / str(recording.path)).write_bytes(noise(1).tobytes())
    with pytest.raises(Exception, match="encoder"):
        service.export(recording, tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


def test_the_clock_of_the_tests_stands_after_the_call() -> None:
    assert FixedClock().now() > START
