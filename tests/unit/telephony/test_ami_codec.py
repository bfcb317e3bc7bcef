"""AMI's codec: messages survive every cut, nothing but AmiError comes out, actions say what they were given."""

import gzip
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.wire import ami
from telephony.wire.ami import AmiError, Decoder, Message, encode, unescape
from tests.unit.telephony.mutations import fuzzed, mutations

CAPTURED = Path(__file__).parents[2] / "captures"
GREETING = b"Asterisk Call Manager/11.0.0\r\n"
HANGUP = b"Event: Hangup\r\nPrivilege: call,all\r\nUniqueid: cc1-1795383430.11\r\nCause: 16\r\n\r\n"


def messages(data: bytes, decoder: Decoder | None = None) -> list[Message | AmiError]:
    return (decoder or Decoder()).feed(data)


def only(data: bytes) -> Message:
    [message] = messages(data)
    assert isinstance(message, Message)
    return message


def in_pieces(data: bytes, cuts: list[int]) -> list[Message | AmiError]:
    decoder, out, last = Decoder(), [], 0
    for cut in (*sorted(cuts), len(data)):
        out += decoder.feed(data[last:cut])
        last = max(last, cut)
    return out


def test_a_greeting_and_a_login_answer() -> None:
    decoder = Decoder()
    [answer] = decoder.feed(GREETING + b"Response: Success\r\nActionID: 1\r\nMessage: Authentication accepted\r\n\r\n")
    assert isinstance(answer, Message)
    assert decoder.greeting == "Asterisk Call Manager/11.0.0"
    assert (answer.response, answer.event, answer.action_id) == ("Success", "", "1")
    assert answer.get("Message") == "Authentication accepted"


@pytest.mark.parametrize("size", [1, 2, 7, 29, 30, 31])
def test_a_greeting_may_come_in_pieces(size: int) -> None:
    decoder, data, out = Decoder(), GREETING + HANGUP, []
    for at in range(0, len(data), size):
        out += decoder.feed(data[at : at + size])
    assert decoder.greeting == "Asterisk Call Manager/11.0.0"
    assert out == messages(HANGUP)


@pytest.mark.parametrize("first", [b"SSH-2.0-OpenSSH_9.2\r\n", b"Asterisk\r\n", GREETING[:22] + b"x" * 200])
def test_who_does_not_greet_is_no_asterisk(first: bytes) -> None:
    decoder = Decoder()
    decoder.feed(first)
    decoder.feed(b"\r\n\r\n")
    assert decoder.greeting is None
    assert decoder.feed(HANGUP) == messages(HANGUP)


def test_a_line_break_too_many_between_events_loses_none() -> None:
    end = b"Event: TestEvent\r\nState: MIXMONITOR_END\r\n\r\n\r\n"
    found = messages(end + HANGUP + b"\r\n\r\n\r\n\r\n" + HANGUP)
    assert [one.event for one in found if isinstance(one, Message)] == ["TestEvent", "Hangup", "Hangup"]
    assert len(found) == 3


def test_a_letter_cut_in_two_is_whole_again() -> None:
    data = "Event: Newchannel\r\nCallerIDName: Їжак\r\n\r\n".encode()
    for cut in range(len(data)):
        [message] = in_pieces(data, [cut])
        assert isinstance(message, Message)
        assert message.get("CallerIDName") == "Їжак"


def test_bytes_that_are_no_utf8_are_shown_as_such() -> None:
    assert only(b"Event: A\r\nName: \xff\r\n\r\n").get("Name") == "\ufffd"


def test_output_lines_are_kept_in_order() -> None:
    answer = only(b"Response: Success\r\nOutput: one\r\nOutput: \r\nOutput: two: three\r\n\r\n")
    assert answer.all("Output") == ("one", "", "two: three")
    assert answer.get("Output") == "one"
    assert len(answer) == 4
    assert next(answer.lines()) == ("Response", "Success")


def test_a_value_that_runs_over_several_lines_spoils_only_itself() -> None:
    message = only(b"Event: Newexten\r\nAppData: one\r\ntwo\r\nUniqueid: 1\r\n\r\n")
    assert (message.get("AppData"), message.get("Uniqueid")) == ("one", "1")


@pytest.mark.parametrize("data", [b"Key: value\r\n\r\n", b"nothing\r\n\r\n", b"A: 1\r\nA: 2\r\n\r\n"])
def test_what_is_neither_event_nor_response_is_an_error_in_its_place(data: bytes) -> None:
    before, error, after = messages(HANGUP + data + HANGUP)
    assert isinstance(error, AmiError)
    assert before == after == only(HANGUP)


def test_messages_compare_by_their_lines() -> None:
    one, other = only(HANGUP), only(HANGUP.replace(b"16", b"17"))
    assert one == only(HANGUP)
    assert one != other
    assert one != "Hangup"
    assert len({one, only(HANGUP), other}) == 2
    assert "Cause" in one
    assert "Message" not in one
    assert repr(one) == "<Message Hangup, 4 lines>"
    assert repr(Message.of(("Response", "Error"))) == "<Message Error, 1 lines>"
    assert Message.of(("Event", "A"), ("V", "1"), ("V", "2")).all("V") == ("1", "2")


def test_only_wanted_events_are_decoded_and_every_answer() -> None:
    other = b"Event: VarSet\r\nVariable: X\r\n\r\n"
    bare = b"Event: VarSet\r\n\r\n"
    listed = b"Event: ContactList\r\nActionID: 7\r\n\r\n"
    answer = b"Response: Success\r\n\r\n"
    found = messages(other + HANGUP + bare + b"\r\n" + other + listed + answer, Decoder(["Hangup"]))
    assert found == [only(HANGUP), only(listed), only(answer)]


