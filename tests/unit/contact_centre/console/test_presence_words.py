"""Whatever state, reason or result there is, the desk page has a word for it."""

import re

from contact_centre.console.presence.words import CODES, PAUSES, REASONS, STATES
from contact_centre.demo.root import CONFIG_SOURCE
from contact_centre.pauses import Pause
from contact_centre.wrap_ups import Code
from telephony.live import OperatorState


def test_every_pause_every_result_and_every_state_has_a_word() -> None:
    assert set(PAUSES) == set(Pause)
    assert set(CODES) == set(Code)
    assert set(STATES) == {one.value for one in OperatorState} | {"signed_out"}


def test_every_reason_that_the_dialplan_gives_has_a_word() -> None:
    dialplan = (CONFIG_SOURCE / "extensions.conf").read_text("utf-8")
    given = set(re.findall(r"[^n]PauseQueueMember\(.+,,(\w+)\)", dialplan))
    assert given == {"break", "outbound", "wrapup"}
    assert given <= set(REASONS)
