"""Ledgers as Asterisk writes them, made up: calls of every kind, many at once, the same for the same seed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import quote

MORNING = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
KINDS = ("answered", "answered", "answered", "abandoned", "timed_out", "greeting", "held", "second_operator")
OPERATORS = ("olena", "taras", "iryna")


@dataclass
class Channel:
    """A channel; its uniqueid is given when it begins."""

    name: str
    linked: "Channel | None" = None
    exten: str = "s"
    uniqueid: str = ""

    @property
    def linkedid(self) -> str:
        return self.uniqueid if self.linked is None else self.linked.linkedid


@dataclass(order=True)
class Event:
    """One line before it is written."""

    at: datetime
    kind: str = field(compare=False)
    channel: Channel = field(compare=False)
    app: str = field(default="", compare=False)
    data: str = field(default="", compare=False)
    extra: dict[str, str] = field(default_factory=dict, compare=False)


def one_call(at: datetime, kind: str, number: str, name: str = "", line: str = "588-888") -> list[Event]:
    """The events of one call; what ends last ends within a minute or two."""
    citizen = Channel("PJSIP/trunk-primary-00000001", exten=line.replace("-", ""))
    events: list[Event] = []

    def say(after: float, what: str, channel: Channel = citizen, app: str = "", data: str = "", **extra: str) -> None:
        events.append(Event(at + timedelta(seconds=after), what, channel, app, data, extra))

    def end(after: float, channel: Channel) -> None:
        say(after, "HANGUP", channel, hangupcause="16")
        say(after, "CHAN_END", channel)
        if channel.linked is None:
            say(after, "LINKEDID_END", channel)

    def talk(ring: float, start: float, stop: float, who: str, *, hold: bool = False) -> None:
        operator = Channel(f"PJSIP/operator-{who}-00000002", citizen)
        bridge = {"bridge_id": f"{citizen.name}-{number}-{at.timestamp()}", "bridge_technology": "simple_bridge"}
        say(ring, "CHAN_START", operator)
        say(start, "ANSWER", operator, "AppQueue", "(Outgoing Line)")
        say(start, "BRIDGE_ENTER", operator, "AppQueue", **bridge)
        say(start, "BRIDGE_ENTER", citizen, "Queue", **bridge)
        if hold:
            say(start + 1, "HOLD", operator)
            say(start + 2.5, "UNHOLD", operator)
        say(stop, "BRIDGE_EXIT", citizen, "Queue", **bridge)
        say(stop, "BRIDGE_EXIT", operator, "AppQueue", **bridge)
        end(stop, operator)
        say(stop, "APP_END", citizen, "Queue", "contact-centre,tc,,,600")
        end(stop + 0.001, citizen)

    say(0, "CHAN_START")
    say(0, "LINE", app="CELGenUserEvent", extra=line)
    say(0, "CALLER", app="CELGenUserEvent", extra=f"{quote(number)} {quote(name)}")
    say(0.01, "ANSWER", app="Answer")
    say(0.02, "STREAM_BEGIN", app="Playback", sound="greeting")
    if kind == "greeting":
        end(3, citizen)
        return events
    say(8, "APP_START", app="MixMonitor", data=",r(a.raw)t(b.raw)")
    say(8.001, "APP_START", app="Queue", data="contact-centre,tc,,,600")
    if kind == "abandoned":
        say(20, "APP_END", app="Queue", data="contact-centre,tc,,,600")
        end(20, citizen)
    elif kind == "timed_out":
        say(40, "APP_END", app="Queue", data="contact-centre,tc,,,600")
        say(40, "QUEUE_LEAVE", app="CELGenUserEvent", extra="TIMEOUT")
        say(40, "CALLBACK", app="CELGenUserEvent", extra="promised")
        end(45, citizen)
    elif kind == "second_operator":
        missed = Channel("PJSIP/operator-taras-00000002", citizen)
        say(8.1, "CHAN_START", missed)
        end(18, missed)
        talk(18.1, 19, 31, "iryna")
    else:
        talk(8.1, 10, 22, OPERATORS[int(at.timestamp()) % 3], hold=kind == "held")
    return events


def lines(calls: Sequence[list[Event]]) -> list[bytes]:
    """The ledger of these calls, a line each with its line end."""
    written = []
    for number, event in enumerate(sorted(event for call in calls for event in call)):
        channel = event.channel
        if event.kind == "CHAN_START":
            channel.uniqueid = f"cc1-{int(event.at.timestamp())}.{number}"
        extra = json.dumps(event.extra, separators=(",", ":")) if event.extra else ""
        fact = {
            "eventtype": event.kind,
            "userdeftype": "",
            "eventtime": event.at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{event.at.microsecond // 1000:03d}+0000",
            "exten": channel.exten,
            "context": "incoming",
            "channame": channel.name,
            "appname": event.app,
            "appdata": event.data,
            "accountcode": "",
            "uniqueid": channel.uniqueid,
            "linkedid": channel.linkedid,
            "peer": "",
            "eventextra": extra,
        }
        written.append(json.dumps(fact, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return written


def day(calls: int, seed: int = 1, start: datetime = MORNING) -> list[bytes]:
    """The lines of so many calls of every kind, several at once."""
    return lines(list(_calls(calls, Random(seed), start)))  # noqa: S311 - the same calls every time


def _calls(count: int, random: Random, at: datetime) -> Iterator[list[Event]]:
    for number in range(count):
        at += timedelta(milliseconds=random.randrange(200, 9000))
        kind = KINDS[number % len(KINDS)]
        citizen = f"050{random.randrange(100, 130):03d}4567"
        yield one_call(at, kind, citizen, "Жанна Їжак", ("15-80", "588-888")[number % 2])
