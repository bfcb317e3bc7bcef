"""Ledgers folded in pieces, wherever they are cut, give what folding them in one go gives."""

import os
import signal
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telephony import ingest, workers
from telephony.core.call import CallChanged
from telephony.core.grouping import Grouping
from telephony.ingest import Folded
from telephony.pieces import cut, fold_piece
from telephony.workers import Alone, Workers, put_together
from tests.integration.ledgers import day

SCENARIOS = Path(__file__).parents[2] / "scenarios"
GARBAGE = (b"no fact\n", b"\n", b"x" * 70_000 + b"\n", b'{"eventtype":"CHAN_START","eventtime":"2026-11-2')

in_folders = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@cache
def captured(kind: str) -> tuple[bytes, ...]:
    return tuple((SCENARIOS / kind / "ledger.jsonl").read_bytes().splitlines(keepends=True))


def kinds() -> list[str]:
    return sorted(path.parent.name for path in SCENARIOS.glob("*/ledger.jsonl"))


@st.composite
def ledgers(draw: st.DrawFn) -> list[bytes]:
    """Captured and made calls, some at the same time; lines lost, repeated, torn or of another system."""
    lines = [line for kind in draw(st.lists(st.sampled_from(kinds()), max_size=4)) for line in captured(kind)]
    made = day(draw(st.integers(0, 12)), seed=draw(st.integers(0, 5)))
    if draw(st.booleans()):
        made = [line.replace(b"cc1-", b"cc2-") for line in made]
    lines = sorted(lines + made, key=lambda line: line[line.find(b'"eventtime"') :][:40]) if made else lines
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(lines) - 1)))
        lines[at : at + draw(st.integers(0, 2))] = draw(st.lists(st.sampled_from((*lines[:40], *GARBAGE)), max_size=2))
    return lines


def one_go(paths: Sequence[Path]) -> tuple[list[CallChanged], Folded]:
    folded = Folded()
    return [change for changes in ingest.fold_files(paths, folded) for change in changes], folded


def in_pieces(
    paths: Sequence[Path], piece: int, run_up: int, by: Alone | Workers | None = None
) -> tuple[list[CallChanged], Folded]:
    folded = Folded()
    parts = put_together(cut(paths, {}, piece, run_up), by or Alone(), folded, at_once=3)
    return [change for changes in parts for change in changes], folded


@in_folders
@given(ledgers(), st.integers(0, 400), st.integers(1, 60_000), st.integers(0, 60_000))
def test_wherever_ledgers_are_cut_the_records_are_the_same(
    tmp_path: Path, lines: list[bytes], rotated: int, piece: int, run_up: int
) -> None:
    paths = [tmp_path / "1", tmp_path / "2"]
    paths[0].write_bytes(b"".join(lines[:rotated]))
    paths[1].write_bytes(b"".join(lines[rotated:]))

    assert in_pieces(paths, piece, run_up) == one_go(paths)


def test_pieces_and_run_ups_are_whole_lines_and_leave_nothing_out(tmp_path: Path) -> None:
    paths = [tmp_path / "1", tmp_path / "2"]
    whole = day(40)
    paths[0].write_bytes(b"".join(whole[:300]))
    paths[1].write_bytes(b"".join(whole[300:]))

    pieces = cut(paths, {paths[1]: paths[1].stat().st_size - len(whole[-1])}, 20_000, 5_000)

    def read(spans: Sequence[object]) -> bytes:
        return b"".join(span.path.read_bytes()[span.start : span.stop] for span in spans)  # type: ignore[attr-defined]

    assert b"".join(read(piece.own) for piece in pieces) == b"".join(whole[:-1])
    assert [piece.is_last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    before = b""
    for piece in pieces:
        run_up = read(piece.run_up)
        assert before.endswith(run_up)
        assert len(run_up) == len(before) or 4_000 < len(run_up) <= 5_000
        before += read(piece.own)
    assert cut([], {}) == []


def test_a_run_up_that_is_long_enough_needs_no_second_fold(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(b"".join(day(60)))
    pieces = cut([path], {}, 30_000, 200_000)
    assert len(pieces) > 4
    state = Grouping(distinct_ids=False)
    for piece in pieces:
        found = fold_piece(piece)
        assert found.before.stands_for(state.likeness(), found.after.likeness())
        state = found.after
    short = fold_piece(cut([path], {}, 30_000, 0)[1])
    assert not short.before.stands_for(fold_piece(pieces[0]).after.likeness(), short.after.likeness())


def test_processes_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(b"".join(day(80)) + b"no fact\n")
    expected = one_go([path])
    with Workers(2) as two:
        assert in_pieces([path], 30_000, 20_000, two) == expected
        assert in_pieces([path], 30_000, 0, two) == expected
    monkeypatch.setattr(workers, "PIECE_BYTES", 1_000)
    monkeypatch.setattr(workers, "processors", lambda: 2)
    folded = Folded()
    assert [change for changes in workers.fold_files([path], folded) for change in changes] == expected[0]
    assert folded == expected[1]
    monkeypatch.setattr(workers, "processors", lambda: 1)
    assert [change for changes in workers.fold_files([path]) for change in changes] == expected[0]


def test_what_goes_wrong_in_a_process_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(b"".join(day(4)))
    [piece] = cut([path], {})
    path.unlink()
    with Workers(1) as one:
        with pytest.raises(FileNotFoundError):
            one.fold(piece).result()
        [killed] = one.process_ids
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(ChildProcessError):
            one.fold(piece).result()
