"""A command's short AMI session against peers that refuse, fall silent, stop half-way or say anything else."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from telephony import control
from telephony.control import place, session
from telephony.links import ami_session
from telephony.links.ami_session import AmiAddress, AmiRefused, AmiUnavailable, LoginRefused
from telephony.outbound import NotPlacedError, OutboundCall, Result
from telephony.switchboard import AsteriskSwitchboard, NotInQueueError, NotNowError, channels_of
from telephony.wire.ami import AmiError
from tests.integration.asterisk_double import GREETING, SECRET, AmiServer

QUICK_S = 0.3
HANGUP = b"Event: Hangup\r\nUniqueid: cc1-1.1\r\n\r\n"
CALL = OutboundCall("cc1-out-01a205f6-6d9c-747f-adf8-009b064b05c6", "operator-olena", "+380501234567", "0501234567")
CALL_ID = "cc1-1795383430.11"


def answer(action: dict[str, str], *lines: str, response: str = "Success") -> bytes:
    told = "".join(f"{line}\r\n" for line in lines)
    return f"Response: {response}\r\nActionID: {action['ActionID']}\r\n{told}\r\n".encode()


def listed(action: dict[str, str], *rows: str) -> bytes:
    tag = f"ActionID: {action['ActionID']}\r\n"
    events = "".join(f"Event: Status\r\n{tag}{row}\r\n" for row in rows)
    return (
        answer(action, "EventList: start")
        + f"{events}Event: StatusComplete\r\n{tag}EventList: Complete\r\n\r\n".encode()
    )


def channel(name: str, uniqueid: str, *, bridge: str = "", application: str = "", call_id: str = CALL_ID) -> str:
    return (
        f"Channel: {name}\r\nUniqueid: {uniqueid}\r\nBridgeID: {bridge}\r\nApplication: {application}\r\n"
        f"Variable: OTHER=1\r\nVariable: CALL_ID={call_id}\r\n"
    )


CITIZEN, OPERATOR = "PJSIP/trunk-primary-00000001", "PJSIP/operator-olena-00000002"
TALKING = (
    channel(CITIZEN, CALL_ID, bridge="b1", application="Queue"),
    channel(OPERATOR, "cc1-1795383431.12", bridge="b1", application="AppQueue"),
    channel("PJSIP/trunk-primary-00000003", "cc1-1795383432.13", bridge="b2", call_id="cc1-1795383432.13"),
)


@asynccontextmanager
async def serving(server: AmiServer) -> AsyncIterator[AmiAddress]:
    await server.start()
    try:
        yield AmiAddress("127.0.0.1", server.port, "contact-centre-control", SECRET)
    finally:
        await server.stop()


@asynccontextmanager
async def peer(
    behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
) -> AsyncIterator[AmiAddress]:
    """Whatever listens there instead of Asterisk."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behave(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield AmiAddress("127.0.0.1", server.sockets[0].getsockname()[1], "contact-centre-control", SECRET)
    finally:
        server.close()


@asynccontextmanager
async def switchboard(server: AmiServer) -> AsyncIterator[AsteriskSwitchboard]:
    async with serving(server) as address, session(address) as ami:
        yield AsteriskSwitchboard(ami, lambda: address)


async def version(address: AmiAddress) -> str:
    async with session(address, QUICK_S) as ami:
        return (await ami.ask("CoreSettings")).get("AsteriskVersion")


async def test_a_command_logs_in_without_events_acts_and_leaves() -> None:
    server = AmiServer(boots=False)
    server.answers["CoreSettings"] = lambda action: answer(action, "AsteriskVersion: 22.10.1")
    async with serving(server) as address:
        assert await control.core_version(address) == "22.10.1"
        [login] = server.asked("Login")
        assert (login["Username"], login["Events"]) == ("contact-centre-control", "off")
        async with asyncio.timeout(2):
            while not server.sessions[0].is_closing():  # noqa: ASYNC110 - the other side's end of the connection
                await asyncio.sleep(0.01)


async def test_where_nobody_listens_the_error_says_so() -> None:
    server = AmiServer()
    async with serving(server) as address:
        pass
    with pytest.raises(AmiUnavailable, match="nobody listens; is Asterisk running"):
        await version(address)


async def test_a_wrong_secret_is_told_with_the_remedy_and_is_not_printed() -> None:
    async with serving(AmiServer()) as right:
        wrong = AmiAddress(right.host, right.port, right.user, "wr0ng")
        with pytest.raises(LoginRefused, match="manager reload") as refused:
            await version(wrong)
    assert "wr0ng" not in f"{refused.value} {wrong!r}"


@pytest.mark.parametrize("secret", ["a\r\nAction: Originate", "a\nb", "x" * 2000])
async def test_a_secret_that_is_no_line_is_not_sent(secret: str) -> None:
    server = AmiServer()
    async with serving(server) as right:
        with pytest.raises(AmiError, match="Secret"):
            await version(AmiAddress(right.host, right.port, right.user, secret))
    assert server.got == []


