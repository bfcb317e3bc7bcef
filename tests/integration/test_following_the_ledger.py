"""The follower on real files and a real database, while the ledger is written, rotated, torn and taken away."""

import os
import shutil
from datetime import timedelta

from prometheus_client import generate_latest

from telephony.core.call import Call
from telephony.links.ledger_tail import kept_files
from tests.integration.ledgers import MORNING, day, lines, one_call
from tests.integration.rig import Place, assert_complete, folded, following, until

GARBAGE = b'{"eventtype":"CALLER","eventextra":"\\"}\x01\xff\n'


def whole(place: Place, ledger: list[bytes]) -> dict[str, Call]:
    """The calls of a ledger without what happens to it on the disk."""
    path = place.root / "whole.jsonl"
    path.write_bytes(b"".join(ledger))
    return folded([path])


async def test_calls_drafts_and_callbacks_appear_while_the_ledger_is_written_line_by_line(place: Place) -> None:
    ledger = lines([one_call(MORNING, "answered", "0501234567", "Жанна Їжак")])
    async with following(place):
        bridged = next(number for number, line in enumerate(ledger) if b"BRIDGE_EXIT" in line)
        for line in ledger[:bridged]:
            place.write(line)
        await until(lambda: bool(place.sql("SELECT 1 FROM appeals")))
        [record] = (await place.records()).values()
        assert (record.sealed, record.call.operator, record.caller_number) == (False, "olena", "+380501234567")
        assert place.sql("SELECT 1 FROM jobs") == []
        for line in ledger[bridged:]:
            place.write(line)
        await until(lambda: place.sql("SELECT sealed FROM calls") == [(1,)])
    await assert_complete(place)
    [draft] = await place.drafts()
    assert (draft.caller_name, draft.operator, draft.line) == ("Жанна Їжак", "olena", "588-888")
    assert place.sql("SELECT kind, key FROM jobs") == [("finalise", record.call.call_id)]


async def test_position_and_records_of_a_batch_commit_together(place: Place) -> None:
    place.write(*day(40))
    async with following(place) as follower:
        await follower.caught_up()
    [(position, complete)] = place.sql("SELECT position, complete FROM ledger_files")
    assert (position, complete) == (place.ledger.stat().st_size, 0)
    await assert_complete(place)


async def test_lines_written_in_pieces_wait_for_their_end(place: Place) -> None:
    ledger = b"".join(day(12))
    async with following(place) as follower:
        for start in range(0, len(ledger), 3001):
            place.write(ledger[start : start + 3001])
            await follower.caught_up()
    assert place.sql("SELECT * FROM quarantine") == []
    await assert_complete(place)


async def test_a_garbage_line_is_kept_in_quarantine_with_its_place_and_holds_nothing_up(place: Place) -> None:
    ledger = day(8)
    ledger.insert(50, GARBAGE)
    place.write(*ledger)
    async with following(place) as follower:
        await follower.caught_up()
        wanted = b"contact_centre_quarantined_lines_total 1.0"
        await until(lambda: wanted in generate_latest(follower.metrics.registry))
    [(position, line)] = place.sql("SELECT position, line FROM quarantine")
    assert (position, line) == (len(b"".join(ledger[:50])), GARBAGE.rstrip())
    await assert_complete(place)
    [listed] = place.json("ledger", "quarantine")
    assert (listed["file"], listed["position"]) == ("cel_master.jsonl", position)


async def test_a_good_fact_glued_to_a_torn_line_is_kept(place: Place) -> None:
    ledger = day(8)
    expected = whole(place, ledger)
    ledger.insert(60, ledger[60][:100])
    place.write(*ledger)
    async with following(place) as follower:
        await follower.caught_up()
    assert {key: record.call for key, record in (await place.records()).items()} == expected
    assert place.sql("SELECT line FROM quarantine") == [(ledger[60],)]


async def test_a_disk_that_gives_back_zeros_costs_only_what_it_lost(place: Place) -> None:
    ledger = day(8)
    expected = whole(place, ledger)
    ledger.insert(60, bytes(600_000))
    place.write(*ledger)
    async with following(place) as follower:
        await follower.caught_up()
    assert {key: record.call for key, record in (await place.records()).items()} == expected
    assert folded([place.ledger]) == expected


async def test_the_old_file_is_read_to_its_end_after_a_rotation_in_the_middle_of_calls(place: Place) -> None:
    ledger = day(30)
    async with following(place) as follower:
        place.write(*ledger[:200])
        await follower.caught_up()
        place.write(*ledger[200:300])
        old = place.rotate("1")
        with old.open("ab") as late:  # a line on its way while the file was renamed
            late.writelines(ledger[300:310])
        place.write(*ledger[310:])
        await follower.caught_up()
    assert place.sql("SELECT name, complete FROM ledger_files ORDER BY file_id") == [
        ("cel_master.jsonl", 1),
        ("cel_master.jsonl", 0),
    ]
    await assert_complete(place)


async def test_a_renamed_ledger_is_not_left_before_asterisk_has_begun_another(place: Place) -> None:
    ledger = day(10)
    async with following(place) as follower:
        place.write(*ledger[:100])
        await follower.caught_up()
        old = place.rotate("1")
        await until(lambda: not place.ledger.exists())
        with old.open("ab") as late:
            late.writelines(ledger[100:110])
        await follower.caught_up()
        place.write(*ledger[110:])
        await follower.caught_up()
    await assert_complete(place)


