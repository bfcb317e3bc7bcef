"""Who may be called, by whom, how often and what for; what reaches Asterisk of it."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contact_centre import accounts, outbound
from contact_centre.config import OutboundSettings, Settings
from contact_centre.outbound import CallRefusedError, Refusal, destination, intend
from contact_centre.writer import connect, transaction
from telephony.outbound import OutboundCall, Result, originate_fields
from tests.databases import new_database

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "contact-centre.db"
    new_database(file)
    with closing(connect(file)) as connection, transaction(connection) as tx:
        for login, role, extension in (("olena", "operator", "201"), ("water", "specialist", "202")):
            sip = f"{role}-{login}"
            accounts.add(tx, login=login, name=login, roles=[role], extension=extension, sip_account=sip, at=NOW)
    return file


def ask(path: Path, settings: Settings | None = None, at: datetime = NOW, **changes: Any) -> OutboundCall:  # noqa: ANN401 - the arguments of intend
    wanted = {"number": "0501234567", "operator": "olena", "purpose": None} | changes
    with closing(connect(path)) as connection, transaction(connection) as tx:
        return intend(tx, settings or Settings(), at=at, **wanted)


@pytest.mark.parametrize(
    ("typed", "number", "dial"),
    [
        ("050 123-45-67", "+380501234567", "0501234567"),
        ("+380 (50) 123 45 67", "+380501234567", "0501234567"),
        ("380501234567", "+380501234567", "0501234567"),
        ("51-23-45", "+380372512345", "0372512345"),
        ("0800 505 505", "+380800505505", "0800505505"),
        ("112", "112", "112"),
        ("103\n", "103", "103"),
        ("1547", "1547", "1547"),
    ],
)
def test_a_number_in_any_form_is_called_as_the_provider_wants_it(typed: str, number: str, dial: str) -> None:
    to = destination(typed, Settings())

    assert (to.number, to.dial) == (number, dial)


@pytest.mark.parametrize(
    ("form", "own", "foreign"),
    [("national", "0501234567", "0040212345678"), ("e164", "380501234567", "40212345678"),
     ("plus", "+380501234567", "+40212345678")],
)  # fmt: skip
def test_the_provider_is_sent_the_form_it_wants(form: Any, own: str, foreign: str) -> None:  # noqa: ANN401 - a literal
    settings = Settings(outbound=OutboundSettings(allowed_prefixes=("+380", "+40"), dial_as=form))

    assert destination("0501234567", settings).dial == own
    assert destination("+40212345678", settings).dial == foreign


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("+40212345678", Refusal.NUMBER_NOT_ALLOWED),
        ("0703123456", Refusal.NUMBER_NOT_ALLOWED),
        ("999", Refusal.NUMBER_NOT_ALLOWED),
        ("0900123456", Refusal.NUMBER_INVALID),
        ("588-888", Refusal.OWN_NUMBER),
        ("+380372588888", Refusal.OWN_NUMBER),
        ("15-80", Refusal.OWN_NUMBER),
        ("", Refusal.NUMBER_INVALID),
        ("0501234567\r\nAction: Logoff", Refusal.NUMBER_INVALID),
        ("0501234567&PJSIP/other", Refusal.NUMBER_INVALID),
        ("${SHELL(id)}", Refusal.NUMBER_INVALID),
        ("٠٥٠١٢٣٤٥٦٧", Refusal.NUMBER_INVALID),
        ("1" * 5000, Refusal.NUMBER_INVALID),
    ],
)
def test_what_may_not_be_called_is_refused_with_a_code(typed: str, code: Refusal) -> None:
    with pytest.raises(CallRefusedError) as refused:
        destination(typed, Settings())

    assert refused.value.code is code
    assert len(str(refused.value)) < 300


def test_the_intention_is_stored_with_the_id_that_the_call_will_have(path: Path) -> None:
    call = ask(path)

    assert call.endpoint == "operator-olena"
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT call_id, operator, number, purpose, result FROM outbound_calls").fetchall()
        assert rows == [(call.call_id, "olena", "+380501234567", None, None)]
    with closing(connect(path)) as connection, transaction(connection) as tx:
        outbound.finish(tx, call.call_id, Result.NOT_PICKED_UP)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT result FROM outbound_calls").fetchall() == [("operator_did_not_pick_up",)]


@pytest.mark.parametrize("operator", ["nobody", "water", "olena\r\nAction: Logoff", ""])
def test_only_operators_call(path: Path, operator: str) -> None:
    with pytest.raises(CallRefusedError) as refused:
        ask(path, operator=operator)

    assert refused.value.code is Refusal.NO_SUCH_OPERATOR


def test_a_supervisor_calls_too_and_nobody_without_a_telephone(path: Path) -> None:
    with closing(connect(path)) as connection, transaction(connection) as tx:
        for login, account in (("maria", "operator-maria"), ("petro", None)):
            accounts.add(tx, login=login, name=login, roles=["supervisor"], extension=None, sip_account=account, at=NOW)

    assert ask(path, operator="maria").endpoint == "operator-maria"
    with pytest.raises(CallRefusedError) as refused:
        ask(path, operator="petro")
    assert refused.value.code is Refusal.NO_TELEPHONE


@pytest.mark.parametrize(
    "purpose", ["duty:17", "duty:00000000-0000-7000-8000-000000000000", "weather", "appeal:x,y)", "duty:\r\n", ""]
)
def test_a_purpose_must_exist(path: Path, purpose: str) -> None:
    with pytest.raises(CallRefusedError) as refused:
        ask(path, purpose=purpose)

    assert refused.value.code is Refusal.NO_SUCH_PURPOSE


def test_an_operator_calls_so_often_within_an_hour_and_a_refused_call_counts_for_nothing(path: Path) -> None:
    settings = Settings(outbound=OutboundSettings(calls_per_hour=2))
    ask(path, settings)
    ask(path, settings, NOW + timedelta(minutes=30))
    for _ in range(2):
        with pytest.raises(CallRefusedError) as refused:
            ask(path, settings, NOW + timedelta(minutes=59))
        assert refused.value.code is Refusal.HOURLY_LIMIT
    ask(path, settings, NOW + timedelta(minutes=61))


GOOD = OutboundCall("cc1-out-01a205f6-6d9c-747f-adf8-009b064b05c6", "operator-olena", "+380501234567", "0501234567")


@pytest.mark.parametrize(
    "changes",
    [
        {"call_id": "x"},
        {"call_id": GOOD.call_id + "\r\n"},
        {"endpoint": "operator-olena&PJSIP/x"},
        {"endpoint": "trunk-primary"},
        {"number": "0501234567,evil"},
        {"dial": "050)"},
        {"dial": "0501234567\n"},
        {"purpose": "duty:${SHELL(id)}"},
    ],
)
def test_nothing_that_could_mean_something_else_reaches_asterisk(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is not given to Asterisk"):
        originate_fields(replace(GOOD, **changes))
