"""The AGI codec: requests, answers, commands."""

import os
import string
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.wire import agi
from telephony.wire.agi import AgiError, Reply, ReplyReader, Request, RequestReader, command, set_variables
from tests.unit.telephony.mutations import fuzzed, mutations

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))
fuzz = settings(max_examples=EXAMPLES, deadline=None)

HEADER = (
    "agi_network: yes\nagi_network_script: incoming\nagi_request: agi://127.0.0.1:4573/incoming\n"
    "agi_channel: PJSIP/trunk-primary-00000000\nagi_uniqueid: cc1-1795383430.11\nagi_callerid: 0501234567\n"
    "agi_calleridname: Жанна Їжак\nagi_rdnis: \nagi_arg_1: 588-888\n\n"
).encode()


CAPTURED = Path(__file__).parents[2] / "captures"
REQUESTS = [one + b"\n\n" for one in (CAPTURED / "requests.agi").read_bytes().split(b"\n\n") if one]
REPLIES = (CAPTURED / "replies.agi").read_bytes()
SOME_REPLIES = [b"".join(REPLIES.splitlines(keepends=True)[at : at + 8]) for at in range(20)]
REQUEST_MARKS = [b"\n", b"\n\n", b": ", b"agi_", agi.FIRST_LINE, b"\xd0", b"\r", b"\0"]
REPLY_MARKS = [b"\n", b"200 result=", b"520-", b"520 ", b"100 ", b"HANGUP\n", b"-", b"\xd0", b"9" * 5000, b"\0"]


def read(*pieces: bytes) -> tuple[Request, bytes] | None:
    reader = RequestReader()
    found = None
    for piece in pieces:
        assert found is None
        found = reader.feed(piece)
    return found


def asked(*pieces: bytes) -> Request:
    found = read(*pieces)
    assert found is not None
    return found[0]


def replies(*pieces: bytes) -> list[Reply]:
    reader = ReplyReader()
    return [reply for piece in pieces for reply in reader.feed(piece)]


def words_of(line: bytes) -> list[str]:
    """As ``parse_args`` of res_agi.c: quotes, backslashes, blanks."""
    words: list[str] = []
    word, quoted, escaped, started = "", False, False, False
    for one in line.decode("utf-8", "surrogatepass").removesuffix("\n"):
        if escaped:
            word, escaped = word + one, False
        elif one == "\\":
            escaped = started = True
        elif one == '"':
            quoted, started = not quoted, True
        elif one in " \t" and not quoted:
            if started:
                words.append(word)
            word, started = "", False
        else:
            word, started = word + one, True
    return [*words, word] if started else words


def test_a_request_tells_who_calls() -> None:
    request = asked(HEADER)
    assert request.script == "incoming"
    assert request.uniqueid == "cc1-1795383430.11"
    assert request.headers["agi_calleridname"] == "Жанна Їжак"
    assert request.headers["agi_rdnis"] == ""
    assert (request.argument(1), request.argument(2)) == ("588-888", "")


def test_a_request_without_a_script_has_an_empty_one() -> None:
    request = asked(b"agi_network: yes\n\n")
    assert (request.script, request.uniqueid) == ("", "")


@pytest.mark.parametrize("size", [1, 2, 7, len(HEADER) - 1])
def test_a_request_in_pieces_is_the_same_request(size: int) -> None:
    assert asked(*(HEADER[at : at + size] for at in range(0, len(HEADER), size))) == asked(HEADER)


def test_what_follows_the_request_is_given_back() -> None:
    found = read(HEADER[:40], HEADER[40:] + b"200 result=1\n")
    assert found is not None
    assert found[1] == b"200 result=1\n"


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"\n\n", b"agi_network: no\n\n", b"HANGUP\n"])
def test_what_is_not_asterisk_is_refused_at_its_first_bytes(said: bytes) -> None:
    with pytest.raises(AgiError, match="not Asterisk"):
        RequestReader().feed(said)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"no colon", "no header"),
        (b"", "no header"),
        (b"other: 1", "not AGI's"),
        (b"agi_network: yes", "told twice"),
        (b"agi_x: 1\n" * agi.MAX_LINES + b"agi_y: 1", "more than 128 header lines"),
    ],
)
def test_lines_that_are_no_headers_are_refused(line: bytes, why: str) -> None:
    begin = agi.FIRST_LINE if line else agi.FIRST_LINE[:-1] + b"\nx"
    with pytest.raises(AgiError, match=why):
        RequestReader().feed(begin + line + b"\n\n")


def test_a_caller_cannot_answer_for_asterisk_by_a_line_break_in_the_name() -> None:
    with pytest.raises(AgiError, match="told twice"):
        RequestReader().feed(HEADER[:-2] + b"\nagi_calleridname: x\nagi_network_script: other\n\n")


def test_a_header_is_bounded() -> None:
    longest = agi.FIRST_LINE + b"agi_x: " + b"x" * (agi.MAX_HEADER - len(agi.FIRST_LINE) - 7)
    assert len(asked(longest + b"\n\n").headers["agi_x"]) > 16000
    for pieces in ([longest + b"x\n\n"], [longest, b"x"], [longest + b"x" * 10_000_000]):
        with pytest.raises(AgiError, match="more than 16384 bytes"):
            read(*pieces)


