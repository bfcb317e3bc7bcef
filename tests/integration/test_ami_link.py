"""The AMI link against everything that panoramisk 1.4 does wrong, with real bytes over a real socket."""

import asyncio
import gc
import time
import weakref
from typing import Any

import pytest
import uvloop
from structlog.testing import capture_logs

from telephony import live
from telephony.links import ami
from telephony.links.ami import AmiLink, Gap
from telephony.links.ami_session import AmiRefused, AmiUnavailable
from telephony.live import LiveState, Snapshot
from telephony.wire.ami import AmiError, Message
from tests.integration.asterisk_double import BOOTED, QUICK, AmiServer, Clock, citizen, rig

HANGUP = b"Event: Hangup\r\nUniqueid: cc1-1795383430.11\r\nCause: 16\r\n\r\n"


async def test_after_the_login_comes_a_snapshot_then_the_events() -> None:
    async with rig(AmiServer(channels=[citizen()])) as one:
        await one.up()
        one.server.say(HANGUP)
        await one.until(lambda: len(one.items) == 2)
        snapshot, hangup = one.items
        assert isinstance(snapshot, Snapshot)
        assert [message.get("Uniqueid") for message in snapshot.channels] == ["cc1-1795383430.11"]
        assert isinstance(hangup, Message)
        assert hangup.event == "Hangup"
        assert [action["Action"] for action in one.server.got][:3] == ["Login", "QueueStatus", "CoreShowChannels"]
        assert one.link.status.greeting == "Asterisk Call Manager/11.0.0"


async def test_nothing_is_asked_before_asterisk_has_booted() -> None:
    async with rig(AmiServer(boots=False)) as one:
        await one.until(lambda: len(one.server.asked("Login")) == 1)
        await asyncio.sleep(0.1)
        assert one.server.asked("QueueStatus") == []
        one.server.say(BOOTED)
        await one.up()


async def test_an_asterisk_that_never_boots_is_left_and_tried_again() -> None:
    async with rig(AmiServer(boots=False)) as one:
        await one.until(lambda: len(one.server.asked("Login")) >= 2)
        assert not one.link.status.up


async def test_a_letter_split_over_two_reads_is_not_lost() -> None:
    data = "Event: Newchannel\r\nUniqueid: 1\r\nCallerIDName: Їжак\r\n\r\n".encode()
    cut = data.index("Ї".encode()) + 1
    async with rig(AmiServer(silent={"Setvar", "Ping"})) as one:  # no answer comes between the halves
        await one.up()
        one.server.say(data[:cut])
        await asyncio.sleep(0.05)
        one.server.say(data[cut:])
        await one.until(lambda: len(one.items) == 2)
        assert isinstance(one.items[1], Message)
        assert one.items[1].get("CallerIDName") == "Їжак"


async def test_a_line_break_too_many_loses_no_event() -> None:
    async with rig() as one:
        await one.up()
        one.server.say((b"Event: Newstate\r\nUniqueid: 1\r\n\r\n\r\n" + HANGUP) * 50)
        await one.until(lambda: one.events().count("Hangup") == 50)
        assert one.events().count("Newstate") == 50


async def test_a_line_break_in_a_value_is_refused_and_nothing_is_sent() -> None:
    async with rig() as one:
        await one.up()
        for fields in ({"Queue": "x\r\nAction: Originate"}, {"Queue\r\nAction": "x"}, {"Variable": ["a=1", "b\n=2"]}):
            with pytest.raises(AmiError, match=r"line break|letters"):
                await one.link.ask("QueuePause", fields)
        with pytest.raises(AmiError):
            await one.link.ask("Ping\r\nAction: Originate")
        assert one.server.asked("QueuePause") == one.server.asked("Originate") == []


async def test_a_key_with_several_values_is_sent_several_times() -> None:
    async with rig() as one:
        await one.up()
        assert (await one.link.ask("Originate", {"Variable": ["A=1", "B=2"]})).response == "Success"
        assert [raw.count("Variable: ") for raw in one.server.raw if "Originate" in raw] == [2]


