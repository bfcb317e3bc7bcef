"""``contact-centre duties`` on a real database: from what is owed to what closed it, and who may say so."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appeals.duties import ContactDirection, ContactEvidence
from appeals.service import record_contact
from contact_centre.cli import cli as main
from contact_centre.writer import connect, transaction
from tests.integration.rig import Place

CALL = "cc1-out-1"
MARIA = "+380501234567"
GUARDED = 15


def cli(place: Place, *words: str, exit_with: int = 0) -> Result:
    result = CliRunner().invoke(main, ["--config", str(place.config), *words], prog_name="contact-centre")
    assert result.exit_code == exit_with, (result.output, result.exception)
    return result


def told(place: Place, *words: str) -> Any:  # noqa: ANN401 - whatever is printed
    return json.loads(cli(place, *words, "--json").stdout)


@pytest.fixture
def duty(place: Place) -> str:
    """An applicant is to hear the number of an appeal that came by web; olena has asked for a call to them."""
    place.state.mkdir(parents=True, exist_ok=True)
    assert told(place, "duties", "list") == []  # and the database is there
    for login, role in (("olena", "operator"), ("iryna", "operator"), ("audit", "auditor")):
        row = f"('{login}', '', '{role}', '{login}', '')"
        place.sql(f"INSERT INTO accounts (login, name, roles, extension, created_at) VALUES {row}")  # noqa: S608 - our names
    created = told(
        place, "appeals", "create", "--channel", "web", "--as", "olena",
        "--set", "category=emergency.no_water", "--set", "description=немає води", "--set", f"applicant_phone={MARIA}",
        "--set", "address=Головна, 45",
    )  # fmt: skip
    done = told(place, "appeals", "register", created["appeal_id"], "--as", "olena")
    [inform] = [one for one in done["duties"] if one["kind"] == "inform"]
    row = f"('{CALL}', 'olena', '{MARIA}', '')"
    place.sql(f"INSERT INTO outbound_calls (call_id, operator, number, requested_at) VALUES {row}")  # noqa: S608 - ours
    return str(inform["duty_id"])


def over(place: Place, seconds: float) -> None:
    """The ledger says that the call is over, after so long."""
    at = datetime.now(UTC) + timedelta(seconds=1)
    ended = at + timedelta(seconds=seconds)
    connection = connect(place.state / "contact-centre.db")
    with transaction(connection) as tx:
        record_contact(tx, ContactEvidence(CALL, MARIA, ContactDirection.OUTBOUND, seconds, at, ended))
    connection.close()


def test_a_result_waits_for_the_ledger_and_then_closes(place: Place, duty: str) -> None:
    said = cli(place, "duties", "result", duty, CALL, "told", "--note", "подякувала", "--as", "olena").stdout
    assert "Not closed: it closes as soon as the ledger says" in said
    assert "inform" in cli(place, "duties", "list").stdout
    over(place, 12)
    assert cli(place, "duties", "list").stdout == "Nothing is owed to anybody.\n"
    shown = told(place, "duties", "show", duty, "--as", "olena")
    assert (shown["duty"]["evidence"], shown["duty"]["evidence_kind"]) == (CALL, "call")
    assert [(one["result"], one["note"], one["given_by"]) for one in shown["results"]] == [
        ("told", "подякувала", "olena")
    ]
    assert "closed by call" in cli(place, "duties", "list", "--all").stdout


def test_a_claim_keeps_others_away_until_it_is_released(place: Place, duty: str) -> None:
    assert told(place, "duties", "claim", duty, "--as", "olena")["owner"] == "olena"
    refused = cli(place, "duties", "claim", duty, "--as", "iryna", exit_with=GUARDED)
    assert "olena is at it already" in refused.stderr
    assert [one["duty"]["duty_id"] for one in told(place, "duties", "list", "--owner", "olena")] == [duty]
    assert told(place, "duties", "release", duty, "--as", "olena")["owner"] is None


def test_an_excuse_without_its_grounds_names_what_is_missing(place: Place, duty: str) -> None:
    words = ("duties", "excuse", duty, "unreachable", "--reason", "не відповідає", "--as", "olena")
    refused = cli(place, *words, exit_with=GUARDED)
    assert "3 of 3 calls at different hours" in refused.stderr
    assert "a written message" in refused.stderr


def test_an_answer_for_a_specialist_is_kept(place: Place, duty: str) -> None:
    refused = cli(place, "duties", "control", duty, "--replied", "yes", "--as", "olena", exit_with=GUARDED)
    assert "nobody was referred" in refused.stderr
    place.sql(
        "INSERT INTO duties (duty_id, kind, reason, opened_at, due_at) VALUES"
        " ('control', 'forwarding_control', 'forwarded',"
        " '2026-10-01T08:00:00.000+00:00', '2026-10-02T08:00:00.000+00:00')"
    )
    assert [one["overdue"] for one in told(place, "duties", "list", "--overdue")] == [True]
    words = ("--took-place", "yes", "--replied", "yes", "--prompt", "no")
    done = told(place, "duties", "control", "control", *words, "--as", "olena")
    assert (done["forwarding"]["prompt"], done["evidence_kind"]) == (False, "step")


def test_who_does_not_work_on_duties_who_is_unknown_and_what_is_unknown_are_refused(place: Place, duty: str) -> None:
    assert "is for: operator, supervisor" in cli(place, "duties", "claim", duty, "--as", "audit", exit_with=15).stderr
    assert "there is no nobody" in cli(place, "duties", "list", "--as", "nobody", exit_with=6).stderr
    assert "there is no duty x" in cli(place, "duties", "show", "x", exit_with=6).stderr
    assert "there is no duty x" in cli(place, "duties", "release", "x", "--as", "olena", exit_with=GUARDED).stderr
    unheard = ("duties", "result", duty, "unheard-of", "told", "--as", "olena")
    assert "there is no call unheard-of" in cli(place, *unheard, exit_with=6).stderr
