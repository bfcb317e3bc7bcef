"""The API's pure parts: limits, forms, the document, names of tokens."""

import json
import re
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appeals import commands
from appeals.commands import EDITABLE, Command
from appeals.model import Pause, Role
from appeals.search import AppealQuery
from appeals.workflow import TRANSITIONS
from contact_centre.api import tokens, wire
from contact_centre.api.appeals import AppealsAsked
from contact_centre.api.document import codes
from contact_centre.api.limits import BURST, RateLimits
from contact_centre.api.operations import OPERATIONS, described
from contact_centre.api.problems import BASE, KINDS
from contact_centre.api.tokens import Scope, TokenError


@given(
    per_minute=st.integers(1, 1000),
    gaps=st.lists(st.floats(0, 5, allow_nan=False), min_size=1, max_size=200),
)
def test_no_token_gets_more_than_its_rate_and_its_burst(per_minute: int, gaps: list[float]) -> None:
    limits, now, admitted = RateLimits(), 0.0, 0
    for gap in gaps:
        now += gap
        admitted += limits.wait("t", per_minute, now) == 0
    assert admitted <= max(1, per_minute * BURST) + now * per_minute / 60 + 1e-6
    assert admitted >= 1


@given(per_minute=st.integers(1, 600))
def test_whoever_waits_as_long_as_told_is_let_in(per_minute: int) -> None:
    limits, now = RateLimits(), 0.0
    while (wait := limits.wait("t", per_minute, now)) == 0:
        pass
    assert limits.wait("t", per_minute, now + wait) == 0
    assert limits.wait("other", per_minute, now) == 0


def test_the_list_can_be_asked_everything_that_the_search_can() -> None:
    spans = {"created", "registered", "due"}
    wanted = {one.name for one in fields(AppealQuery)} - spans - {"statuses"}
    wanted |= {"status"} | {f"{name}_{end}" for name in spans for end in ("since", "until")}
    assert wanted - set(AppealsAsked.__struct_fields__) == set()


def test_every_command_that_a_person_may_give_has_its_address() -> None:
    actions = {row.action for row in TRANSITIONS if set(row.roles) - {Role.SYSTEM}}
    served = {one.path.rpartition("/")[2] for one in OPERATIONS if one.path.startswith("/appeals/{appeal_id}/actions/")}
    assert served == actions


def test_what_can_be_edited_can_be_sent() -> None:
    assert set(wire.Changes.__struct_fields__) == EDITABLE


@pytest.mark.parametrize(
    ("command", "sent"),
    [
        (commands.Accept(), {}),
        (
            commands.Edit(changes={"address": None, "privileged": True}),
            {"changes": {"address": None, "privileged": True}},
        ),
        (commands.Register(study=True), {"study": True}),
        (
            commands.Schedule(at=datetime(2030, 1, 1, 8, tzinfo=UTC), reason="кран"),
            {"at": "2030-01-01T10:00:00+02:00", "reason": "кран"},
        ),
        (commands.ReportDone(text="готово", photos=("a", "b")), {"text": "готово", "photos": ["a", "b"]}),
    ],
)
def test_a_form_becomes_the_command_that_it_stands_for(command: Command, sent: dict[str, Any]) -> None:
    kind = type(command)
    form = msgspec.json.decode(json.dumps(sent), type=wire.taken(kind, "Form"))
    assert wire.fill(kind, form) == command


def test_a_pause_is_given_as_on_the_command_line() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    assert msgspec.json.encode(wire.give(wire.given(Pause), Pause(at, None))) == b'["2026-11-23T00:00:00Z",null]'


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(one) for one in value.values()))
    return set().union(*(references(one) for one in value)) if isinstance(value, list) else set()


def test_the_document_tells_of_every_operation_and_refers_to_nothing_that_is_missing() -> None:
    told = described()
    assert {(path, method.upper()) for path, item in told["paths"].items() for method in item} == {
        (BASE + one.path, one.method) for one in OPERATIONS
    }
    schemas = {f"#/components/schemas/{name}" for name in told["components"]["schemas"]}
    assert references(told) <= schemas
    assert schemas - references(told) == set()
    assert all(re.fullmatch(r"\w+", name) for name in told["components"]["schemas"])
    names = [one.name for one in OPERATIONS]
    assert len(set(names)) == len(names)


def test_every_problem_that_an_operation_tells_of_is_known_and_none_is_told_of_nowhere() -> None:
    told = {code for one in OPERATIONS for code in codes(one)}
    assert told - KINDS.keys() == set()
    assert KINDS.keys() - told == {"method_not_allowed"}


def test_only_the_document_and_the_problems_are_open_to_everybody() -> None:
    assert {one.path for one in OPERATIONS if one.scope is None} == {"/openapi.json", "/problems/{code}"}


class NoTx:
    """A transaction that must not be reached."""


@pytest.mark.parametrize(
    ("name", "roles", "service"),
    [
        ("", ("operator",), None),
        ("Open City", ("operator",), None),
        ("a" * 64, ("operator",), None),
        ("x\n", ("operator",), None),
        ("water", ("executor",), None),
        ("water", ("operator",), "water"),
    ],
)
def test_a_token_that_makes_no_sense_is_not_made(name: str, roles: tuple[str, ...], service: str | None) -> None:
    with pytest.raises(TokenError):
        tokens.add(
            NoTx(),  # type: ignore[arg-type]
            name=name,
            scopes=[Scope.APPEALS_READ],
            roles=roles,
            service=service,
            desks=(),
            at=datetime(2026, 11, 23, tzinfo=UTC),
        )


def test_no_token_acts_as_the_program_itself() -> None:
    assert Role.SYSTEM.value not in tokens.ROLES
