"""Small ledgers as text: one fact a line, so that a test shows what happened."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings

from telephony.core.call import Call
from telephony.core.facts import Fact, RawCallerFact
from telephony.core.fold import fold

settings.register_profile("shared-machine", deadline=None, max_examples=60)
settings.load_profile("shared-machine")

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
EPOCH = int(START.timestamp())

Ledger = Callable[[str], list[Fact]]
Folded = Callable[[str], Call]


def uid(number: str) -> str:
    return f"cc1-{EPOCH}.{number}"


def _extra(fields: dict[str, str]) -> str:
    pairs = {f"{key}_id": fields[key] for key in ("bridge", "bridge1", "bridge2") if key in fields}
    if "bridge" in fields:
        pairs["bridge_technology"] = fields.get("technology", "simple_bridge")
    pairs |= {
        f"{key}_uniqueid": fields[key] if fields[key] == "N/A" else uid(fields[key])
        for key in ("transferee_channel", "transfer_target_channel", "local_two")
        if key in fields
    }
    if "extension" in fields:
        pairs["extension"] = fields["extension"]
    pairs |= {key: fields[key] for key in ("class", "sound") if key in fields}
    return json.dumps(pairs, separators=(",", ":")) if pairs else ""


def facts_of(text: str) -> list[Fact]:
    """``<seconds> <EVENT> <technology/endpoint>#<number>[~<linkedid's number>] [field=value ...] [| payload]``."""
    facts: list[Fact] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        head, bar, payload = line.partition("|")
        seconds, event, channel, *rest = head.split()
        fields = dict(item.split("=", 1) for item in rest)
        name, _, ids = channel.partition("#")
        number, _, linked = ids.partition("~")
        technology, slash, endpoint = name.rpartition("/")
        half = f";{fields['half']}" if "half" in fields else ""
        fact = Fact(
            eventtype=event,
            eventtime=START + timedelta(seconds=float(seconds)),
            uniqueid=uid(number),
            linkedid=uid(linked or number),
            channame=f"{technology or 'PJSIP'}{slash or '/'}{endpoint}-{int(fields.get('name', number)):08x}{half}",
            exten=fields.get("exten", ""),
            appname=fields.get("app", ""),
            appdata=fields.get("data", ""),
            eventextra='{"extra":"' + payload.strip() + '"}' if bar else _extra(fields),
        )
        if "num" in fields:
            fact = RawCallerFact(**asdict(fact), name=fields["callername"], num=fields["num"])
        facts.append(fact)
    return facts


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    return facts_of


@pytest.fixture(scope="session")
def folded() -> Folded:
    def only_call(text: str) -> Call:
        (call,) = fold(facts_of(text))
        return call

    return only_call
