"""The command to call a citizen: who may be called, by whom, how often, and what for.

The intention is stored before Asterisk is asked, with the id that the call will have: whatever happens to us then, the
ledger's record of the call and our reason for it find each other.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from sqlalchemy import Column, Index, String, Table, bindparam, func, select, update
from sqlalchemy.dialects.sqlite import insert

from appeals.numbers import NumberKind, parse_number
from appeals.tables import appeals, duties
from contact_centre.accounts import accounts
from contact_centre.config import OutboundSettings, Settings
from contact_centre.numbers import number_plan
from contact_centre.tables import metadata
from telephony.core.lines import LINES
from telephony.outbound import OutboundCall, Result, new_call_id
from telephony.ports import Tx
from telephony.store import stamp

outbound_calls: Final = Table(
    "outbound_calls",
    metadata,
    Column("call_id", String, primary_key=True),
    Column("operator", String, nullable=False),
    Column("number", String, nullable=False),
    Column("purpose", String),
    Column("requested_at", String, nullable=False),
    Column("result", String),
    Index("outbound_calls_operator", "operator", "requested_at"),
    Index("outbound_calls_purpose", "purpose", "requested_at"),
)
"""Calls that operators asked for. ``result`` is a ``Result``; None while it is not known (``outbound_results``)."""

open_requests: Final = outbound_calls.c.result.is_(None) | (outbound_calls.c.result == Result.NO_RECORD.value)
"""What the ledger may still tell something about."""

Index("outbound_calls_open", outbound_calls.c.requested_at, sqlite_where=open_requests, postgresql_where=open_requests)

_INSERT: Final = insert(outbound_calls)
_RECENT: Final = (
    select(func.count())
    .select_from(outbound_calls)
    .where(
        outbound_calls.c.operator == bindparam("of_operator"),
        outbound_calls.c.requested_at > bindparam("since"),
        outbound_calls.c.result.is_(None) | (outbound_calls.c.result == Result.PICKED_UP.value),
    )
)
"""The calls that reached for a citizen, or may yet: only those wear the limit out."""

_ACCOUNT: Final = select(accounts.c.roles, accounts.c.sip_account).where(accounts.c.login == bindparam("of_login"))
_EXISTS: Final = {
    "duty": select(duties.c.duty_id).where(duties.c.duty_id == bindparam("of_id")),
    "appeal": select(appeals.c.appeal_id).where(appeals.c.appeal_id == bindparam("of_id")),
}
_FINISH: Final = (
    update(outbound_calls).where(outbound_calls.c.call_id == bindparam("of_call")).values(result=bindparam("result"))
)
_CALLERS: Final = frozenset({"operator", "supervisor"})
_PURPOSE: Final = re.compile(r"(duty|appeal):([0-9a-f-]{36})\Z")
_HOUR: Final = timedelta(hours=1)
_SHOWN: Final = 40
_OWN: Final = frozenset(form for forms in LINES.values() for form in forms)


class Refusal(StrEnum):
    """Why a call is not made."""

    NUMBER_INVALID = "number_invalid"
    NUMBER_NOT_ALLOWED = "number_not_allowed"
    OWN_NUMBER = "own_number"
    NO_SUCH_OPERATOR = "no_such_operator"
    NO_TELEPHONE = "no_telephone"
    NO_SUCH_PURPOSE = "no_such_purpose"
    HOURLY_LIMIT = "hourly_limit"


class CallRefusedError(Exception):
    """The call is not made; ``code`` says why to programs, the message to people."""

    def __init__(self, code: Refusal, told: str) -> None:
        super().__init__(told)
        self.code = code


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom to call: as the record names them, and as the provider is sent it."""

    number: str
    dial: str


