"""Holds what the service sets against what the dialplan reads."""

import re

from contact_centre.demo.root import CONFIG_SOURCE
from contact_centre.lookup import DEADLINE_S, NOBODY, variables
from telephony.links.ami import HEARTBEAT, WRAP_UP_SECONDS
from telephony.links.fastagi import Limits

EXTENSIONS = (CONFIG_SOURCE / "extensions.conf").read_text("utf-8")
OVER_AMI = {HEARTBEAT, WRAP_UP_SECONDS}
"""Globals that the service sets over AMI, not for a call."""
GUARD_S = float(re.findall(r"Set\(TIMEOUT\(absolute\)=([1-9][0-9]*)\)", EXTENSIONS)[0])


def test_the_dialplan_reads_only_variables_that_the_service_sets() -> None:
    told = set(re.findall(r"(CC_[A-Z_]+)=", variables(NOBODY).decode()))
    assert set(re.findall(r"\bCC_[A-Z]+(?:_[A-Z]+)*\b", EXTENSIONS)) <= told | OVER_AMI


def test_what_orders_the_queue_is_digits_whatever_was_set() -> None:
    by_the_service, back_in_front = sorted(re.findall(r"QUEUE_PRIO=([^\n]+)\)\n", EXTENSIONS))
    assert by_the_service == "0${FILTER(0-9,${CC_PRIORITY})}"
    assert back_in_front.isdigit()
    identify = EXTENSIONS.split("[identify]")[1].split("\n[")[0]
    assert identify.index("n(go)") < identify.index("QUEUE_PRIO")


def test_the_service_gives_up_before_the_dialplan_does() -> None:
    limits = Limits()
    assert limits.header_s + DEADLINE_S < limits.session_s < GUARD_S
