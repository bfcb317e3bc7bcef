"""Logs: JSON lines, bound to the call, in which nobody's number or name can be read."""

import io
import json
import logging
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from contact_centre import logs

Read = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Read]:
    """What has been logged, from the level on that a test asks for."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure(getattr(request, "param", "debug"))
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


NUMBERS = [
    "0501234567",
    "+380501234567",
    "380501234567",
    "588123",
    "+380 50 123 45 67",
    "(050) 123-45-67",
    "050 123 45 67",
    "+1 (202) 555-0147",
]
SETTINGS = ["{}", "call from {}.", "sip:{}@host", "from={},to=1580", "'{}'", "[{}]", "tel-{}", "Dial({})", "{}: busy"]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_masked_wherever_it_stands(read: Read, setting: str, number: str) -> None:
    log = structlog.get_logger()
    log.info(setting.format(number), error=setting.format(number), nested={"list": [setting.format(number)]})
    logging.getLogger("some.library").warning("%s", setting.format(number))
    text = json.dumps([{**line, "timestamp": None} for line in read()])
    assert re.sub(r"\D", "", number)[-7:-2] not in re.sub(r"[ ().-]", "", text)


@given(st.from_regex(r"(\+380|380|0)[3-9][0-9]{8}", fullmatch=True), st.text(" ,;=/<>'\"()", max_size=3))
def test_any_subscribers_number_is_masked(number: str, around: str) -> None:
    masked = logs.mask(None, "info", {"event": f"a{around} {number}{around}"})["event"]
    assert number[-7:] not in masked


@pytest.mark.parametrize(
    "text",
    [
        "cc1-1795383430.11",
        "1795383430.11",
        "2026-11-22T21:37:10.039+00:00",
        "2026-11-22 21:37:10",
        "0192f6c4-1a2b-7c3d-8e4f-001122334455",
        "127.0.0.1:8015",
        "12345 bytes",
        "1580",
    ],
)
def test_what_is_no_number_stays_readable(text: str) -> None:
    assert logs.mask(None, "info", {"event": f"about {text}, done"})["event"] == f"about {text}, done"


def test_personal_keys_show_a_masked_number_and_never_a_name(read: Read) -> None:
    structlog.get_logger().info("x", caller_number="+380501234567", number=380501234567, caller_name="Жанна", name=None)
    [line] = read()
    assert line["caller_number"] == "+380*****4567"
    assert "1234" not in str(line["number"])
    assert (line["caller_name"], line["name"]) == ("***", None)


def test_a_number_in_an_exception_is_masked_also_in_its_traceback(read: Read) -> None:
    try:
        int("no such number 0501234567")
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed")
    lines = read()
    assert all(
        "ValueError: invalid literal for int() with base 10: 'no such number ***" in line["exception"] for line in lines
    )
    assert all("0501234567" not in json.dumps(line) for line in lines)


def test_each_line_is_one_json_object_with_time_and_level_and_the_call_that_is_bound(read: Read) -> None:
    with structlog.contextvars.bound_contextvars(call_id="cc1-1795383430.11"):
        structlog.get_logger().warning("дзвінок\nу два рядки", position=1234567890)
        logging.getLogger("library").error("its words")
    ours, theirs = read()
    assert (ours["event"], ours["level"], ours["call_id"]) == ("дзвінок\nу два рядки", "warning", "cc1-1795383430.11")
    assert ours["position"] == 1234567890
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"], theirs["call_id"]) == ("its words", "error", "cc1-1795383430.11")


@pytest.mark.parametrize("name", ["aiosqlite", "sqlalchemy.engine.Engine", "panoramisk.manager", "alembic.runtime"])
def test_libraries_that_would_tell_values_or_secrets_are_kept_quiet(read: Read, name: str) -> None:
    logging.getLogger(name).info("INSERT ... ('Жанна', '0501234567')")
    assert read() == []


@pytest.mark.parametrize("read", ["error"], indirect=True)
def test_below_the_level_nothing_is_written(read: Read) -> None:
    structlog.get_logger().warning("not this")
    structlog.get_logger().error("this", error=sqlite3.OperationalError("disk is full"))
    assert [(line["event"], line["error"]) for line in read()] == [("this", "disk is full")]