def test_letters_that_are_no_utf_8_are_replaced() -> None:
    assert asked(b"agi_network: yes\nagi_calleridname: \xff\n\n").headers["agi_calleridname"] == "\ufffd"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"200 result=1", Reply(200, 1, "")),
        (b"200 result=-1", Reply(200, -1, "")),
        (b"200 result=0 (timeout)", Reply(200, 0, "(timeout)")),
        (b"200 result=1 (a b) endpos=12", Reply(200, 1, "(a b) endpos=12")),
        (b"200 result=", Reply(200, None, "result=")),
        (b"510 Invalid or unknown command", Reply(510, None, "Invalid or unknown command")),
        (b"511 Command Not Permitted on a dead channel", Reply(511, None, "Command Not Permitted on a dead channel")),
        (b"503 result=-2 Memory allocation failure", Reply(503, -2, "Memory allocation failure")),
        (b"510", Reply(510, None, "")),
    ],
)
def test_answers(line: bytes, reply: Reply) -> None:
    assert replies(line + b"\n") == [reply]
    assert replies(*(bytes([one]) for one in line + b"\n")) == [reply]


def test_a_usage_of_many_lines_is_one_answer() -> None:
    text = (
        b"520-Invalid command syntax.  Proper usage follows:\nUsage: EXEC <app>\n\n 200 x\n520 End of proper usage.\n"
    )
    expected = Reply(520, None, "Invalid command syntax.  Proper usage follows:\nUsage: EXEC <app>\n\n 200 x")
    assert replies(text) == [expected]
    assert replies(text + b"200 result=1\n") == [expected, Reply(200, 1, "")]


def test_trying_is_no_answer_yet() -> None:
    assert replies(b"100 Trying...\n200 result=0\n") == [Reply(200, 0, "")]


def test_a_hangup_in_between_is_noted_and_answers_stay_in_step() -> None:
    reader = ReplyReader()
    assert reader.feed(b"HANGUP\n200 result=1\n") == [Reply(200, 1, "")]
    assert reader.hung_up
    assert replies(b"520-Usage\nHANGUP\nx\n520 End\n") == [Reply(520, None, "Usage\nx")]


@pytest.mark.parametrize("line", [b"", b"hello", b"20 result=1", b"200x", b"agi_context: x", b"\xff"])
def test_what_is_no_answer_is_refused(line: bytes) -> None:
    with pytest.raises(AgiError, match="without a code"):
        replies(line + b"\n")


def test_answers_are_bounded() -> None:
    with pytest.raises(AgiError, match="more than 16384"):
        replies(b"200 result=1 " + b"x" * agi.MAX_REPLY)
    with pytest.raises(AgiError, match="more than 16384"):
        replies(b"520-Usage\n" + b"x" * 1000 + b"\n" + (b"y" * 1000 + b"\n") * 20)
    with pytest.raises(AgiError, match="no number"):
        replies(b"200 result=" + b"1" * 10_000 + b"\n")


def test_a_command_is_one_line() -> None:
    assert command("ANSWER") == b"ANSWER\n"
    assert command("SET VARIABLE", "A", "") == b'"SET VARIABLE" A ""\n'
    assert command("VERBOSE", 'say "x\\y" 1') == b'VERBOSE "say \\"x\\\\y\\" 1"\n'


@pytest.mark.parametrize("word", ["a\nb", "a\rb", "a\0b", "\n"])
def test_a_second_command_cannot_hide_in_a_word(word: str) -> None:
    with pytest.raises(AgiError, match="line break or NUL"):
        command("VERBOSE", word)


@pytest.mark.parametrize("words", [(), ("",), ("", "a")])
def test_a_command_says_something(words: tuple[str, ...]) -> None:
    with pytest.raises(AgiError, match="empty"):
        command(*words)


def test_a_command_is_no_longer_than_asterisk_reads() -> None:
    assert len(command("X", "y" * 2044)) == agi.MAX_COMMAND
    with pytest.raises(AgiError, match="more than 2047"):
        command("X", "y" * 2045)


def test_variables_go_in_one_command_and_nothing_in_them_acts() -> None:
    sent = set_variables({"CC_NAME": 'Їжак, "x"=${A}\n(1)', "CC_OPEN": "2"})
    assert sent == (b"EXEC MSet CC_NAME=%D0%87%D0%B6%D0%B0%D0%BA%2C%20%22x%22%3D%24%7BA%7D%0A%281%29,CC_OPEN=2\n")


@pytest.mark.parametrize("values", [{}, {f"A{one}": "" for one in range(25)}])
def test_a_command_sets_one_to_twenty_four_variables(values: dict[str, str]) -> None:
    with pytest.raises(AgiError, match="1 to 24"):
        set_variables(values)


