"""The worklist: who sees what is owed, what is done there, calls that it asks for, and every refusal in words."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import bindparam, select, update

from appeals import commands, duty_queries, service
from appeals.duties import DutyKind, EvidenceKind, MissedReason
from appeals.duty_queries import DutyFilters, Owed
from appeals.evidence import SpecialistContact
from appeals.model import Result as Outcome
from contact_centre.accounts import accounts
from contact_centre.outbound import outbound_calls
from telephony.outbound import Result
from tests import town
from tests.called import called_out
from tests.integration.console_rig import Browser, Console, browser, console

MARIA: Final = "+380501112233"
STEPAN: Final = "+380672223344"

_GIVE_PHONE: Final = (
    update(accounts).where(accounts.c.login == bindparam("of_login")).values(sip_account=bindparam("account"))
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as one:
        await one.everybody()
        for login in ("operator", "supervisor"):
            await phone(one, login, f"operator-{login}")
        yield one


@pytest.fixture
async def desk(site: Console) -> AsyncIterator[Browser]:
    """The page of an operator with a telephone."""
    async with browser(site) as one:
        await one.sign_in("operator")
        yield one


async def phone(site: Console, login: str, account: str | None) -> None:
    await site.town.site.writer.run(lambda tx: tx.execute(_GIVE_PHONE, {"of_login": login, "account": account}))


async def missed(site: Console, number: str | None = STEPAN, call_id: str = "cc-1") -> None:
    """A citizen hung up while waiting."""
    at = site.town.clock.now()
    await site.town.site.writer.run(
        lambda tx: service.open_callback(
            tx, call_id=call_id, number=number, line="15-80", reason=MissedReason.ABANDONED, at=at
        )
    )


async def put_through(site: Console, talked: float | None, call_id: str = "cc-2") -> None:
    contact = SpecialistContact(call_id, STEPAN, "15-80", "specialist", talked, site.town.clock.now())
    await site.town.site.writer.run(lambda tx: service.record_specialist(tx, contact, owes_callback=True))


async def late_service(site: Console) -> str:
    """An appeal that its service has not accepted; its id."""
    appeal = await site.town.appeal()
    await site.town.perform(appeal.appeal_id, commands.RouteTo(service="water"))
    return appeal.appeal_id


async def owed(site: Console, kind: DutyKind, *, open_: bool | None = True) -> Owed:
    async with site.town.site.reading() as connection:
        wanted = DutyFilters(kind=kind, open=open_)
        [one] = await duty_queries.list_duties(connection, wanted, town.SYSTEM, site.town.clock.now())
    return one


async def duty_of(site: Console, kind: DutyKind) -> str:
    return (await owed(site, kind)).duty.duty_id


async def listed(one: Browser, query: str = "") -> list[str]:
    """The kinds of what a list shows, in order."""
    page = await (await one.get(f"/duties/list?{query}")).text()
    return re.findall(r'class="duty-what"><b>([^<]+)</b>', page)


async def refusal(one: Browser, path: str, **fields: str) -> tuple[int, str]:
    answer = await one.send(path, fields)
    return answer.status, (await answer.json())["message"]


async def call(site: Console, one: Browser, path: str, result: Result | None = Result.PICKED_UP) -> dict[str, Any]:
    """Ask for a call, and wait for what becomes of it."""
    site.switchboard.result = result or Result.PICKED_UP
    answer = await one.send(path)
    told: dict[str, Any] = await answer.json()
    assert answer.status == 200, told
    async with asyncio.timeout(5):
        while await became(site, told["call_id"]) is None:  # noqa: ASYNC110 - the writer's own thread
            await asyncio.sleep(0.01)
    return told


async def became(site: Console, call_id: str) -> str | None:
    async with site.town.site.reading() as connection:
        row = select(outbound_calls.c.result).where(outbound_calls.c.call_id == call_id)
        found: str | None = (await connection.execute(row)).scalar_one()
        return found


async def test_the_list_shows_each_kind_the_first_due_at_its_head_and_narrows_by_its_address(
    site: Console, desk: Browser
) -> None:
    await missed(site)
    await put_through(site, 40.0)
    await late_service(site)
    everything = {"Передзвонити", "Повідомити заявника", "Запитати, чи допомогло перенаправлення"}
    names = {
        "": None,
        "kind=callback": ["Передзвонити"],
        "kind=inform": ["Повідомити заявника"],
        "kind=nonsense": None,
        "overdue=1": [],
        "mine=1": [],
    }
    for query, expected in names.items():
        found = await listed(desk, query)
        if expected is None:
            assert everything <= set(found)
            assert len(found) == 4
        else:
            assert found == expected, query
    site.town.clock.move(timedelta(days=30))
    await desk.sign_in("operator")
    assert len(await listed(desk, "overdue=1")) == 4
    page = await (await desk.get("/duties")).text()
    assert "прострочено" in page


async def test_missed_calls_of_one_citizen_are_one_entry_and_a_withheld_number_is_explained(
    site: Console, desk: Browser
) -> None:
    await missed(site, call_id="cc-1")
    await missed(site, call_id="cc-2")
    await missed(site, None, call_id="cc-3")
    page = await (await desk.get("/duties")).text()
    assert page.count("data-duty=") == 1
    assert "2 пропущені виклики" in page
    assert "із прихованим номером" in page


async def test_of_a_restricted_appeal_only_its_own_desk_sees_whom_and_calls_them(site: Console, desk: Browser) -> None:
    appeal = await site.town.appeal("education.bullying", applicant="Мати дитини", applicant_phone=STEPAN)
    duty_id = await duty_of(site, DutyKind.INFORM)
    page = await (await desk.get("/duties")).text()
    assert "Мати дитини" not in page
    assert "222" not in page
    assert "Доступ обмежено" in page
    for path in (f"/call/duty/{duty_id}", f"/call/appeal/{appeal.appeal_id}"):
        assert (await refusal(desk, path))[0] == 404
    assert site.switchboard.placed == []
    await site.person("psy", "operator", desks=("violence",))
    await phone(site, "psy", "operator-psy")
    async with browser(site) as other:
        await other.sign_in("psy")
        assert "Мати дитини" in await (await other.get("/duties")).text()
        await call(site, other, f"/call/duty/{duty_id}")
    assert [one.number for one in site.switchboard.placed] == [STEPAN]


async def test_others_see_the_list_and_can_do_nothing_there(site: Console) -> None:
    await missed(site)
    async with browser(site) as one:
        await one.sign_in("auditor")
        page = await (await one.get("/duties")).text()
        assert "data-duty=" in page
        assert "data-call=" not in page
        assert "data-post=" not in page


async def test_a_call_takes_the_duty_up_reaches_the_citizen_and_its_answer_closes_it(
    site: Console, desk: Browser
) -> None:
    await site.town.appeal(applicant_phone=MARIA)
    duty_id = await duty_of(site, DutyKind.INFORM)
    told = await call(site, desk, f"/call/duty/{duty_id}")
    [placed] = site.switchboard.placed
    assert (placed.number, placed.endpoint, placed.purpose) == (MARIA, "operator-operator", f"duty:{duty_id}")
    assert (await owed(site, DutyKind.INFORM)).duty.owner == "operator"
    page = await (await desk.get("/duties/list")).text()
    assert "data-waits" in page

    await ledger(site, told["call_id"], MARIA, duty_id, talked=42.0, over=False)
    page = await (await desk.get("/duties/list")).text()
    assert f'data-about="{told["call_id"]}"' in page
    answer = await desk.send(f"/duties/{duty_id}/answer", {"answer": "told", "call_id": told["call_id"]})
    assert "щойно розмова завершиться" in (await answer.json())["said"]
    await ledger(site, told["call_id"], MARIA, duty_id, talked=42.0)
    closed = (await owed(site, DutyKind.INFORM, open_=False)).duty
    assert (closed.evidence, closed.evidence_kind) == (told["call_id"], EvidenceKind.CALL)
    page = await (await desk.get("/duties/list")).text()
    assert f'data-duty="{duty_id}"' in page, "who called sees that it is done"
    assert "доказ:" in page
    site.town.clock.move(timedelta(minutes=11))
    assert f'data-duty="{duty_id}"' not in await (await desk.get("/duties/list")).text()


async def ledger(
    site: Console,
    call_id: str,
    number: str,
    duty_id: str,
    *,
    talked: float | None = None,
    dial_status: str = "ANSWER",
    over: bool = True,
) -> None:
    """What the ledger tells of a call that was asked for."""
    at = site.town.clock.now()
    purpose = f"duty:{duty_id}"
    await site.town.site.writer.run(
        lambda tx: called_out(
            tx, call_id, number, "operator", at, purpose=purpose, talked=talked, dial_status=dial_status, over=over
        )
    )


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Result.NOT_PICKED_UP, "не зняли слухавку"),
        (Result.BUSY, "телефон був зайнятий"),
        (Result.ABSENT, "телефон не підключений"),
        (Result.REFUSED, "Asterisk відмовив"),
    ],
)
async def test_a_call_that_never_came_about_is_told_in_words(
    site: Console, desk: Browser, result: Result, said: str
) -> None:
    await missed(site)
    duty_id = await duty_of(site, DutyKind.CALLBACK)
    told = await call(site, desk, f"/call/duty/{duty_id}", result)
    assert said in await (await desk.get("/duties/list")).text()
    state = await (await desk.get(f"/call/{told['call_id']}")).json()
    assert said in state["said"]
    assert state["goes_on"] is False
    async with browser(site) as other:
        await other.sign_in("supervisor")
        assert (await other.get(f"/call/{told['call_id']}")).status == 404


async def test_asterisk_being_away_is_told_too(site: Console, desk: Browser) -> None:
    await missed(site)
    site.switchboard.down = True
    await call(site, desk, f"/call/duty/{await duty_of(site, DutyKind.CALLBACK)}")
    assert "Asterisk не відповідає" in await (await desk.get("/duties/list")).text()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("NOANSWER", "Ніхто не відповів"),
        ("BUSY", "Лінія була зайнята"),
        ("CANCEL", "поклали слухавку"),
        ("CHANUNAVAIL", "З’єднати не вдалося"),
    ],
)
async def test_what_the_network_said_stands_with_the_duty(site: Console, desk: Browser, status: str, said: str) -> None:
    await missed(site)
    duty_id = await duty_of(site, DutyKind.CALLBACK)
    told = await call(site, desk, f"/call/duty/{duty_id}")
    await ledger(site, told["call_id"], STEPAN, duty_id, dial_status=status)
    page = await (await desk.get("/duties/list")).text()
    assert said in page
    assert "data-waits" not in page


async def test_a_call_that_may_not_be_made_is_refused_in_words_and_takes_nothing_up(
    site: Console, desk: Browser
) -> None:
    appeal = await site.town.appeal(applicant_phone="+48221234567")
    duty_id = await duty_of(site, DutyKind.INFORM)
    status, said = await refusal(desk, f"/call/duty/{duty_id}")
    assert (status, "не можна телефонувати" in said) == (409, True), said
    assert (await owed(site, DutyKind.INFORM)).duty.owner is None
    assert "не можна телефонувати" in (await refusal(desk, f"/call/appeal/{appeal.appeal_id}"))[1]
    await phone(site, "operator", None)
    await missed(site)
    assert (
        "У вас немає тут телефону" in (await refusal(desk, f"/call/duty/{await duty_of(site, DutyKind.CALLBACK)}"))[1]
    )


async def test_calls_of_an_hour_are_counted_and_one_too_many_is_refused(site: Console, desk: Browser) -> None:
    await missed(site)
    path = f"/call/duty/{await duty_of(site, DutyKind.CALLBACK)}"
    for _ in range(60):
        assert (await desk.send(path)).status == 200
    assert "за годину" in (await refusal(desk, path))[1]


async def test_nobody_calls_a_citizen_whom_somebody_else_has_taken_unless_a_supervisor_does(
    site: Console, desk: Browser
) -> None:
    await missed(site)
    duty_id = await duty_of(site, DutyKind.CALLBACK)
    await site.person("taras", "operator", name="Тарас Мельник")
    async with browser(site) as other:
        await other.sign_in("taras")
        assert (await other.send(f"/duties/{duty_id}/claim")).status == 200
        assert "Тарас Мельник" in (await refusal(desk, f"/call/duty/{duty_id}"))[1]
        assert "Тарас Мельник" in (await refusal(desk, f"/duties/{duty_id}/claim"))[1]
        assert "Тарас Мельник" in (await refusal(desk, f"/duties/{duty_id}/release"))[1]
        assert await listed(other, "mine=1") == ["Передзвонити"]
        assert (await other.send(f"/duties/{duty_id}/release")).status == 200
        assert await listed(other, "mine=1") == []
    async with browser(site) as one:
        await one.sign_in("supervisor")
        await desk.send(f"/duties/{duty_id}/claim")
        assert (await one.send(f"/duties/{duty_id}/claim")).status == 200
    assert (await owed(site, DutyKind.CALLBACK)).duty.owner == "supervisor"


async def test_answers_that_cannot_be_are_refused_in_words(site: Console, desk: Browser) -> None:
    await site.town.appeal(applicant_phone=MARIA)
    duty_id = await duty_of(site, DutyKind.INFORM)
    told = await call(site, desk, f"/call/duty/{duty_id}")
    path, about = f"/duties/{duty_id}/answer", {"call_id": told["call_id"]}
    assert (await refusal(desk, path, answer="told", call_id="nothing"))[0] == 404
    assert (await refusal(desk, path, answer="nonsense", **about))[0] == 409
    assert (await refusal(desk, path, answer="told", call_at="позавчора", **about))[0] == 422
    past = (await refusal(desk, path, answer="not_told", call_at="2020-01-01T10:00", **about))[1]
    assert "на майбутній час" in past
    await ledger(site, told["call_id"], MARIA, duty_id, talked=3.0)
    assert "надто коротко" in (await refusal(desk, path, answer="told", **about))[1]
    nobody = "01a20699-c86d-776e-b4e7-24e4e1d47cdc"
    for action in ("claim", "release", "answer", "excuse"):
        status = (await desk.send(f"/duties/{nobody}/{action}", {"answer": "told", **about})).status
        assert status == (403 if action == "excuse" else 404), action
    answer = await desk.send(path, {"answer": "not_told", "note": "спить дитина", **about})
    assert answer.status == 200
    assert "спить дитина" in await (await desk.get("/duties/list")).text()


async def test_what_a_citizen_says_of_a_referral_is_one_answer_and_ends_it(site: Console, desk: Browser) -> None:
    await put_through(site, 40.0)
    duty_id = await duty_of(site, DutyKind.FORWARDING_CONTROL)
    page = await (await desk.get("/duties/list")).text()
    assert "Specialist" in page
    assert "0:40" in page
    assert 'value="never"' not in page, "the ledger has them talking"
    assert "розмовляли" in (await refusal(desk, f"/duties/{duty_id}/answer", answer="never"))[1]
    assert (await desk.send(f"/duties/{duty_id}/answer", {"answer": "late"})).status == 200
    duty = (await owed(site, DutyKind.FORWARDING_CONTROL, open_=False)).duty
    assert duty.forwarding is not None
    assert (duty.forwarding.took_place, duty.forwarding.replied, duty.forwarding.prompt) == (True, True, False)
    assert "вже виконано" in (await refusal(desk, f"/duties/{duty_id}/answer", answer="late"))[1]


async def test_an_answering_machine_leaves_the_callback_open_and_a_talk_closes_it(site: Console, desk: Browser) -> None:
    await missed(site)
    duty_id = await duty_of(site, DutyKind.CALLBACK)
    told = await call(site, desk, f"/call/duty/{duty_id}")
    await ledger(site, told["call_id"], STEPAN, duty_id, talked=20.0)
    assert "доказ:" in await (await desk.get("/duties/list")).text()
    about = {"call_id": told["call_id"]}
    answer = await desk.send(f"/duties/{duty_id}/answer", {"answer": "voicemail", **about})
    assert "Лишається відкритим" in (await answer.json())["said"]
    assert (await owed(site, DutyKind.CALLBACK)).duty.attempts == 1
    answer = await desk.send(f"/duties/{duty_id}/answer", {"answer": "told", **about})
    assert "Виконано" in (await answer.json())["said"]
    assert (await owed(site, DutyKind.CALLBACK, open_=False)).duty.evidence == told["call_id"]


async def test_a_specialist_who_was_missed_leaves_a_callback(site: Console, desk: Browser) -> None:
    await put_through(site, None)
    assert await listed(desk) == ["Передзвонити"]
    assert "спеціаліст не відповів" in await (await desk.get("/duties/list")).text()


async def test_a_late_service_is_called_at_its_own_number_and_the_duty_stays_its(site: Console, desk: Browser) -> None:
    await late_service(site)
    duty_id = await duty_of(site, DutyKind.ACCEPT)
    told = await call(site, desk, f"/call/duty/{duty_id}")
    assert site.switchboard.placed[-1].number == "+380372520000"
    assert (await owed(site, DutyKind.ACCEPT)).duty.owner == "water"
    assert "сама служба" in (await refusal(desk, f"/duties/{duty_id}/claim"))[1]
    await ledger(site, told["call_id"], "+380372520000", duty_id, talked=30.0)
    answer = await desk.send(f"/duties/{duty_id}/answer", {"answer": "told", "call_id": told["call_id"]})
    assert answer.status == 200
    assert (await owed(site, DutyKind.ACCEPT)).duty.closed_at is None


async def test_only_a_supervisor_excuses_and_hears_what_is_missing(site: Console, desk: Browser) -> None:
    await site.town.appeal(applicant_phone=MARIA)
    duty_id = await duty_of(site, DutyKind.INFORM)
    path = f"/duties/{duty_id}/excuse"
    fields = {"why": "unreachable", "reason": "не бере слухавки"}
    assert "data-excuse" not in await (await desk.get("/duties/list")).text()
    assert (await desk.send(path, fields)).status == 403
    async with browser(site) as one:
        await one.sign_in("supervisor")
        assert "data-excuse" in await (await one.get("/duties/list")).text()
        missing = (await refusal(one, path, **fields))[1]
        assert "3" in missing
        assert "так" in missing
        assert (await refusal(one, path, why="tired", reason="?"))[0] == 409
        assert "можна зв’язатися" in (await refusal(one, path, why="no_contact", reason="?"))[1]
        assert "своїми словами" in (await refusal(one, path, why="unreachable"))[1]


async def test_who_left_no_telephone_is_explained_and_not_called(site: Console, desk: Browser) -> None:
    await site.town.appeal(applicant_phone=None, applicant_email="maria@example.org")
    duty_id = await duty_of(site, DutyKind.INFORM)
    page = await (await desk.get("/duties/list")).text()
    assert "maria@example.org" in page
    assert "доставлений лист" in page
    assert "data-call=" not in page
    assert (await refusal(desk, f"/call/duty/{duty_id}"))[0] == 409


async def test_who_was_called_in_vain_at_three_hours_and_written_to_is_excused(site: Console) -> None:
    await site.town.appeal(applicant_phone=MARIA)
    duty_id = await duty_of(site, DutyKind.INFORM)
    for number in range(3):
        site.town.clock.move(timedelta(hours=2))
        await ledger(site, f"cc-{number}", MARIA, duty_id, dial_status="NOANSWER")
    async with browser(site) as one:
        await one.sign_in("supervisor")
        assert "3 спроби" in await (await one.get("/duties")).text()
        fields = {"why": "unreachable", "reason": "не бере слухавки", "letter": "01-12/345 від 24.11.2026"}
        assert (await one.send(f"/duties/{duty_id}/excuse", fields)).status == 200
    assert (await owed(site, DutyKind.INFORM, open_=False)).duty.excused_by == "supervisor"


async def test_the_applicant_of_an_appeal_is_called_from_it(site: Console, desk: Browser) -> None:
    appeal = await site.town.appeal(applicant_phone=MARIA)
    told = await call(site, desk, f"/call/appeal/{appeal.appeal_id}")
    [placed] = site.switchboard.placed
    assert (placed.number, placed.purpose) == (MARIA, f"appeal:{appeal.appeal_id}")
    assert (await (await desk.get(f"/call/{told['call_id']}")).json())["goes_on"] is True
    silent = await site.town.appeal(applicant_phone=None)
    assert (await refusal(desk, f"/call/appeal/{silent.appeal_id}"))[0] == 409
    page = await (await desk.get(f"/appeals/{appeal.appeal_id}")).text()
    assert f"/console/call/appeal/{appeal.appeal_id}" in page
    async with browser(site) as one:
        await one.sign_in("auditor")
        assert "/call/appeal/" not in await (await one.get(f"/appeals/{appeal.appeal_id}")).text()


async def test_what_to_say_is_the_citys_own_text_with_what_the_service_wrote(site: Console, desk: Browser) -> None:
    appeal = await site.town.appeal(applicant_phone=MARIA)
    await site.town.perform(appeal.appeal_id, commands.RouteTo(service="water"))
    await site.town.perform(appeal.appeal_id, commands.Accept(), town.WATER)
    await site.town.perform(appeal.appeal_id, commands.Start(), town.WATER)
    report = commands.ReportDone(text="Трубу замінено.", result=Outcome.RESOLVED)
    done = await site.town.perform(appeal.appeal_id, report, town.WATER)
    assert [duty.reason for duty in done.duties if duty.closed_at is None] == ["registered", "result"]
    page = await (await desk.get("/duties/list?kind=inform")).text()
    assert "Трубу замінено." in page


async def test_a_list_that_is_too_long_says_how_many_follow(site: Console, desk: Browser) -> None:
    for number in range(43):
        await missed(site, f"+3806722233{number:02d}", call_id=f"cc-{number}")
    assert len(await listed(desk)) == 43
    page = await (await desk.get("/duties/list?compact=1")).text()
    assert page.count("data-duty=") == 40
    assert "Ще 3 на пізніше" in page
    assert "на пізніше" not in await (await desk.get("/duties/list")).text()


async def test_empty_lists_say_what_will_appear_there(desk: Browser) -> None:
    assert "Нікому нічого не винні" in await (await desk.get("/duties")).text()
    for kind in DutyKind:
        page = await (await desk.get(f"/duties?kind={kind.value}")).text()
        assert "Зараз такого немає" in page, kind
