"""The command line on a real database: the contract's names and forms, exit codes, empty states, hostile words."""

import json
import re
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contact_centre.cli import COMMANDS
from contact_centre.cli import cli as main
from contact_centre.cli.context import EXIT_CODES, exit_code
from contact_centre.config import AsteriskSettings
from telephony.provision import AsteriskPaths, install
from telephony.provision import Settings as Provision
from tests.integration.ledgers import MORNING, lines, one_call
from tests.integration.rig import Place, following

CALL = [
    "call_id",
    "line",
    "direction",
    "caller_number",
    "caller_number_raw",
    "caller_name",
    "dialled_number",
    "started_at",
    "answered_at",
    "ended_at",
    "queue",
    "queue_outcome",
    "operator",
    "wait_time",
    "talk_time",
    "hold_time",
    "ring_no_answers",
    "transfers",
    "legs",
    "recordings",
    "appeal_ids",
    "purpose",
    "recovered",
]
LEG = ["uniqueid", "role", "party", "started_at", "answered_at", "ended_at", "talk_time", "hold_time"]
APPEAL = [
    "appeal_id",
    "registration_number",
    "kind",
    "status",
    "category",
    "service",
    "operator",
    "line",
    "caller_number",
    "applicant",
    "address",
    "description",
    "channel",
    "created_at",
    "registered_at",
    "due_at",
    "legal_due_at",
    "calls",
    "recordings",
    "duties",
    "history",
]
RECORDING = [
    "recording_id",
    "call_id",
    "path",
    "sha256",
    "duration",
    "call_duration",
    "channels",
    "sample_rate",
    "started_at",
    "segments",
    "status",
]
LISTS = (
    ("calls", "list"),
    ("calls", "requested"),
    ("appeals", "list"),
    ("callbacks", "list"),
    ("recordings", "list"),
    ("operators", "list"),
    ("tokens", "list"),
    ("ledger", "quarantine"),
    ("ledger", "rebuild"),
)
HOSTILE = '\\"; DROP TABLE calls;--\r\n\x01\x1b[31m$(reboot)'


def cli(place: Place, *words: str, exit_with: int = 0) -> Result:
    result = CliRunner().invoke(main, ["--config", str(place.config), *words], prog_name="contact-centre")
    assert result.exit_code == exit_with, (result.output, result.exception)
    return result


def listed(place: Place, *words: str) -> Any:  # noqa: ANN401 - whatever is printed
    return json.loads(cli(place, *words, "--json").stdout)


@pytest.fixture
async def served(place: Place) -> Place:
    """A place with an answered call, a missed one, and one of somebody who calls themselves something hostile."""
    calls = [
        one_call(MORNING, "held", "0501234567", "Жанна Їжак"),
        one_call(MORNING.replace(hour=9), "abandoned", "anonymous", "", "15-80"),
        one_call(MORNING.replace(hour=10), "second_operator", HOSTILE, HOSTILE),
    ]
    place.write(*lines(calls))
    async with following(place) as follower:
        await follower.caught_up()
    place.sql(
        "INSERT INTO recordings VALUES ('r1', (SELECT min(call_id) FROM calls), 'recordings/2026/11/22/a.flac', 'ab',"
        " 13.5, 14.0, 2, 8000, '2026-11-22T08:00:08.000+00:00', 'short')"
    )
    place.sql("INSERT INTO segments VALUES ('r1', 0, 'a-caller.raw', 'caller', 'u', 13.5, 13.5)")
    return place


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_an_empty_installation_lists_nothing_in_json_and_says_a_friendly_sentence(
    place: Place, words: tuple[str, ...]
) -> None:
    assert listed(place, *words) == []
    text = cli(place, *words).stdout
    assert re.fullmatch(r"[A-Z].*[.'\d a-z]\n", text), text


