"""The directory: who is there, who is free, how they are found, calls to services, and what became of forwardings."""

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from appeals.reference import CITY_TIME
from contact_centre import accounts, casework
from telephony import store
from telephony.core.call import Call, CallChanged, Direction, Leg, QueueOutcome, Role, Span, Transfer, TransferKind
from telephony.ports import Tx
from telephony.switchboard import PhoneState
from tests.integration.console_rig import Browser, Console, browser, console

CITIZEN: Final = "+380661112205"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as one:
        one.town.clock.at = datetime(2026, 11, 23, 10, 0, tzinfo=CITY_TIME)  # a Monday
        await add(one, "olena", "Олена Ткачук", "operator", "201")
        await add(one, "maria", "Марія Бойчук", "supervisor", "202")
        await add(one, "psy", "Психолог", "specialist", "301", hours="mon-fri 08:00-20:00")
        await add(one, "heat", "Диспетчер теплоенерго", "specialist", "302", hours="sat-sun 08:00-20:00")
        yield one


@pytest.fixture
async def desk(site: Console) -> AsyncIterator[Browser]:
    async with browser(site) as one:
        await one.sign_in("olena")
        yield one


async def add(site: Console, login: str, name: str, role: str, extension: str, hours: str | None = None) -> None:
    """A person with a telephone."""
    await site.person(login, role, name=name)
    kind = "specialist" if role == "specialist" else "operator"
    await site.town.site.writer.run(
        lambda tx: tx.execute(
            accounts.accounts.update()
            .where(accounts.accounts.c.login == login)
            .values(extension=extension, sip_account=f"{kind}-{login}", hours=hours)
        )
    )


async def found(one: Browser, query: str = "") -> list[str]:
    page = await (await one.get(f"/directory/list?{query}")).text()
    return re.findall(r'data-code="([^"]+)"', page)