async def test_two_rotations_while_the_service_is_stopped_lose_nothing(place: Place) -> None:
    ledger = day(30)
    place.write(*ledger[:150])
    async with following(place) as follower:
        await follower.caught_up()
    place.write(*ledger[150:250])
    place.rotate("1")
    place.write(*ledger[250:400])
    place.rotate("2")
    place.write(*ledger[400:])
    async with following(place) as follower:
        await follower.caught_up()
    await assert_complete(place)


async def test_a_rotated_ledger_that_ends_within_a_line_is_read_up_to_there_and_reported(place: Place) -> None:
    ledger = day(12)
    place.write(*ledger[:100], ledger[100][:70])
    place.rotate("1")
    place.write(*ledger[101:])
    async with following(place) as follower:
        await follower.caught_up()
        await until(lambda: bool(place.sql("SELECT 1 FROM quarantine")))
    [(line, reason)] = place.sql("SELECT line, reason FROM quarantine")
    assert (line, reason) == (ledger[100][:70], "the file ends within a line")


async def test_a_ledger_replaced_by_another_is_read_to_its_end_and_then_the_other(place: Place) -> None:
    ledger = day(20)
    async with following(place) as follower:
        place.write(*ledger[:120])
        await follower.caught_up()
        other = place.root / "other.jsonl"
        other.write_bytes(b"".join(ledger[120:]))
        other.replace(place.ledger)
        await follower.caught_up()
    expected = whole(place, ledger)
    assert {key: record.call for key, record in (await place.records()).items()} == expected


async def test_a_ledger_copied_away_and_cut_in_place_is_followed_in_both(place: Place) -> None:
    ledger = day(20)
    async with following(place) as follower:
        place.write(*ledger[:120])
        await follower.caught_up()
        place.write(*ledger[120:130])
        shutil.copy(place.ledger, place.ledger.with_name("cel_master.jsonl.copy"))
        os.truncate(place.ledger, 0)
        place.write(*ledger[130:])
        await follower.caught_up()
    await assert_complete(place)


async def test_a_shorter_copy_beside_the_ledger_changes_nothing(place: Place) -> None:
    ledger = day(20)
    place.write(*ledger[:100])
    shutil.copy(place.ledger, place.ledger.with_name("cel_master.jsonl.bak"))
    place.write(*ledger[100:200])
    async with following(place) as follower:
        await follower.caught_up()
    place.write(*ledger[200:])
    async with following(place) as follower:
        await follower.caught_up()
    await assert_complete(place)


async def test_a_ledger_that_lost_its_end_in_a_power_failure_is_followed_on(place: Place) -> None:
    before = lines([one_call(MORNING, "answered", "0501234567"), one_call(MORNING, "abandoned", "0507654321")])
    after = lines([one_call(MORNING + timedelta(hours=1), "answered", "0501112233")])
    place.write(*before)
    async with following(place) as follower:
        await follower.caught_up()
    os.truncate(place.ledger, len(b"".join(before[:-5])))
    async with following(place) as follower:
        await until(lambda: bool(place.sql("SELECT 1 FROM quarantine")))
        place.write(*after)
        await follower.caught_up()
    assert [record.sealed for record in (await place.records()).values()] == [True, True, True]
    [(reason,)] = place.sql("SELECT reason FROM quarantine")
    assert reason == f"the file has lost {len(b''.join(before[-5:]))} bytes that were read before"


async def test_a_ledger_whose_folder_appears_late_is_followed_from_its_beginning(place: Place) -> None:
    place.ledger.parent.rmdir()
    async with following(place) as follower:
        await until(lambda: follower.follower.finding().ok)
        place.ledger.parent.mkdir()
        place.write(*day(8))
        await until(place.ledger.exists)
        await follower.caught_up()
        await until(lambda: bool(place.sql("SELECT 1 FROM calls")))
    await assert_complete(place)


async def test_the_next_ledger_is_followed_after_one_was_archived_elsewhere(place: Place) -> None:
    ledger = day(20)
    place.write(*ledger[:200])
    async with following(place) as follower:
        await follower.caught_up()
    archive = place.root / "archive.jsonl"
    place.rotate("1").rename(archive)
    place.write(*ledger[200:])
    async with following(place) as follower:
        await follower.caught_up()
        known = {key: record.call for key, record in (await place.records()).items()}
        begun_later = folded([place.ledger])
        assert begun_later.items() <= known.items()


async def test_a_uniqueid_used_again_after_a_restart_of_ours_is_a_second_call(place: Place) -> None:
    first = lines([one_call(MORNING, "answered", "0501234567")])
    again = [line.replace(b"T08:", b"T09:") for line in first]
    place.write(*first)
    async with following(place) as follower:
        await follower.caught_up()
    place.write(*again)
    async with following(place) as follower:
        await follower.caught_up()
    assert len(await assert_complete(place)) == 2


async def test_older_files_come_first_whatever_their_names_and_first_lines_say(place: Place) -> None:
    ledger = day(20)
    place.ledger.with_name("cel_master-z.jsonl").write_bytes(b"no fact\n" + b"".join(ledger[:100]))
    local = [line.replace(b"T08:", b"T10:").replace(b"+0000", b"+0200") for line in ledger[100:200]]
    place.ledger.with_name("cel_master-a.jsonl").write_bytes(b"".join(local))
    place.write(*ledger[200:])
    names = [found.path.name for found in kept_files(place.ledger)]
    assert names == ["cel_master-z.jsonl", "cel_master-a.jsonl", "cel_master.jsonl"]
    async with following(place) as follower:
        await follower.caught_up()
    await assert_complete(place)