def test_a_call_has_the_contracts_fields(served: Place) -> None:
    first, missed, _ = listed(served, "calls", "list")
    assert [name for name in CALL if name not in first] == []
    assert [name for leg in first["legs"] for name in LEG if name not in leg] == []
    assert (first["caller_number"], first["caller_name"], first["line"]) == ("+380501234567", "Жанна Їжак", "588-888")
    assert (first["queue_outcome"], first["operator"], first["direction"]) == ("answered", "olena", "inbound")
    assert (first["wait_time"], first["talk_time"], first["hold_time"]) == (1.999, 10.5, 1.5)
    assert first["recordings"] == ["r1"]
    assert first["appeal_ids"] == [draft["appeal_id"] for draft in listed(served, "appeals", "list")[1:]]
    assert (missed["caller_number"], missed["caller_number_raw"]) == (None, "anonymous")
    assert (missed["operator"], missed["answered_at"], missed["recordings"]) == (None, None, [])
    for time in (first["started_at"], first["legs"][0]["ended_at"], first["answered_at"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", time)
        assert datetime.fromisoformat(time).utcoffset() is not None
    assert listed(served, "calls", "show", first["call_id"]) == first


def test_a_transfer_has_the_contracts_fields(place: Place) -> None:
    fixture = Path(__file__).parents[1] / "scenarios" / "blind_transfer" / "ledger.jsonl"
    [call] = listed(place, "ledger", "show", str(fixture))
    [transfer] = call["transfers"]
    assert sorted(transfer) == ["answered", "at", "by", "kind", "to"]
    assert (transfer["kind"], transfer["by"], transfer["to"], transfer["answered"]) == ("blind", "olena", "water", True)


def test_appeals_callbacks_and_recordings_have_the_contracts_fields(served: Place) -> None:
    drafts = listed(served, "appeals", "list")
    assert [name for draft in drafts for name in APPEAL if name not in draft] == []
    assert {(draft["status"], draft["kind"], draft["registration_number"]) for draft in drafts} == {("new", None, None)}
    assert drafts[1]["recordings"] == []
    assert listed(served, "appeals", "show", drafts[0]["appeal_id"]) == drafts[0]
    assert listed(served, "callbacks", "list") == []
    [callback] = listed(served, "callbacks", "list", "--all")
    assert (callback["state"], callback["reason"], callback["number"]) == ("uncallable", "abandoned", None)
    [recording] = listed(served, "recordings", "list")
    assert [name for name in RECORDING if name not in recording] == []
    assert (recording["status"], recording["duration"], recording["call_duration"]) == ("short", 13.5, 14.0)
    assert listed(served, "recordings", "show", recording["call_id"]) == recording


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--line", "15-80"], 1),
        (["--operator", "olena"], 1),
        (["--outcome", "answered"], 2),
        (["--number", "0501234567"], 1),
        (["--number", "+380 50 123 45 67"], 1),
        (["--number", "anonymous"], 1),
        (["--since", "2026-11-22T11:30"], 1),
        (["--since", "2026-11-22T09:30Z"], 1),
        (["--until", "2026-11-22"], 0),
        (["--limit", "2"], 2),
        (["--line", "15-80", "--operator", "olena"], 0),
    ],
)
def test_calls_are_filtered(served: Place, words: list[str], count: int) -> None:
    assert len(listed(served, "calls", "list", *words)) == count


def test_what_a_caller_calls_themselves_arrives_whole_and_does_not_steer_the_terminal(served: Place) -> None:
    assert listed(served, "calls", "list")[2]["caller_name"] == HOSTILE
    for words in (
        ("calls", "list"),
        ("appeals", "list"),
        ("calls", "show", listed(served, "calls", "list")[2]["call_id"]),
    ):
        shown = cli(served, *words).stdout
        assert not set(shown) & {"\x1b", "\x01", "\r"}
    assert "$(reboot)" in cli(served, "appeals", "list").stdout


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["calls", "show", "x"], 6, "there is no call x"),
        (["appeals", "show", "x"], 6, "there is no appeal x"),
        (["recordings", "show", "x"], 6, "there is no recording x, nor one of a call of this id"),
        (["operators", "remove", "x"], 6, "there is no x; `contact-centre operators list` shows who is"),
        (["run", "--role", "node"], 4, "--role node is reserved for installations of several nodes and not built yet"),
    ],
)
def test_what_is_not_there_is_said_in_one_line_with_its_code(
    place: Place, words: list[str], code: int, told: str
) -> None:
    assert cli(place, *words, exit_with=code).stderr == f"contact-centre: {told}\n"


def test_wrong_usage_ends_with_2_and_wrong_settings_with_3(place: Place) -> None:
    assert "is no time; write 2026-11-22" in cli(place, "calls", "list", "--since", "today", exit_with=2).stderr
    cli(place, "calls", "list", "--outcome", "lost", exit_with=2)
    cli(place, "no-such-command", exit_with=2)
    place.config.write_text("[web]\nport = 0\n")
    assert "web.port" in cli(place, "calls", "list", exit_with=3).stderr


def test_a_newer_schema_is_refused_by_every_command_and_nothing_is_changed(served: Place) -> None:
    served.sql("UPDATE alembic_version SET version_num = '9999'")
    for words in (["calls", "list"], ["ledger", "rebuild"], ["run"], ["operators", "add", "x", "--name", "X"]):
        if words[0] == "operators":
            (served.etc / "phones.d").mkdir()
        told = cli(served, *words, exit_with=5).stderr
        assert "its schema (9999) is newer than this program knows; install the newer program" in told
    assert "WRONG  database" in cli(served, "doctor", exit_with=1).stdout
    assert served.sql("SELECT version_num FROM alembic_version") == [("9999",)]
    assert not (served.state / "backups").exists()