def destination(raw: str, settings: Settings) -> Destination:
    """A number that somebody typed, checked against what may be called.

    Raises:
        CallRefusedError: It is no number, our own, or not among the allowed ones.
    """
    policy = settings.outbound
    typed = re.sub(r"[ ()\N{NO-BREAK SPACE}-]", "", raw.strip()) if len(raw) <= _SHOWN else ""
    if typed in policy.short_numbers:
        return Destination(typed, typed)
    plan = number_plan(settings)
    known = parse_number(raw, plan)
    own = {typed, known.e164}
    if own & (_OWN | {parse_number(one, plan).e164 for one in _OWN} - {None}):
        raise CallRefusedError(Refusal.OWN_NUMBER, "this number is the contact centre's own")
    if known.kind is NumberKind.SHORT:
        allowed = ", ".join(policy.short_numbers)
        raise CallRefusedError(Refusal.NUMBER_NOT_ALLOWED, f"of the short numbers only these may be called: {allowed}")
    if known.e164 is None:
        raise CallRefusedError(Refusal.NUMBER_INVALID, f"{raw[:_SHOWN]!r} is no telephone number that can be called")
    if not known.e164.startswith(policy.allowed_prefixes) or known.e164.startswith(policy.refused_prefixes):
        allowed = ", ".join(policy.allowed_prefixes)
        raise CallRefusedError(
            Refusal.NUMBER_NOT_ALLOWED,
            f"{known.e164} may not be called (outbound.allowed_prefixes: {allowed}; outbound.refused_prefixes)",
        )
    return Destination(known.e164, _dialled(known.e164, policy.dial_as, plan.country_code))


def _dialled(e164: str, form: Literal["national", "e164", "plus"], country_code: str) -> str:
    if form == "plus":
        return e164
    if form == "e164":
        return e164[1:]
    own = e164.removeprefix(f"+{country_code}")
    return f"0{own}" if own != e164 else f"00{e164[1:]}"


def intend(
    tx: Tx, settings: Settings, *, number: str, operator: str, purpose: str | None, at: datetime
) -> OutboundCall:
    """Check a call that an operator wants to make, and store it; nothing rings yet.

    Args:
        tx: the transaction that checks and stores.
        settings: what may be called, and how often.
        number: as it was typed.
        operator: the login of who calls.
        purpose: ``duty:<id>`` or ``appeal:<id>``, or None.
        at: now.

    Raises:
        CallRefusedError: The call may not be made.
    """
    to = destination(number, settings)
    account = tx.fetch_all(_ACCOUNT, {"of_login": operator})
    if not account or _CALLERS.isdisjoint(str(account[0][0]).split()):
        told = f"there is no operator {operator[:_SHOWN]!r}; see `contact-centre operators list`"
        raise CallRefusedError(Refusal.NO_SUCH_OPERATOR, told)
    if account[0][1] is None:
        raise CallRefusedError(Refusal.NO_TELEPHONE, f"{operator} has no telephone of ours")
    _check_purpose(tx, purpose)
    _check_limit(tx, settings.outbound, operator, at)
    call = OutboundCall(
        new_call_id(settings.provision.systemname), str(account[0][1]), to.number, to.dial, purpose or ""
    )
    row = {
        "call_id": call.call_id,
        "operator": operator,
        "number": call.number,
        "purpose": purpose,
        "requested_at": stamp(at),
        "result": None,
    }
    tx.execute(_INSERT, row)
    return call


def finish(tx: Tx, call_id: str, result: Result) -> None:
    """Note what became of a call."""
    tx.execute(_FINISH, {"of_call": call_id, "result": result.value})


def _check_purpose(tx: Tx, purpose: str | None) -> None:
    if purpose is None:
        return
    found = _PURPOSE.match(purpose)
    if found is None or not tx.fetch_all(_EXISTS[found[1]], {"of_id": found[2]}):
        told = f"{purpose[: _SHOWN + 10]!r} is no duty or appeal here; write duty:<id> or appeal:<id>"
        raise CallRefusedError(Refusal.NO_SUCH_PURPOSE, told)


def _check_limit(tx: Tx, policy: OutboundSettings, operator: str, at: datetime) -> None:
    [(made,)] = tx.fetch_all(_RECENT, {"of_operator": operator, "since": stamp(at - _HOUR)})
    if made >= policy.calls_per_hour:
        raise CallRefusedError(
            Refusal.HOURLY_LIMIT,
            f"{operator} has called {made} times within the hour (outbound.calls_per_hour)",
        )