async def test_a_listener_that_raises_drops_neither_the_connection_nor_the_event() -> None:
    async with rig() as one:
        heard: list[str] = []

        def bad(item: object) -> None:
            raise RuntimeError(str(item))

        one.link.listen(bad)
        one.link.listen(lambda item: heard.append(type(item).__name__))
        with capture_logs() as logs:
            await one.up()
            one.server.say(HANGUP * 3)
            await one.until(lambda: len(heard) == 4)
        assert one.link.status.connects == 1
        assert one.link.status.up
        assert [log["event"] for log in logs].count("a listener to AMI failed") == 4


async def test_an_unanswered_ping_ends_the_session_and_a_new_one_begins() -> None:
    async with rig() as one:
        await one.up()
        one.server.silent |= {"Ping", "Setvar"}
        await one.until(lambda: "Gap" in one.events())
        one.server.silent.clear()
        await one.up(2)
        [gap] = [item for item in one.items if isinstance(item, Gap)]
        assert "ping" in gap.reason


async def test_a_busy_asterisk_that_still_tells_events_is_not_left() -> None:
    async with rig() as one:
        await one.up()
        one.server.silent |= {"Ping", "Setvar"}
        for _ in range(40):
            one.server.say(HANGUP)
            await asyncio.sleep(0.05)
        assert one.link.status.connects == 1
        assert "Gap" not in one.events()


async def test_a_refused_login_is_loud_names_the_remedy_and_is_repeated_slowly() -> None:
    server = AmiServer()
    with capture_logs() as logs:
        async with rig(server, secret="wrong") as one:  # noqa: S106
            await one.until(lambda: one.link.status.refused)
            began = time.monotonic()
            await one.until(lambda: len(server.asked("Login")) >= 2)
            assert time.monotonic() - began >= QUICK.refused_retry * 0.4
            assert "manager reload" in one.link.status.reason
            assert not one.link.status.up
            with pytest.raises(AmiUnavailable, match="refused the login"):
                await one.link.ask("Ping")
    [log] = [log for log in logs if log["log_level"] == "error"]
    assert "refused the login" in log["reason"]


async def test_a_second_service_is_told_so() -> None:
    server = AmiServer()
    server.answers["Login"] = lambda action: (
        f"Response: Error\r\nActionID: {action['ActionID']}\r\nMessage: Login Already In Use\r\n\r\n".encode()
    )
    async with rig(server) as one:
        await one.until(lambda: "another session" in one.link.status.reason)


async def test_before_there_is_a_session_an_action_fails_at_once() -> None:
    link = AmiLink("127.0.0.1", 1, lambda: "x", Clock(), timing=QUICK)
    with pytest.raises(AmiUnavailable, match="not connected yet"):
        await link.ask("Ping")


async def test_an_action_without_an_answer_fails_in_time_and_a_late_answer_harms_nothing() -> None:
    async with rig() as one:
        await one.up()
        one.server.silent.add("QueueAdd")
        with pytest.raises(AmiUnavailable, match=r"no answer within 0\.1 s"):
            await one.link.ask("QueueAdd", {"Queue": "contact-centre"}, within=0.1)
        [asked] = one.server.asked("QueueAdd")
        one.server.say(f"Response: Success\r\nActionID: {asked['ActionID']}\r\n\r\n".encode())
        assert (await one.link.ask("Ping")).response == "Success"


async def test_a_queue_add_is_answered_by_its_one_response() -> None:
    async with rig() as one:
        await one.up()
        one.server.answers["QueueAdd"] = lambda action: (
            f"Response: Success\r\nActionID: {action['ActionID']}\r\nMessage: Added interface to queue\r\n\r\n".encode()
        )
        assert (await one.link.ask("QueueAdd")).get("Message") == "Added interface to queue"


