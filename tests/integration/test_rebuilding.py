"""``ledger rebuild`` and ``ledger show``: the records are recomputed from the ledgers, appeals are never touched."""

import json

import pytest

from contact_centre.demo.processes import Processes
from tests.integration.ledgers import day
from tests.integration.rig import PROGRAM, Place, assert_complete, folded, following, until

CONTENT = ("calls", "legs", "call_versions", "appeals", "appeal_calls", "appeal_history", "duties", "contact_evidence")


@pytest.fixture
async def ingested(place: Place) -> Place:
    """A place with two ledgers, read to their end; the last calls are going on."""
    ledger = day(24)
    place.write(*ledger[:200])
    place.rotate("1")
    place.write(*ledger[200:-40])
    async with following(place) as follower:
        await follower.caught_up()
    return place


def content(place: Place) -> dict[str, list[tuple[object, ...]]]:
    return {table: place.sql(f"SELECT * FROM {table} ORDER BY 1, 2") for table in CONTENT}  # noqa: S608 - our names


def test_after_ingest_a_rebuild_finds_no_difference_and_changes_nothing(ingested: Place) -> None:
    before = content(ingested)
    done = ingested.command("ledger", "rebuild")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No differences: 24 calls from ")
    assert done.stdout.endswith(" facts in 2 ledger files.\n")
    assert ingested.json("ledger", "rebuild") == []
    assert content(ingested) == before


def test_a_rebuild_leaves_calls_that_are_going_on_unsealed(ingested: Place) -> None:
    going_on = ingested.sql("SELECT call_id FROM calls WHERE sealed = 0")
    assert going_on
    assert ingested.command("ledger", "rebuild").returncode == 0
    assert ingested.sql("SELECT call_id FROM calls WHERE sealed = 0") == going_on


async def test_each_tampered_field_is_printed_and_put_right_in_a_new_version(ingested: Place) -> None:
    query = "SELECT call_id, talk_time FROM calls WHERE operator = 'taras' AND sealed = 1 ORDER BY 1 LIMIT 2"
    [(first, talked), (second, _)] = ingested.sql(query)
    [(third, *_)] = ingested.sql("SELECT call_id FROM calls WHERE queue_outcome = 'abandoned' LIMIT 1")
    [(fourth, *_)] = ingested.sql("SELECT call_id FROM calls WHERE queue_outcome = 'timed_out' AND sealed = 1 LIMIT 1")
    appeals = ingested.sql("SELECT * FROM appeals"), ingested.sql("SELECT * FROM appeal_history")
    ingested.sql("UPDATE calls SET operator = 'mallory', talk_time = 1.0 WHERE call_id = ?", first)
    ingested.sql("UPDATE legs SET party = 'mallory' WHERE call_id = ? AND role = 'operator'", second)
    ingested.sql("DELETE FROM legs WHERE call_id = ?", third)
    ingested.sql("DELETE FROM calls WHERE call_id = ?", third)
    ingested.sql("UPDATE calls SET sealed = 0 WHERE call_id = ?", fourth)
    tampered = content(ingested)

    dry = ingested.command("ledger", "rebuild", "--dry-run", "--json")
    assert dry.returncode == 1
    assert content(ingested) == tampered

    done = ingested.command("ledger", "rebuild", "--json")
    assert done.returncode == 1
    assert done.stdout == dry.stdout
    found = {(one["call_id"], one["field"]): (one["stored"], one["recomputed"]) for one in json.loads(done.stdout)}
    assert set(found) == {
        (first, "operator"),
        (first, "talk_time"),
        (second, "legs"),
        (third, "call_id"),
        (fourth, "sealed"),
    }
    assert found[first, "operator"] == ("mallory", "taras")
    assert found[first, "talk_time"] == (1.0, talked)
    assert found[third, "call_id"] == (None, third)

    versions = ingested.sql("SELECT call_id, version, reason, record FROM call_versions ORDER BY call_id")
    assert {(row[0], row[1], row[2]) for row in versions} == {
        (first, 1, "rebuild"),
        (second, 1, "rebuild"),
        (fourth, 1, "rebuild"),
    }
    old = json.loads(next(row[3] for row in versions if row[0] == first))
    assert (old["call"]["operator"], old["call"]["talk_time"]) == ("mallory", 1.0)
    assert (ingested.sql("SELECT * FROM appeals"), ingested.sql("SELECT * FROM appeal_history")) == appeals
    whole = folded([ingested.ledger.with_name("cel_master.jsonl.1"), ingested.ledger])
    assert {key: record.call for key, record in (await ingested.records()).items()} == whole
    assert ingested.command("ledger", "rebuild").returncode == 0


def test_a_rebuild_leaves_to_the_service_what_the_service_has_not_read_yet(ingested: Place) -> None:
    ingested.write(*day(24)[-40:])
    before = content(ingested)
    assert ingested.command("ledger", "rebuild").returncode == 0
    assert content(ingested) == before


async def test_a_lost_database_is_rebuilt_from_the_ledgers_and_the_service_goes_on_from_there(place: Place) -> None:
    place.write(*day(24))
    done = place.command("ledger", "rebuild", "--json")
    assert done.returncode == 1
    assert {one["field"] for one in json.loads(done.stdout)} == {"call_id"}
    await assert_complete(place)
    async with following(place) as follower:
        await follower.caught_up()
    await assert_complete(place)


async def test_rebuilds_beside_a_busy_service_find_no_difference(place: Place, processes: Processes) -> None:
    ledger = day(400)
    place.write(*ledger[:500])
    processes.start("service", [PROGRAM, "--config", str(place.config), "run"], place.root / "service.log")
    await until(lambda: "is up" in (place.root / "service.log").read_text("utf-8"))
    for start in range(500, len(ledger), 3000):
        place.write(*ledger[start : start + 3000])
        done = place.command("ledger", "rebuild")
        assert done.returncode == 0, done.stdout
    await until(lambda: place.sql("SELECT count(*) FROM calls WHERE sealed = 1") == [(400,)])
    await assert_complete(place)


def test_showing_a_ledger_touches_no_database(place: Place) -> None:
    ledger = day(10)
    place.write(*ledger[:-40], b"no fact\n")
    shown = place.command("ledger", "show", str(place.ledger), "--json")
    assert shown.returncode == 0
    assert [one["call_id"] for one in json.loads(shown.stdout)] == sorted(
        folded([place.ledger]), key=lambda call_id: int(call_id.partition(".")[2])
    )
    assert shown.stderr == f"contact-centre: 1 lines of {place.ledger} are no facts and were left out\n"
    table = place.command("ledger", "show", str(place.ledger))
    assert "olena 0:12" in table.stdout
    assert not place.state.exists()
    assert place.command("ledger", "show", str(place.root / "none")).returncode == 2
