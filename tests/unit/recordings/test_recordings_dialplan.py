"""The names that Asterisk writes are those that we read."""

import re
from pathlib import Path

from recordings.model import Side
from recordings.naming import CALLER_RAW, LEG_RAW, OTHER_RAW, parse_raw_name, raw_name

DIALPLAN = Path(__file__).parents[3] / "asterisk-config" / "extensions.conf"
VARIABLES = {"${CALL_ID}": "{call_id}", "${UNIQUEID}": "{uniqueid}"}


def test_the_dialplan_writes_these_files_and_no_others() -> None:
    written = set(re.findall(r"[rt]\(\$\{AUDIO\}/([^()]*)\)", DIALPLAN.read_text(encoding="utf-8")))
    for variable, field in VARIABLES.items():
        written = {name.replace(variable, field) for name in written}
    assert written == {CALLER_RAW, OTHER_RAW, LEG_RAW}


def test_every_monitor_in_the_dialplan_is_one_of_them() -> None:
    text = DIALPLAN.read_text(encoding="utf-8")
    assert text.count("MixMonitor(") == len(re.findall(r"MixMonitor\(,r\(\$\{AUDIO\}/", text)) > 0


def test_names_made_here_are_names_read_here() -> None:
    for side in Side:
        name = parse_raw_name(raw_name("cc1-1.1", side, "cc1-1.3"))
        assert name is not None
        assert name.side is side