async def test_an_originate_is_answered_at_once_and_its_outcome_is_an_event() -> None:
    async with rig() as one:
        await one.up()
        one.server.answers["Originate"] = lambda action: (
            f"Response: Success\r\nActionID: {action['ActionID']}\r\nMessage: Originate successfully queued\r\n\r\n"
            f"Event: OriginateResponse\r\nActionID: {action['ActionID']}\r\nResponse: Failure\r\n\r\n"
        ).encode()
        answer = await one.link.ask("Originate", {"Async": "true"})
        await one.until(lambda: "OriginateResponse" in one.events())
        assert answer.response == "Success"


async def test_a_refusal_is_asterisks_own_words() -> None:
    async with rig() as one:
        await one.up()
        one.server.answers["QueuePause"] = lambda action: (
            f"Response: Error\r\nActionID: {action['ActionID']}\r\nMessage: Interface not found\r\n\r\n".encode()
        )
        with pytest.raises(AmiRefused, match="Interface not found"):
            await one.link.ask("QueuePause")
        with pytest.raises(AmiRefused, match="Interface not found"):
            await one.link.ask_list("QueuePause")


async def test_no_action_is_repeated_after_a_reconnect() -> None:
    async with rig() as one:
        await one.up()
        one.server.silent.add("Originate")
        asking = asyncio.create_task(one.link.ask("Originate", {"Exten": "1580"}, within=5.0))
        await one.until(lambda: len(one.server.asked("Originate")) == 1)
        one.server.hang_up()
        with pytest.raises(AmiUnavailable, match="before the answer"):
            await asking
        await one.up(2)
        await asyncio.sleep(0.2)
        assert len(one.server.asked("Originate")) == 1


async def test_after_the_end_nothing_is_sent() -> None:
    async with rig() as one:
        await one.up()
        one.server.silent.add("Originate")
        asking = asyncio.create_task(one.link.ask("Originate", within=5.0))
        await one.until(lambda: len(one.server.asked("Originate")) == 1)
    with pytest.raises(AmiUnavailable):
        await asking
    assert len(one.server.asked("Originate")) == 1
    assert len(one.server.asked("Login")) == 1


async def test_asterisk_goes_and_comes_and_the_stream_says_so() -> None:
    server = AmiServer(channels=[citizen()])
    async with rig(server) as one:
        await one.up()
        await server.stop()
        await one.until(lambda: not one.link.status.up)
        await asyncio.sleep(0.2)
        assert "nobody listens" in one.link.status.reason
        server.channels.clear()
        await server.start()
        await one.up(2)
        state = LiveState()
        for item in one.items:
            if isinstance(item, Snapshot):
                state.resync(item)
        assert one.events() == ["Snapshot", "Gap", "Snapshot"]
        assert state.calls() == []


