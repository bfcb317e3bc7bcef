"""FastAGI's two directions without I/O: what Asterisk tells of a call, and the commands that it is given (res_agi.c).

Asterisk first sends lines ``agi_<name>: <value>`` and an empty one, then waits for commands, a line each, and answers
each before it reads the next. Whatever the bytes are, only ``AgiError`` is raised: some of them are a caller's.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote

FIRST_LINE: Final = b"agi_network: yes\n"
"""What Asterisk says first on every FastAGI connection; whoever begins otherwise is not Asterisk."""
MAX_HEADER: Final = 16384
"""Bytes of all header lines together; Asterisk's own are about 700."""
MAX_LINES: Final = 128
"""Header lines; Asterisk sends 22 and one for each argument."""
MAX_REPLY: Final = 16384
"""Bytes of one answer; the longest is the usage text of a command."""
MAX_COMMAND: Final = 2047
"""Bytes of a command with its line end: res_agi reads into ``AGI_BUF_LEN`` and takes the rest for another command."""
MAX_VARIABLES: Final = 24
"""Pairs that one MSet takes (``pbx_builtin_setvar_multiple``)."""

OK: Final = 200
USAGE: Final = 520

_NEXT_NAME: Final = "\nagi_"
_END: Final = b"\n\n"
_HANGUP: Final = b"HANGUP"
_TRYING: Final = b"100"
_REPLY: Final = re.compile(rb"([1-9][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_RESULT: Final = re.compile(r"result=(-?[0-9]+)\b *(.*)", re.DOTALL)
_BARE: Final = re.compile(r"[A-Za-z0-9_.,:=%/*#@+~-]+")
_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_LINE_ENDS: Final = re.compile(r"[\r\n\0]")


class AgiError(Exception):
    """The bytes are not AGI, or a command cannot be said in it. Quotes nothing of them: they may be a citizen's."""


class Request(NamedTuple):
    """What Asterisk tells of the call, by the names it uses (``agi_callerid``, ``agi_arg_1``, ...)."""

    headers: Mapping[str, str]

    @property
    def script(self) -> str:
        """The path of the URL that the dialplan called."""
        return self.headers.get("agi_network_script", "")

    @property
    def uniqueid(self) -> str:
        """The calling channel."""
        return self.headers.get("agi_uniqueid", "")

    def argument(self, position: int) -> str:
        """An argument of the dialplan's AGI(), counted from 1; empty when there are fewer."""
        return self.headers.get(f"agi_arg_{position}", "")


class Reply(NamedTuple):
    """What Asterisk answers: ``200`` with the command's result, or why it was not run (510, 511, 520).

    ``text`` is what follows the result, or the code where there is no result; lines of a usage are joined by line ends.
    """

    code: int
    result: int | None
    text: str


class RequestReader:
    """Takes the header in pieces of any size."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> tuple[Request, bytes] | None:
        """The request as soon as it is whole, with the bytes after it; None while more must come.

        Raises:
            AgiError: This is not Asterisk, or what it says is too long or damaged. The connection is of no more use.
        """
        buffer = self._buffer
        searched = max(0, len(buffer) - 1)
        buffer += data[: MAX_HEADER + len(_END)]
        if not buffer.startswith(FIRST_LINE) and not FIRST_LINE.startswith(buffer):
            raise AgiError("not Asterisk: it does not begin as FastAGI does")
        end = buffer.find(_END, searched)
        if end > MAX_HEADER or (end < 0 and len(buffer) > MAX_HEADER):
            raise AgiError(f"a header of more than {MAX_HEADER} bytes")
        if end < 0:
            return None
        taken = end + len(_END) - (len(buffer) - min(len(data), MAX_HEADER + len(_END)))
        return _request(buffer[:end].decode("utf-8", "replace")), data[taken:]


def _request(header: str) -> Request:
    lines = header.split("\n")
    if len(lines) > MAX_LINES:
        raise AgiError(f"more than {MAX_LINES} header lines")
    try:
        headers = dict([line.split(": ", 1) for line in lines])
    except ValueError:
        raise AgiError("a line that is no header") from None
    # a line break in a caller's name makes lines of its own
    if len(headers) != len(lines) or header.count(_NEXT_NAME) != len(lines) - 1:
        raise AgiError("a header that is not AGI's, or told twice")
    return Request(headers)


class ReplyReader:
    """Takes answers in pieces of any size. ``hung_up`` tells whether Asterisk said in between that the caller is gone.

    (``AGISIGHUP=no`` in the dialplan forbids it to, but who asks us may have another dialplan.)
    """

    __slots__ = ("_buffer", "_usage", "_usage_size", "hung_up")

    def __init__(self) -> None:
        self._buffer = b""
        self._usage: list[str] = []
        self._usage_size = 0
        self.hung_up = False

    def feed(self, data: bytes) -> list[Reply]:
        """The answers that are complete now.

        Raises:
            AgiError: An answer too long, or none. The connection is of no more use.
        """
        *lines, rest = (self._buffer + data).split(b"\n")
        self._buffer = rest
        if len(rest) > MAX_REPLY:
            raise AgiError(f"an answer of more than {MAX_REPLY} bytes")
        replies = []
        for line in lines:
            reply = self._line(line)
            if reply is not None:
                replies.append(reply)
        return replies

    def _line(self, line: bytes) -> Reply | None:
        if line == _HANGUP:
            self.hung_up = True
            return None
        found = _REPLY.fullmatch(line)
        if self._usage:
            return self._end_of_usage(line, ended=found is not None and found[1] == b"520" and found[2] != b"-")
        if found is None:
            raise AgiError("an answer without a code")
        code, text = int(found[1]), (found[3] or b"").decode("utf-8", "replace")
        if found[2] == b"-":
            self._usage, self._usage_size = [text], len(line)
            return None
        if found[1] == _TRYING:
            return None
        result = _RESULT.fullmatch(text)
        return Reply(code, None, text) if result is None else Reply(code, _number(result[1]), result[2])

    def _end_of_usage(self, line: bytes, *, ended: bool) -> Reply | None:
        if ended:
            usage, self._usage = self._usage, []
            return Reply(USAGE, None, "\n".join(usage))
        self._usage.append(line.decode("utf-8", "replace"))
        self._usage_size += len(line)
        if self._usage_size > MAX_REPLY:
            raise AgiError(f"an answer of more than {MAX_REPLY} bytes")
        return None


def _number(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # Python refuses to read thousands of digits
        raise AgiError("a result that is no number") from None


def command(*words: str) -> bytes:
    """One command, to be written in one piece: half a line holds a caller for a minute.

    Raises:
        AgiError: Nothing to say, a line break or NUL in it, or longer than Asterisk reads.
    """
    if not words or not words[0]:
        raise AgiError("an empty command")
    line = " ".join(map(_word, words)).encode("utf-8", "surrogatepass") + b"\n"
    if len(line) > MAX_COMMAND:
        raise AgiError(f"a command of more than {MAX_COMMAND} bytes")
    return line


def _word(word: str) -> str:
    """A word as ``parse_args`` of res_agi gives it back."""
    if _BARE.fullmatch(word):
        return word
    if _LINE_ENDS.search(word):
        raise AgiError("a line break or NUL in a command")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def set_variables(values: Mapping[str, str]) -> bytes:
    """All variables in one command. Values are percent-encoded (the dialplan's URIDECODE): nothing in them acts.

    Raises:
        AgiError: No variables or too many, a name that is none, or altogether too long.
    """
    if not 0 < len(values) <= MAX_VARIABLES:
        raise AgiError(f"one command sets 1 to {MAX_VARIABLES} variables")
    if not all(map(_is_name, values)):
        raise AgiError("a name that no variable has")
    return command("EXEC", "MSet", ",".join([f"{name}={_encoded(value)}" for name, value in values.items()]))


@lru_cache(maxsize=MAX_VARIABLES)
def _is_name(name: str) -> bool:
    """Remembered: an endpoint sets the same variables for every call."""
    return _NAME.fullmatch(name) is not None


def _encoded(value: str) -> str:
    return value if value.isascii() and value.isalnum() else quote(value, safe="", errors="replace")