@pytest.mark.parametrize("size", [1, 13, 100, 10_000])
def test_a_message_that_is_too_long_is_skipped_and_the_next_is_read(size: int) -> None:
    data = HANGUP + b"Event: A\r\nX: " + b"x" * 5000 + b"\r\n\r\n" + HANGUP
    decoder, out = Decoder(max_bytes=1000), []
    for at in range(0, len(data), size):
        out += decoder.feed(data[at : at + size])
        assert len(decoder._rest) <= 1000 + size
    before, error, after = out
    assert isinstance(error, AmiError)
    assert "1000 bytes" in str(error)
    assert before == after == only(HANGUP)


@pytest.mark.parametrize("size", [1460, 1 << 16])
def test_a_message_of_many_megabytes_takes_linear_time(size: int) -> None:
    def seconds(megabytes: int) -> float:
        data = (
            b"Response: Success\r\n" + b"Output: 0123456789012345678901234567890\r\n" * (megabytes * 24_000) + b"\r\n"
        )
        decoder, out = Decoder(), []
        began = time.thread_time()
        for at in range(0, len(data), size):
            out += decoder.feed(data[at : at + size])
        took = time.thread_time() - began
        [message] = out
        assert isinstance(message, Message)
        assert len(message) == megabytes * 24_000 + 1
        return took

    def growth() -> float:
        return seconds(12) / (seconds(1) * 12)

    assert min(growth() for _ in range(5)) < 3, "quadratic would be twelve; neighbours only ever add"


def test_an_action_says_what_it_was_given() -> None:
    sent = encode("Originate", [("ActionID", "1"), ("Variable", "A=1"), ("Variable", "Б=2")])
    assert sent == "Action: Originate\r\nActionID: 1\r\nVariable: A=1\r\nVariable: Б=2\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Queue", "a\r\nAction: Command"),
        ("Queue", "a\nb"),
        ("Queue", "a\rb"),
        ("Queue", "a\0b"),
        ("Queue: x\r\nAction", "a"),
        ("Queue:", "a"),
        ("Qu eue", "a"),
        ("Queue\n", "a"),
        ("", "a"),
        ("Queue", "\ud800"),
        ("Queue", "x" * 1100),
    ],
)
def test_what_asterisk_would_read_otherwise_is_refused(key: str, value: str) -> None:
    with pytest.raises(AmiError):
        encode("Ping", [(key, value)])


def test_an_action_name_carries_no_second_action() -> None:
    with pytest.raises(AmiError):
        encode("Ping\r\n\r\nAction: Command")


def test_an_action_has_no_more_lines_than_asterisk_takes() -> None:
    assert encode("Originate", [("Variable", "A=1")] * 127)
    with pytest.raises(AmiError):
        encode("Originate", [("Variable", "A=1")] * 128)


def test_escaped_names_are_read_back() -> None:
    assert unescape(r"a\"b\\c\n") == 'a"b\\c\n'
    assert unescape("Їжак") == "Їжак"
    assert unescape("\\") == "\\"


@given(
    st.lists(st.sampled_from([HANGUP, b"\r\n", b"Event: A\r\nA: \xd0\x87\r\nA: 2\r\n\r\n", b"junk\r\n\r\n"])), st.data()
)
def test_no_cut_changes_what_is_read(parts: list[bytes], data: st.DataObject) -> None:
    stream = GREETING + b"".join(parts)
    cuts = data.draw(st.lists(st.integers(0, len(stream))))
    assert list(map(repr, in_pieces(stream, cuts))) == list(map(repr, messages(stream)))


@given(st.text(), st.text())
def test_an_action_is_refused_or_read_back_as_it_was(key: str, value: str) -> None:
    try:
        sent = encode("Ping", [(key, value)])
    except AmiError:
        return
    [message] = Decoder().feed(b"Event: A\r\n" + sent)
    assert isinstance(message, Message)
    assert list(message.lines()) == [("Event", "A"), ("Action", "Ping"), (key, value)]


@fuzzed
def test_whatever_the_bytes_and_cuts_nothing_but_an_ami_error_comes_out(seed: int, salt: bytes) -> None:
    for chance, data in mutations(seed, salt, REAL, MARKS):
        decoder = Decoder(chance.choice([None, ["Hangup"]]), max_bytes=chance.choice([50, 1 << 16]))
        cut = chance.randrange(len(data) + 1)
        for one in decoder.feed(data[:cut]) + decoder.feed(data[cut:]):
            assert isinstance(one, AmiError) or one.event or one.response or "Event" in one or "Response" in one


def _captured() -> list[bytes]:
    real = gzip.decompress((CAPTURED / "service.ami.gz").read_bytes())
    return [real[at : at + 900] for at in range(0, min(len(real), 60_000), 3_000)] + [GREETING + HANGUP, b""]


REAL = _captured()
MARKS = [b"\r\n", b"\r\n\r\n", b": ", b"Event: ", b"\xd0", b"\r", b"\n"]


def test_a_captured_stream_is_read_without_an_error() -> None:
    for name in ("service", "everything"):
        decoder = Decoder()
        found = decoder.feed(gzip.decompress((CAPTURED / f"{name}.ami.gz").read_bytes()))
        assert decoder.greeting is not None
        assert len(found) > 500
        assert not [one for one in found if isinstance(one, AmiError)]


def test_limits_are_those_of_asterisk() -> None:
    assert ami.MAX_LINE_BYTES + 2 == 1024
    assert ami.MAX_ACTION_LINES == 128