def test_a_database_of_another_program_is_refused(place: Place) -> None:
    place.state.mkdir()
    place.sql("CREATE TABLE recipes (name TEXT)")
    assert "a database of another program" in cli(place, "calls", "list", exit_with=5).stderr


def test_every_error_with_a_code_exists() -> None:
    for name, code in EXIT_CODES.items():
        module, _, kind = name.rpartition(".")
        error = getattr(import_module(module), kind)
        assert issubclass(error, Exception)
        assert exit_code(error.__new__(error)) == code
    assert exit_code(ZeroDivisionError()) is None


def test_every_command_can_be_loaded_and_explains_itself() -> None:
    runner = CliRunner()
    for name in COMMANDS:
        assert runner.invoke(main, [name, "--help"]).exit_code == 0
    assert all(name in runner.invoke(main, ["--help"]).stdout for name in COMMANDS)


def test_doctor_creates_nothing_and_says_what_is_wrong_line_by_line(place: Place) -> None:
    before = sorted(place.root.rglob("*"))
    done = cli(place, "doctor", exit_with=1)
    assert sorted(place.root.rglob("*")) == before
    assert f"WRONG  {'ledger':<18} {place.ledger}: no ledger yet\n" in done.stdout
    assert f"ok     {'state_disk':<18} {place.root}: " in done.stdout
    assert "will be created at the first start" in done.stdout
    findings = listed_doctor(place)
    assert {"ledger", "ledger_disk", "audio_disk", "state_disk", "database", "ami", "clock", "sipp"} <= findings.keys()
    assert all(one["remedy"] for one in findings.values() if not one["ok"])


@pytest.mark.parametrize(("content", "ok"), [(b"", True), (b"1,2,CHAN_START\n" * 9, False), (None, True)])
def test_doctor_tells_a_ledger_of_json_facts_from_one_that_is_not(
    place: Place, content: bytes | None, *, ok: bool
) -> None:
    place.write(*(lines([one_call(MORNING, "greeting", "1")]) if content is None else [content]))
    assert listed_doctor(place)["ledger"]["ok"] is ok


def listed_doctor(place: Place) -> dict[str, Any]:
    return {one["probe"]: one for one in json.loads(cli(place, "doctor", "--json", exit_with=1).stdout)}


@pytest.fixture
def configured(place: Place) -> Place:
    """With Asterisk's configuration installed, and no Asterisk running."""
    paths = AsteriskPaths.under(place.root / "asterisk", Path("/usr/lib/asterisk/modules"))
    install(AsteriskSettings().config_source, place.etc, paths, Provision())
    return place


def test_an_operators_telephone_is_a_page_or_a_sip_phone(configured: Place) -> None:
    added = json.loads(cli(configured, "operators", "add", "olena", "--name", "Олена", "--browser", "--json").stdout)
    assert (added["extension"], added["browser"], added["sip_password"]) == ("201", True, None)
    phone = configured.etc / "phones.d" / "operator-olena.conf"
    assert "webrtc = yes" in phone.read_text("utf-8")

    changed = json.loads(cli(configured, "operators", "phone", "olena", "--sip", "--json").stdout)

    assert (changed["extension"], changed["browser"], len(changed["sip_password"])) == ("201", False, 20)
    assert "webrtc" not in phone.read_text("utf-8")
    cli(configured, "operators", "add", "w", "--name", "В", "--role", "specialist", "--browser", exit_with=2)
    cli(configured, "operators", "phone", "taras", "--browser", exit_with=6)


def test_an_operator_is_added_listed_and_removed_without_an_asterisk(configured: Place) -> None:
    done = cli(configured, "operators", "add", "olena", "--name", " Олена  Ткачук ", "--json")
    added = json.loads(done.stdout)
    assert added | {"sip_password": ""} == {
        "login": "olena",
        "name": "Олена Ткачук",
        "roles": ["operator"],
        "extension": "201",
        "sip_account": "operator-olena",
        "sip_password": "",
        "browser": False,
        "loaded": False,
        "service": None,
        "desks": [],
        "hours": None,
    }
    assert "is Asterisk running" in done.stderr
    assert "Asterisk loads them at its next start or reload" in done.stderr
    phone = (configured.etc / "phones.d" / "operator-olena.conf").read_text("utf-8")
    assert "[operator-olena]" in phone
    assert added["sip_password"] not in phone
    cli(configured, "operators", "add", "water", "--name", "Водоканал", "--role", "specialist")
    [first, second] = listed(configured, "operators", "list")
    assert (first["login"], first["name"], first["roles"], first["extension"]) == (
        "olena",
        "Олена Ткачук",
        ["operator"],
        "201",
    )
    assert (second["sip_account"], second["extension"]) == ("specialist-water", "202")
    assert "removed" in cli(configured, "operators", "remove", "olena").stdout
    assert not (configured.etc / "phones.d" / "operator-olena.conf").exists()
    assert [one["login"] for one in listed(configured, "operators", "list")] == ["water"]