async def test_a_value_with_a_line_break_is_not_sent() -> None:
    server = AmiServer()
    async with serving(server) as address, session(address) as ami:
        with pytest.raises(AmiError, match="line break"):
            await ami.ask("Hangup", {"Channel": "x\r\n\r\nAction: Originate"})
        with pytest.raises(AmiError, match="line break"):
            await ami.ask_list("Status", {"Variables": "x\nAction: Originate"})
    assert [one["Action"] for one in server.got] == ["Login"]


@pytest.mark.parametrize("silent", ["Login", "CoreSettings"])
async def test_a_peer_that_does_not_answer_is_left_in_time(silent: str) -> None:
    async with serving(AmiServer(silent={silent})) as address:
        began = time.monotonic()
        with pytest.raises(AmiUnavailable, match="no answer"):
            await version(address)
        assert time.monotonic() - began < 5 * QUICK_S


@pytest.mark.parametrize(
    "half", [b"", b"Asterisk Call", GREETING, GREETING + b"Response: Succ", GREETING + b"Response: Success\r\n"]
)
@pytest.mark.parametrize("ends", [True, False], ids=["and ends", "and waits"])
async def test_half_an_answer_is_none(half: bytes, *, ends: bool) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(half)
        await reader.readuntil(b"\r\n\r\n")
        if not ends:
            await reader.read()

    async with peer(behave) as address:
        with pytest.raises(AmiUnavailable, match=r"AMI on 127\.0\.0\.1"):
            await version(address)


async def test_half_an_answer_to_an_action_is_none() -> None:
    server = AmiServer()
    server.answers["CoreSettings"] = lambda action: answer(action, "AsteriskVersion: 22")[:-2]
    server.answers["Status"] = lambda action: listed(action, *TALKING)[:-20]
    async with serving(server) as address:
        with pytest.raises(AmiUnavailable, match="CoreSettings: no answer"):
            await version(address)
        async with session(address, QUICK_S) as ami:
            with pytest.raises(AmiUnavailable, match="Status: no answer"):
                await channels_of(ami, CALL_ID)


async def test_a_connection_that_breaks_before_the_answer_is_told_and_nothing_is_sent_again() -> None:
    server = AmiServer(silent={"Originate"})
    server.answers["Getvar"] = lambda action: answer(action, "Value: NOT_INUSE")
    async with serving(server) as address:
        calling = asyncio.create_task(place(address, CALL))
        async with asyncio.timeout(2):
            while not server.asked("Originate"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        server.hang_up()
        with pytest.raises(AmiUnavailable, match="before the answer"):
            await calling
        await asyncio.sleep(0.2)
    assert [one["Action"] for one in server.got] == ["Login", "Getvar", "Originate"]


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\0" * 100_000,
        b"Response: Success\r\n\r\n" * 50,
    ],
)
async def test_who_is_no_asterisk_is_told(said: bytes) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await reader.read()
        await reader.read()

    async with peer(behave) as address:
        with pytest.raises(AmiUnavailable, match="is no Asterisk"):
            await version(address)


async def test_a_peer_that_never_stops_talking_is_left_in_time() -> None:
    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        while True:
            writer.write(HANGUP * 500 + b"\xff" * 999 + b"\r\n\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0)

    async with peer(behave) as address:
        began = time.monotonic()
        with pytest.raises(AmiUnavailable, match="no answer in time"):
            await version(address)
        assert time.monotonic() - began < 10 * QUICK_S


async def test_a_list_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami_session, "MAX_LIST", 1000)
    server = AmiServer()
    server.answers["Status"] = lambda action: listed(action, *[channel("PJSIP/x-1", "x")] * 2000)
    async with serving(server) as address, session(address) as ami:
        with pytest.raises(AmiUnavailable, match="more than 1,000"):
            await channels_of(ami, CALL_ID)


