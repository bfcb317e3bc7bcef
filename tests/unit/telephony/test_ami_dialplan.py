"""What the AMI link and the live view share with asterisk-config is called the same on both sides."""

import re

from contact_centre.demo.root import CONFIG_SOURCE
from telephony.core.lines import QUEUE
from telephony.links.ami import HEARTBEAT, WANTED, WRAP_UP_SECONDS, Timing
from telephony.live import WRAP_UP

EXTENSIONS = (CONFIG_SOURCE / "extensions.conf").read_text("utf-8")
MANAGER = (CONFIG_SOURCE / "manager.conf").read_text("utf-8")


def test_the_dialplan_looks_for_the_heartbeat_that_the_link_leaves() -> None:
    ages = re.findall(r"\$\{EPOCH\} - 0\$\{(\w+)\} > (\d+)\]", EXTENSIONS)
    assert {name for name, _ in ages} == {HEARTBEAT}
    assert {int(seconds) for _, seconds in ages} == {60}
    assert Timing().heartbeat_every * 3 < 60


def test_the_dialplan_ends_the_pause_that_is_wrap_up_and_no_break() -> None:
    ended = set(re.findall(r'"\$\{CUT\(MEMBER,\\;,6\)\}" = "(\w+)"', EXTENSIONS))
    assert WRAP_UP in ended
    assert "break" not in ended
    assert f"DB(Queue/PersistentMembers/{QUEUE})" in EXTENSIONS


def test_the_pause_that_the_dialplan_makes_after_a_talk_is_the_wrap_up_that_the_service_ends() -> None:
    ended = EXTENSIONS.split("[operator-ended]")[1].split("\n[")[0]
    assert f"PauseQueueMember({QUEUE},PJSIP/${{CHANNEL(endpoint)}},,{WRAP_UP})" in ended
    assert f"0${{{WRAP_UP_SECONDS}}} = 0" in ended
    assert HEARTBEAT in ended


def test_the_dialplan_tells_the_line_as_accountcode_before_anything_else_is_heard_of_the_call() -> None:
    incoming = EXTENSIONS.split("[incoming]")[1].split("\n[")[0]
    assert incoming.index("Set(CHANNEL(accountcode)=${LINE})") < incoming.index("CELGenUserEvent(LINE")


def test_asterisk_lets_the_service_hear_every_event_that_is_wanted_with_its_time() -> None:
    service = MANAGER.split("[contact-centre]")[1].split("\n[")[0]
    assert set(re.findall(r"name\((\w+)\)", service)) >= WANTED
    assert "timestampevents = yes" in MANAGER
