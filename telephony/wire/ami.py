"""AMI's bytes (Asterisk 22, manager.c): messages out of whatever pieces arrive, and actions that carry what they say.

A message is lines ``Key: value`` that end with CRLF, and an empty line. Asterisk is not always that exact: some events
are followed by one CRLF too many, a greeting without an empty line comes first, names repeat within a message, and a
value may hold a line break that was not escaped. ``Decoder.feed`` takes any bytes, cut anywhere, and raises nothing:
what is no message is given as an ``AmiError`` in its place, and the stream goes on.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

MAX_MESSAGE_BYTES: Final = 1 << 24
"""A longer message is skipped; the longest useful ones are answers with a list in ``Output`` lines, some MB."""
MAX_GREETING_BYTES: Final = 128
MAX_LINE_BYTES: Final = 1022
"""Asterisk reads a line of an action, with its CRLF, into 1,024 bytes (``inbuf``), and throws longer ones away."""
MAX_ACTION_LINES: Final = 128
"""Asterisk takes so many lines of an action (``AST_MAX_MANHEADERS``) and ignores the rest."""

GREETING: Final = b"Asterisk Call Manager/"
_END: Final = b"\r\n\r\n"
_EVENT: Final = b"Event: "
_RESPONSE: Final = b"Response: "
_ACTION_ID: Final = b"\r\nActionID: "
_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_BREAK: Final = re.compile(r"[\r\n\0]")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_UNESCAPED: Final[Mapping[str, str]] = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip


class AmiError(Exception):
    """Bytes that are no message, or an action that cannot be sent; quotes nothing that may be a citizen's."""


class Message:
    """One event or response: its lines in order. Keys are matched as Asterisk writes them.

    Of a key that repeats ``get`` gives the first value, ``all`` every one. Kept as the text that it is: of an event's
    twenty values few are ever asked for, and finding one costs less than taking all apart.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """``text``: each line after a CRLF."""
        self._text = text

    @classmethod
    def of(cls, *lines: tuple[str, str]) -> "Message":
        """A message of these lines."""
        return cls("".join(f"\r\n{key}: {value}" for key, value in lines))

    @property
    def event(self) -> str:
        """The event's name; empty for a response."""
        return self.get("Event")

    @property
    def response(self) -> str:
        """``Success``, ``Error``, ``Goodbye``; empty for an event."""
        return self.get("Response")

    @property
    def action_id(self) -> str:
        """What the action that it answers was called; empty when it answers none."""
        return self.get("ActionID")

    def get(self, key: str, default: str = "") -> str:
        """The first value of a key."""
        text, head = self._text, f"\r\n{key}: "
        at = text.find(head)
        if at < 0:
            return default
        at += len(head)
        end = text.find("\r\n", at)
        return text[at:] if end < 0 else text[at:end]

    def all(self, key: str) -> tuple[str, ...]:
        """Every value of a key, in order."""
        return tuple(value for name, value in self.lines() if name == key)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Every line, in order; what is no ``Key: value`` is left out."""
        for line in self._text.split("\r\n"):
            key, colon, value = line.partition(": ")
            if colon:
                yield key, value

    def __contains__(self, key: object) -> bool:
        return f"\r\n{key}: " in self._text

    def __len__(self) -> int:
        return sum(1 for _ in self.lines())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"<Message {self.event or self.response}, {len(self)} lines>"


class Decoder:
    """Bytes in, messages out. One for each connection."""

    def __init__(self, wanted: Iterable[str] | None = None, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        """``wanted``: names of the events to decode, others are passed over; None is all.

        Responses, and events that answer an action of ours, are always decoded.
        """
        self.greeting: str | None = None
        """What Asterisk introduced itself with, without the CRLF; None until it has, or if it did not."""
        self._wanted = None if wanted is None else frozenset(_EVENT + name.encode() for name in wanted)
        self._max = max_bytes
        self._rest = bytearray()
        self._greeted = False
        self._skipping = False

    def feed(self, data: bytes) -> list[Message | AmiError]:
        """The messages that these bytes complete, in order; in the place of what is none, why."""
        rest = self._rest
        if rest:
            seen = max(0, len(rest) - 3)
            rest += data
            if rest.find(_END, seen) < 0 and self._greeted:
                return self._grown()
            data = bytes(rest)
            rest.clear()
        if not self._greeted:
            data = self._greet(data)
        parts = data.split(_END)
        rest += parts.pop()
        out: list[Message | AmiError] = []
        if parts and self._skipping:
            self._skipping = False
            del parts[0]
        wanted = self._wanted
        for part in parts:
            if part.startswith(b"\r\n"):
                part = part.lstrip(b"\r\n")  # noqa: PLW2901 - the CRLF too many of the event before
            if wanted is not None and part.startswith(_EVENT):
                end = part.find(b"\r\n")
                if (part if end < 0 else part[:end]) not in wanted and _ACTION_ID not in part:
                    continue
            if part:
                out.append(self._message(part))
        return out + self._grown() if len(rest) > self._max else out

    def _grown(self) -> list[Message | AmiError]:
        """After the unfinished message became longer: give it up if it is too long, and forget what is given up."""
        if len(self._rest) <= self._max and not self._skipping:
            return []
        del self._rest[:-3]
        if self._skipping:
            return []
        self._skipping = True
        return [AmiError(f"a message longer than {self._max} bytes was skipped")]

    def _greet(self, data: bytes) -> bytes:
        """Take the greeting from the beginning of the stream; the rest."""
        line, end, rest = data.partition(b"\r\n")
        if end or len(line) > MAX_GREETING_BYTES or not GREETING.startswith(line[: len(GREETING)]):
            self._greeted = True
            if line.startswith(GREETING) and end:
                self.greeting = line.decode(errors="replace")
                return rest
        return data

    def _message(self, part: bytes) -> Message | AmiError:
        if len(part) > self._max:
            return AmiError(f"a message longer than {self._max} bytes was skipped")
        if part.startswith((_EVENT, _RESPONSE)) or b"\r\n" + _EVENT in part or b"\r\n" + _RESPONSE in part:
            return Message("\r\n" + part.decode(errors="replace"))
        return AmiError("a message that is neither an event nor a response was skipped")


def encode(action: str, fields: Iterable[tuple[str, str]] = ()) -> bytes:
    """An action as bytes. ``fields`` may repeat a key (``Variable``).

    Raises:
        AmiError: A key or value that Asterisk would read as something else than it says, or not at all.
    """
    lines = [_line("Action", action), *(_line(key, value) for key, value in fields)]
    if len(lines) > MAX_ACTION_LINES:
        raise AmiError(f"an action of more than {MAX_ACTION_LINES} lines")
    return b"\r\n".join((*lines, b"", b""))


def _line(key: str, value: str) -> bytes:
    if not _KEY.match(key):
        raise AmiError("a key that is not of letters, digits, '-' and '_'")
    if _BREAK.search(value):
        raise AmiError(f"{key}: a value with a line break is not sent")
    try:
        line = f"{key}: {value}".encode()
    except UnicodeEncodeError:
        raise AmiError(f"{key}: a value that is no text") from None
    if len(line) > MAX_LINE_BYTES:
        raise AmiError(f"{key}: longer than {MAX_LINE_BYTES} bytes")
    return line


def unescape(text: str) -> str:
    """A name as it was before Asterisk C-escaped it (``ast_escape_c``: CallerIDName, ConnectedLineName)."""
    return _ESCAPED.sub(lambda found: _UNESCAPED.get(found[1], found[1]), text) if "\\" in text else text