async def row(one: Browser, code: str, query: str = "") -> str:
    """What stands of somebody, as text."""
    page = await (await one.get(f"/directory/list?{query}")).text()
    [shown] = re.findall(rf'<li class="known" data-code="{code}".*?</li>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", shown).split())


async def test_everybody_stands_there_with_hours_and_whether_they_are_free(site: Console, desk: Browser) -> None:
    site.switchboard.states = {"specialist-psy": PhoneState.FREE, "operator-maria": PhoneState.USE}
    assert set(await found(desk)) >= {"psy", "heat", "maria", "water", "gas"}
    assert "olena" not in await found(desk), "nobody puts a citizen through to themselves"
    psychologist = await row(desk, "psy")
    assert "вільно до 20:00" in psychologist
    assert "пн–пт 08:00–20:00" in psychologist
    assert "301" in psychologist
    assert "немає на місці з 28.11 08:00" in await row(desk, "heat")
    assert "говорить" in await row(desk, "maria")
    assert "+380 372 520 000" in await row(desk, "water")
    assert "цілодобово" in await row(desk, "gas")


async def test_who_is_free_is_not_known_while_asterisk_is_away(site: Console, desk: Browser) -> None:
    site.switchboard.down = True
    page = await (await desk.get("/directory")).text()
    assert "Asterisk зараз не каже, хто вільний" in page
    assert "невідомо" in await row(desk, "psy")


async def test_somebody_is_found_from_two_letters_in_any_form_by_what_they_do_or_by_number(
    desk: Browser,
) -> None:
    for question, code in {
        "пс": "psy",
        "психологу": "psy",
        "психолога": "psy",
        "301": "psy",
        "водоканалом": "water",
        "канал": "water",
        "leak": "water",
        "104": "gas",
        "Бойчук": "maria",
    }.items():
        assert (await found(desk, f"q={question}"))[:1] == [code], question
    assert await found(desk, "q=п") == []
    assert await found(desk, "q=жираф") == []
    page = await (await desk.get("/directory?q=жираф")).text()
    assert "Нікого не знайдено" in page


async def test_the_desk_shows_whom_one_can_reach_and_the_rest_when_it_is_looked_for(desk: Browser) -> None:
    shown = await found(desk, "compact=1")
    assert shown[:2] == ["psy", "heat"]
    assert "maria" not in shown
    assert "roads" not in shown, "there is no way to reach it"
    assert await found(desk, "compact=1&q=марії") == ["maria"]
    page = await (await desk.get("/directory/list?compact=1&q=пси")).text()
    assert page.count('data-forward="301"') == 2


async def test_a_service_outside_is_called_and_the_call_belongs_to_the_appeal(site: Console, desk: Browser) -> None:
    appeal = await site.town.appeal()
    fields = {"appeal_id": appeal.appeal_id}
    assert (await desk.send("/call/service/water", fields)).status == 200
    assert (await desk.send("/call/service/gas")).status == 200
    assert [(one.number, one.purpose) for one in site.switchboard.placed] == [
        ("+380372520000", f"appeal:{appeal.appeal_id}"),
        ("104", ""),
    ]


async def test_calls_to_nobody_are_refused_in_words(site: Console, desk: Browser) -> None:
    secret = await site.town.appeal("education.bullying")
    for path, fields, status in (
        ("/call/service/nobody", {}, 404),
        ("/call/service/roads", {}, 409),
        ("/call/service/water", {"appeal_id": secret.appeal_id}, 404),
        ("/call/service/water", {"appeal_id": "nonsense"}, 404),
    ):
        answer = await desk.send(path, fields)
        assert answer.status == status, path
        assert (await answer.json())["message"]
    assert site.switchboard.placed == []


def forwarded_call(at: datetime, kind: TransferKind, talked: float | None) -> Call:
    """A citizen whom Olena put through to the psychologist, who spoke with them for so long, or did not answer."""
    own = Span(at + timedelta(seconds=10), at + timedelta(seconds=60))
    legs = [Leg("cc-1.2", Role.OPERATOR, "olena", at, own.start, own.end, 50.0, 0.0, (own,))]
    begin = at + timedelta(seconds=60)
    end = begin + timedelta(seconds=talked or 25)
    spans = () if talked is None else (Span(begin, end),)
    answered = None if talked is None else begin
    legs.append(Leg("cc-1.3", Role.SPECIALIST, "psy", begin, answered, end, talked or 0.0, 0.0, spans))
    return Call(
        call_id="cc-1",
        line="15-80",
        direction=Direction.INBOUND,
        caller_number_raw=CITIZEN,
        caller_name=None,
        dialled_number="1580",
        started_at=at,
        answered_at=own.start,
        ended_at=end,
        queue="contact-centre",
        queue_outcome=QueueOutcome.ANSWERED,
        operator="olena",
        wait_time=3.0,
        talk_time=50.0 + (talked or 0.0),
        hold_time=0.0,
        ring_no_answers=0,
        transfers=(Transfer(kind, begin, "olena", "psy", talked is not None),),
        legs=tuple(legs),
        purpose=None,
        dial_status=None,
        recovered=False,
        group_id="cc-1",
        recorded_from=None,
        promised_at=None,
        refused=None,
        anomalies=(),
    )


@pytest.mark.parametrize(
    ("kind", "talked", "said"),
    [
        (TransferKind.BLIND, 84.0, "З’єднано одразу – Психолог: говорили 1:24."),
        (TransferKind.ATTENDED, 84.0, "З’єднано після розмови – Психолог: говорили 1:24."),
        (TransferKind.BLIND, None, "З’єднано одразу – Психолог: там ніхто не відповів; треба передзвонити."),
    ],
)
async def test_what_became_of_a_forwarding_stands_on_the_appeal_and_on_the_desk(
    site: Console, desk: Browser, kind: TransferKind, talked: float | None, said: str
) -> None:
    call = forwarded_call(site.town.clock.now() - timedelta(minutes=5), kind, talked)

    def keep(tx: Tx) -> None:
        change = CallChanged(call, over=True)
        store.save_call(tx, change, CITIZEN, at=call.started_at, reason="told")
        casework.apply(tx, [change], lambda raw: raw)

    await site.town.site.writer.run(keep)
    assert said in await (await desk.get("/directory/forwarded")).text()
    listed = await (await desk.get("/appeals?operator=olena")).text()
    [appeal_id] = set(re.findall(r"/console/appeals/([0-9a-f-]{36})", listed))
    page = await (await desk.get(f"/appeals/{appeal_id}")).text()
    assert said in page
    assert "put_through" not in page
    duties = await (await desk.get("/duties")).text()
    assert ('"duty-what"><b>Передзвонити<' in duties) == (talked is None)
    if talked is not None:
        [control] = re.findall(r'data-answer="/console(/duties/[^"]+)"', duties)
        assert (await desk.send(control, {"answer": "at_once"})).status == 200
        assert "Допомогли одразу" in await (await desk.get(f"/appeals/{appeal_id}")).text()
    async with browser(site) as one:
        await one.sign_in("maria")
        assert said not in await (await one.get("/directory/forwarded")).text()
        page = await (await one.get(f"/appeals/{appeal_id}")).text()
        assert said in page