async def test_a_letter_cut_in_two_and_a_line_break_too_many_change_no_answer() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        for said in ("", "AsteriskVersion: Їжак 22\r\n"):
            action = dict(
                line.split(": ", 1) for line in (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            )
            data = f"\r\n\r\nResponse: Success\r\nActionID: {action['ActionID']}\r\n{said}\r\n\r\n".encode()
            for at in range(len(data)):
                writer.write(data[at : at + 1])
                await writer.drain()
                await asyncio.sleep(0)
        await reader.read()

    async with peer(behave) as address:
        assert await version(address) == "Їжак 22"


async def test_an_answer_to_somebody_else_is_not_ours() -> None:
    server = AmiServer()
    server.answers["CoreSettings"] = lambda action: (
        b"Response: Error\r\nActionID: other\r\nMessage: no\r\n\r\nResponse: Error\r\nMessage: no\r\n\r\n"
        + answer(action, "AsteriskVersion: 22")
    )
    async with serving(server) as address:
        assert await version(address) == "22"


async def test_a_call_is_ended_by_its_citizens_channel() -> None:
    server = AmiServer()
    server.answers["Status"] = lambda action: listed(action, *TALKING)
    async with switchboard(server) as board:
        await board.hang_up(CALL_ID)
        with pytest.raises(NotNowError, match="not in progress"):
            await board.hang_up("cc1-1.1")
    assert [one["Channel"] for one in server.asked("Hangup")] == [CITIZEN]


@pytest.mark.parametrize(("attended", "action"), [(True, "Atxfer"), (False, "BlindTransfer")])
async def test_a_transfer_is_done_by_who_talks_with_the_citizen(*, attended: bool, action: str) -> None:
    server = AmiServer()
    server.answers["Status"] = lambda asked: listed(asked, *TALKING)
    async with switchboard(server) as board:
        await board.transfer(CALL_ID, "301", attended=attended)
    [sent] = server.asked(action)
    assert (sent["Channel"], sent["Context"], sent["Exten"]) == (OPERATOR, "transfer", "301")


async def test_who_talks_is_not_moved_and_who_waits_is_not_transferred() -> None:
    server = AmiServer()
    rows = list(TALKING)
    server.answers["Status"] = lambda action: listed(action, *rows)
    async with switchboard(server) as board:
        with pytest.raises(NotNowError, match="does not wait"):
            await board.move(CALL_ID, None)
        rows[:] = [channel(CITIZEN, CALL_ID, application="Queue")]
        with pytest.raises(NotNowError, match="nobody talks"):
            await board.transfer(CALL_ID, "301", attended=False)
        await board.move(CALL_ID, "301")
    [sent] = server.asked("Redirect")
    assert (sent["Channel"], sent["Context"], sent["Exten"]) == (CITIZEN, "moved", "301")


async def test_who_is_not_in_the_queue_cannot_be_paused_and_another_refusal_is_asterisks_own_words() -> None:
    server = AmiServer()
    said = ["Message: Interface not found"]
    server.answers["QueuePause"] = lambda action: answer(action, *said, response="Error")
    async with switchboard(server) as board:
        with pytest.raises(NotInQueueError, match="operator-olena is not signed in"):
            await board.pause("operator-olena", "break")
        said[:] = ["Message: Permission denied"]
        with pytest.raises(AmiRefused, match="QueuePause: Permission denied"):
            await board.unpause("operator-olena")


@pytest.mark.parametrize(
    ("state", "picked"),
    [("INUSE", Result.BUSY), ("RINGING", Result.BUSY), ("UNAVAILABLE", Result.ABSENT), ("NOT_INUSE", Result.PICKED_UP)],
)
async def test_only_a_telephone_that_can_ring_is_rung(state: str, picked: Result) -> None:
    server = AmiServer()
    server.answers["Getvar"] = lambda action: answer(action, "Variable: DEVICE_STATE(x)", f"Value: {state}")
    async with serving(server) as address:
        assert await place(address, CALL) is picked
    assert len(server.asked("Originate")) == (picked is Result.PICKED_UP)


async def test_an_originate_that_failed_is_an_operator_who_did_not_pick_up_and_another_refusal_is_no_call() -> None:
    server = AmiServer()
    said = ["Message: Originate failed"]
    server.answers["Originate"] = lambda action: answer(action, *said, response="Error")
    async with serving(server) as address:
        assert await place(address, CALL) is Result.NOT_PICKED_UP
        said[:] = ["Message: Permission denied"]
        with pytest.raises(NotPlacedError, match="Permission denied") as refused:
            await place(address, CALL)
    assert refused.value.result is Result.REFUSED


async def test_the_providers_peers_are_asked_whether_they_are_there_before_the_operator_is_rung() -> None:
    server = AmiServer()
    server.answers["PJSIPQualify"] = lambda action: answer(action, "Message: Unable to retrieve", response="Error")
    async with serving(server) as address:
        assert await place(address, CALL, ["trunk-primary", "trunk-gone"]) is Result.PICKED_UP
    assert [one["Action"] for one in server.got] == ["Login", "Getvar", "PJSIPQualify", "PJSIPQualify", "Originate"]
    assert [one["Endpoint"] for one in server.asked("PJSIPQualify")] == ["trunk-primary", "trunk-gone"]


async def test_an_asterisk_that_was_never_asked_calls_nobody() -> None:
    server = AmiServer()
    async with serving(server) as address:
        server.answers["Login"] = lambda action: answer(action, "Message: Authentication failed", response="Error")
        with pytest.raises(NotPlacedError, match="manager reload") as refused:
            await place(address, CALL)
        assert refused.value.result is Result.NOT_REACHED
    with pytest.raises(NotPlacedError, match="nobody listens") as away:
        await place(address, CALL)
    assert away.value.result is Result.NOT_REACHED
    assert server.asked("Originate") == []


async def test_an_originate_without_an_answer_may_be_a_call() -> None:
    server = AmiServer(silent={"Originate"})
    async with serving(server) as address:
        with pytest.raises(AmiUnavailable, match=r"Originate: no answer within 5\.1 s") as unknown:
            await place(address, CALL, ring_s=0.1)
    assert not isinstance(unknown.value, NotPlacedError)