@pytest.mark.parametrize("name", ["", "a", "A B", "A=", "CALLERID(num)", "1A", "A\n"])
def test_a_variable_has_a_plain_name(name: str) -> None:
    with pytest.raises(AgiError, match="name"):
        set_variables({name: "1"})


def test_what_asterisk_says_is_read_to_the_last_byte() -> None:
    assert [(request.script, request.argument(1)) for request in map(asked, REQUESTS)] == [
        ("incoming", "15-80"), *[("incoming", "588-888")] * 3,
    ]  # fmt: skip
    assert asked(REQUESTS[1]).headers["agi_calleridname"] == "Жанна Їжак"
    answers = replies(REPLIES)
    assert {reply.code for reply in answers} == {200, 510, agi.USAGE}
    assert len(answers) == 4 * 13


@fuzzed
def test_whatever_the_bytes_a_request_is_one_or_the_codecs_own_error_however_it_is_cut(seed: int, salt: bytes) -> None:
    for chance, data in mutations(seed, salt, REQUESTS, REQUEST_MARKS):
        cut = chance.randrange(len(data) + 1)
        whole = requested(data)
        assert requested(data[:cut], data[cut:]) == whole
        if whole is not None:
            assert all(name.startswith("agi_") for name in whole.headers)


@fuzzed
def test_whatever_the_bytes_answers_are_such_or_the_codecs_own_error_however_they_are_cut(
    seed: int, salt: bytes
) -> None:
    for chance, data in mutations(seed, salt, SOME_REPLIES, REPLY_MARKS):
        cut = chance.randrange(len(data) + 1)
        whole = answered(data)
        assert answered(data[:cut], data[cut:]) == whole
        assert whole is None or all(100 <= reply.code <= 999 for reply in whole)


def requested(*pieces: bytes) -> Request | None:
    """What a server would make of it: a request, or nothing."""
    found = map(RequestReader().feed, pieces)
    try:
        return next((one[0] for one in found if one is not None), None)
    except AgiError:
        return None


def answered(*pieces: bytes) -> list[Reply] | None:
    try:
        return replies(*pieces)
    except AgiError:
        return None


lines = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([agi.FIRST_LINE, b"agi_x: y\n", b"\n", b"\n\n", b"200 result=1\n", b"520-x\n", b"520 x\n"]),
        st.builds(bytes.__add__, st.sampled_from([b"agi_", b"200 result=", b"520-", b"100 "]), st.binary(max_size=30)),
    ),
    max_size=30,
)


@fuzz
@given(lines, st.booleans())
def test_no_bytes_raise_anything_but_the_codecs_own_error_as_a_request(pieces: list[bytes], greeted: bool) -> None:
    reader = RequestReader()
    for piece in ([agi.FIRST_LINE] if greeted else []) + pieces:
        try:
            if reader.feed(piece) is not None:
                break
        except AgiError:
            break


@fuzz
@given(lines)
def test_no_bytes_raise_anything_but_the_codecs_own_error_as_answers(pieces: list[bytes]) -> None:
    reader = ReplyReader()
    try:
        for piece in pieces:
            for reply in reader.feed(piece):
                assert 100 <= reply.code <= 999
    except AgiError:
        pass


headers = st.dictionaries(
    st.text(string.ascii_lowercase + "_", min_size=1, max_size=10).map("agi_y_".__add__),
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=30),
    max_size=20,
)


@fuzz
@given(headers, st.binary(max_size=40), st.lists(st.integers(1, 200), max_size=10))
def test_a_request_is_read_alike_however_it_is_cut(told: dict[str, str], rest: bytes, cuts: list[int]) -> None:
    whole = agi.FIRST_LINE + "".join(f"{name}: {value}\n" for name, value in told.items()).encode() + b"\n"
    data, reader, given_back = whole + rest, RequestReader(), None
    sizes = iter([*cuts, len(data)])
    while given_back is None:
        size = next(sizes)
        piece, data = data[:size], data[size:]
        found = reader.feed(piece)
        if found is not None:
            request, left = found
            given_back = left + data
            assert request.headers == {"agi_network": "yes", **told}
    assert given_back == rest


@fuzz
@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_a_command_reaches_asterisk_word_by_word_or_is_refused(words: list[str]) -> None:
    try:
        line = command(*words)
    except AgiError:
        return
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert words_of(line) == words


@fuzz
@given(st.dictionaries(st.from_regex(r"\A[A-Z][A-Z0-9_]{0,8}\Z"), st.text(max_size=30), min_size=1, max_size=24))
def test_variables_arrive_as_they_were_given_whatever_they_hold(values: dict[str, str]) -> None:
    try:
        line = set_variables(values)
    except AgiError:
        return
    verb, application, pairs = words_of(line)
    assert (verb, application) == ("EXEC", "MSet")
    arrived = dict(pair.split("=") for pair in pairs.split(","))
    surrogates_gone = {name: value.encode("utf-8", "replace").decode() for name, value in values.items()}
    assert {name: unquote(value) for name, value in arrived.items()} == surrogates_gone
    assert set(pairs) <= set(string.ascii_letters + string.digits + "%=,_.-~")