def test_a_specialist_has_hours_which_can_be_changed(configured: Place) -> None:
    hours = "mon-fri 08:00-20:00, sat 09:00-14:00"
    person = ("psy", "--name", "Психолог", "--role", "specialist")
    refused = cli(configured, "operators", "add", *person, "--hours", "as it comes", exit_with=2)
    assert "mon-fri 08:00-17:00" in refused.stderr
    assert listed(configured, "operators", "list") == []
    cli(configured, "operators", "add", *person, "--hours", hours)
    assert [one["hours"] for one in listed(configured, "operators", "list")] == [hours]
    cli(configured, "operators", "hours", "psy", "--hours", "24/7")
    assert [one["hours"] for one in listed(configured, "operators", "list")] == ["24/7"]
    cli(configured, "operators", "hours", "psy", "--hours", "mon", exit_with=2)
    assert "always" in cli(configured, "operators", "hours", "psy").stdout
    cli(configured, "operators", "hours", "nobody", exit_with=6)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["olena", "--name", "Друга"], 8, "login olena is taken"),
        (["iryna", "--name", "Ірина", "--extension", "201"], 8, "extension 201 is taken"),
        (["iryna", "--name", "Ірина", "--extension", "112"], 8, "not an emergency number"),
        (["iryna", "--name", "Ірина", "--extension", "20x"], 8, "three to five digits"),
        (["../../x", "--name", "X"], 8, "a-z first"),
        (["a]\nb", "--name", "X"], 8, "a-z first"),
        (["Олена", "--name", "X"], 8, "a-z first"),
        (["iryna", "--name", "a\x1b[31m"], 2, "one line of printable text"),
        (["iryna", "--name", "  "], 2, "one line of printable text"),
        (["iryna", "--name", "x" * 101], 2, "one line of printable text"),
        (["iryna", "--name", "X", "--role", "king"], 2, "'king' is not one of"),
    ],
)
def test_a_wrong_operator_is_refused_and_leaves_nothing(
    configured: Place, words: list[str], code: int, told: str
) -> None:
    cli(configured, "operators", "add", "olena", "--name", "Олена")
    before = sorted(configured.etc.rglob("*"))
    assert told in cli(configured, "operators", "add", *words, exit_with=code).stderr
    assert sorted(configured.etc.rglob("*")) == before
    assert [one["login"] for one in listed(configured, "operators", "list")] == ["olena"]


def test_without_a_configuration_of_asterisk_no_operator_is_added_and_the_remedy_is_named(place: Place) -> None:
    told = cli(place, "operators", "add", "olena", "--name", "Олена", exit_with=8).stderr
    assert "contact-centre asterisk install" in told
    assert listed(place, "operators", "list") == []


def test_the_program_prints_utf8_json_whatever_the_terminal_speaks(served: Place) -> None:
    done = served.command("calls", "list", "--json", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert json.loads(done.stdout)[0]["caller_name"] == "Жанна Їжак"
    assert done.stderr == ""


def test_people_without_a_telephone_need_no_asterisk_at_all(place: Place) -> None:
    cli(place, "operators", "add", "vodokanal", "--name", "Диспетчер", "--role", "executor", "--service", "vodokanal")
    cli(place, "operators", "add", "psy", "--name", "Психолог", "--role", "auditor", "--desk", "counselling")
    first, second = listed(place, "operators", "list")
    assert (first["desks"], second["service"]) == (["counselling"], "vodokanal")
    assert {one["sip_account"] for one in (first, second)} == {None}
    without = cli(place, "operators", "add", "x", "--name", "X", "--role", "executor", exit_with=2)
    assert "executor acts for a service" in without.stderr
    assert "is taken" in cli(place, "operators", "add", "psy", "--name", "Y", "--role", "mayor", exit_with=8).stderr
    executor = ("operators", "add", "x", "--name", "X", "--role", "executor", "--service", "moon")
    assert "there is no service 'moon'" in cli(place, *executor, exit_with=15).stderr
    auditor = ("operators", "add", "x", "--name", "X", "--role", "auditor", "--desk", "moon")
    assert "there is no desk 'moon'" in cli(place, *auditor, exit_with=15).stderr
    assert "is removed" in cli(place, "operators", "remove", "psy").stdout


def test_a_call_list_loads_neither_web_server_nor_migrations(served: Place) -> None:
    done = served.command("calls", "list", PYTHONPROFILEIMPORTTIME="1")
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "sqlalchemy" in loaded
    assert not loaded & {"aiohttp", "alembic", "panoramisk", "prometheus_client"}