async def test_who_listens_there_but_is_no_asterisk_is_left() -> None:
    async with rig(AmiServer(greets=b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n", silent={"Login"})) as one:
        await one.until(lambda: "is no Asterisk" in one.link.status.reason)
        assert not one.link.status.up


async def test_a_secret_that_cannot_be_read_is_told_and_read_again() -> None:
    secrets = [PermissionError(13, "Permission denied")]

    def secret() -> str:
        if secrets:
            raise secrets.pop()
        return "secret"

    server = AmiServer()
    await server.start()
    link = AmiLink("127.0.0.1", server.port, secret, Clock(), timing=QUICK)
    with capture_logs() as logs:
        running = asyncio.create_task(link.run())
        async with asyncio.timeout(3):
            while not link.status.up:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await server.stop()
    assert any("Permission denied" in log.get("reason", "") for log in logs)


async def test_what_happens_while_asterisk_answers_comes_after_the_snapshot() -> None:
    server = AmiServer(channels=[citizen()])

    def slowly(action: dict[str, str]) -> bytes:
        tag = f"ActionID: {action['ActionID']}\r\n"
        head = f"Response: Success\r\n{tag}EventList: start\r\n\r\n"
        middle = "Event: QueueCallerLeave\r\nUniqueid: x\r\nQueue: contact-centre\r\n\r\n"
        return f"{head}{middle}Event: QueueStatusComplete\r\n{tag}EventList: Complete\r\n\r\n".encode() + HANGUP

    server.answers["QueueStatus"] = slowly
    async with rig(server) as one:
        await one.until(lambda: len(one.items) == 3)
        assert one.events() == ["Snapshot", "QueueCallerLeave", "Hangup"]


async def test_listeners_that_are_behind_lose_events_but_get_a_snapshot() -> None:
    async with rig(max_queued=200) as one:
        await one.up()
        one.server.say(HANGUP * 1000)
        await one.until(lambda: one.events().count("Snapshot") >= 2)
        assert "Gap" in one.events()
        assert one.link.status.dropped >= 200
        assert one.link.status.connects == 1
        assert len(one.server.asked("CoreShowChannels")) == 2


async def test_an_answer_of_many_megabytes_is_read_while_the_loop_goes_on() -> None:
    line = b"Output: 0123456789012345678901234567890123456789\r\n"
    async with rig() as one:
        one.server.answers["Command"] = lambda action: (
            f"Response: Success\r\nActionID: {action['ActionID']}\r\n".encode() + line * 100_000 + b"\r\n"
        )
        await one.up()
        began = time.monotonic()
        answer = await one.link.ask("Command", within=5.0)
        assert len(answer.all("Output")) == 100_000
        assert time.monotonic() - began < 3


async def test_bytes_that_are_no_message_are_skipped_and_logged() -> None:
    async with rig() as one:
        await one.up()
        with capture_logs() as logs:
            one.server.say(b"\xff\xfe garbage\r\n\r\n" + HANGUP)
            await one.until(lambda: "Hangup" in one.events())
            await one.until(lambda: len(one.server.asked("CoreShowChannels")) == 2)
        assert "AMI message skipped" in [log["event"] for log in logs]


async def test_an_event_cut_by_a_callers_number_makes_us_ask_again() -> None:
    async with rig() as one:
        await one.up()
        one.server.say(b"Event: Newchannel\r\nCallerIDNum: \r\n\r\nEvent: Hangup\r\nUniqueid: forged\r\n\r\n")
        await one.until(lambda: one.events().count("Snapshot") == 2)
        assert one.link.status.connects == 1


async def test_the_dialplan_is_told_that_we_live_and_before_that_what_holds_while_we_do() -> None:
    async with rig() as one:
        await one.until(lambda: len(one.server.asked("Setvar")) >= 3)
        [limit, beat, again, *_] = one.server.asked("Setvar")
        assert (limit["Variable"], limit["Value"]) == ("CC_WRAP_UP", "45")
        assert beat["Variable"] == "CC_HEARTBEAT"
        assert abs(int(beat["Value"]) - time.time()) < 5
        assert "Channel" not in beat
        assert again["Variable"] == "CC_WRAP_UP"


def test_it_does_the_same_on_uvloop() -> None:
    async def story() -> list[str]:
        async with rig(AmiServer(channels=[citizen()])) as one:
            await one.up()
            one.server.hang_up()
            await one.up(2)
            one.server.say(HANGUP)
            await one.until(lambda: "Hangup" in one.events())
            assert (await one.link.ask("Ping")).response == "Success"
            return one.events()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(story()) == ["Snapshot", "Gap", "Snapshot", "Hangup"]


async def test_a_fault_of_ours_ends_a_session_and_not_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = [ZeroDivisionError("ours")]

    def snapshot_of(*given: Any) -> Snapshot:  # noqa: ANN401 - what snapshot_of takes
        if faults:
            raise faults.pop()
        return live.snapshot_of(*given)

    monkeypatch.setattr(ami, "snapshot_of", snapshot_of)
    with capture_logs() as logs:
        async with rig() as one:
            await one.up()
    assert any("ours" in log.get("reason", "") for log in logs)


async def test_nothing_keeps_a_session_that_is_over() -> None:
    async with rig() as one:
        await one.up()
        over = weakref.ref(one.link._session)
        for number in range(2, 5):
            one.server.hang_up()
            await one.up(number)
        gc.collect()
        assert over() is None
