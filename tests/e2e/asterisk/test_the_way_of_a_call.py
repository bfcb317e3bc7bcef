"""A citizen's call: dialled number, caller, greeting, notice, queue, operator, recording, ledger."""

import json
from dataclasses import dataclass
from urllib.parse import unquote

import pytest

from contact_centre.demo.asterisk import TRUNK_ADDRESSES
from contact_centre.demo.sipp import Hold, Unhold
from telephony.core.lines import LINES
from telephony.provision import Limits
from tests.e2e.asterisk.stage import MakeStage, Stage, decode, events, heard, seconds, share

TALKER = "0501234567"
HELD = "0501234568"
HOSTILE_NAMES = {
    "0502000000": "Жанна Їжак",
    "0502000001": '%0d%0a{"eventtype":"CHAN_END"}',
    "0502000002": "one\x01two",
    "0502000003": "$(touch /contact-centre/harmed)",
    "0502000004": "; touch /contact-centre/harmed",
    "0502000005": "'; DROP TABLE calls; --",
    "0502000006": "${SHELL(touch /contact-centre/harmed)}",
    "0502000007": "x)} ${EPOCH} (,|",
    "0502000008": 'backslash quote \\" ends',
    "0502000009": "ends in a backslash \\",
}
HOSTILE_NUMBERS = {
    "050%0d%0a123": "050\r\n123",
    "050%22%5c": '050"\\',
    "050%01": "050\x01",
    "%24%7BEPOCH%7D": "${EPOCH}",
}
FORMS = [(line, form) for line, forms in LINES.items() for form in forms]


@dataclass
class Scene:
    stage: Stage
    rejected: int
    forms: dict[str, str]


@pytest.fixture(scope="module")
def scene(make_stage: MakeStage) -> Scene:
    """Many citizens call at once; one talks to an operator, one is put on hold, most hang up in the greeting."""
    stage = make_stage("way", Limits(calls_per_caller=5))
    stage.operator("olena", "201", talk=5)
    telephones = stage.telephones
    talker = telephones.citizen(caller=TALKER, name="Жанна Їжак", tone=440)
    forms = {f"050100000{index}": form for index, (_, form) in enumerate(FORMS)}
    short = [
        telephones.citizen(form, caller=caller, talk=1.0, peer=TRUNK_ADDRESSES[index % 2])
        for index, (caller, form) in enumerate(forms.items())
    ]
    short += [telephones.citizen(caller=caller, name=name, talk=1.0) for caller, name in HOSTILE_NAMES.items()]
    short += [telephones.citizen(caller=caller, talk=1.0) for caller in HOSTILE_NUMBERS]
    rejected = telephones.citizen("588889", expect=404)
    for run in [*short, rejected]:
        run.succeed(30)
    talker.succeed(40)
    stage.asterisk.cli("queue remove member PJSIP/operator-olena from contact-centre")
    stage.operator("taras", "202", steps=(Hold(2), Unhold(3)), talk=2)
    telephones.citizen(caller=HELD).succeed(40)
    stage.asterisk.wait_idle()
    return Scene(stage, rejected.wait(1).successful, forms)


def test_every_line_of_the_ledger_is_json_whatever_callers_call_themselves(scene: Scene) -> None:
    lines = scene.stage.asterisk.ledger.read_bytes().splitlines()
    assert len(lines) > 200
    for line in lines:
        assert json.loads(line)["eventtype"]


def test_no_call_disappears(scene: Scene) -> None:
    facts = scene.stage.asterisk.facts()
    assert len(events(facts, "LINE")) == len(FORMS) + len(HOSTILE_NAMES) + len(HOSTILE_NUMBERS) + 2
    assert len(events(facts, "CHAN_START")) == len(events(facts, "CHAN_END"))


@pytest.mark.parametrize(("caller", "name"), HOSTILE_NAMES.items())
def test_a_name_arrives_whole_and_percent_encoded(scene: Scene, caller: str, name: str) -> None:
    written = decode(events(scene.stage.call(caller), "CALLER")[0])["extra"].split(" ")
    assert written[0] == caller
    # pjsip keeps the backslashes that SIP puts before a quote and a backslash inside a quoted name (RFC 3261, 25.1)
    assert unquote(written[1]) == name.replace("\\", "\\\\").replace('"', '\\"')


def test_numbers_arrive_whole_and_percent_encoded(scene: Scene) -> None:
    numbers = {unquote(decode(fact)["extra"].split(" ")[0]) for fact in events(scene.stage.asterisk.facts(), "CALLER")}
    assert set(HOSTILE_NUMBERS.values()) <= numbers


def test_hostile_text_is_executed_nowhere(scene: Scene) -> None:
    assert not (scene.stage.asterisk.folder / "harmed").exists()
    assert all("DROP" not in fact["appdata"] or "%20" in fact["appdata"] for fact in scene.stage.asterisk.facts())


def test_every_dialled_form_reaches_its_line(scene: Scene) -> None:
    expected = {form: line for line, form in FORMS}
    for caller, form in scene.forms.items():
        facts = scene.stage.call(caller)
        assert decode(events(facts, "LINE")[0])["extra"] == expected[form]
        assert facts[0]["exten"] == form
        assert facts[0]["context"] == "from-trunk"


def test_both_peers_of_the_trunk_bring_calls(scene: Scene) -> None:
    channels = {scene.stage.call(caller)[0]["channame"].rpartition("-")[0] for caller in scene.forms}
    assert channels == {"PJSIP/trunk-primary", "PJSIP/trunk-backup"}


def test_an_unknown_number_is_rejected_with_404_and_a_log_line(scene: Scene) -> None:
    assert scene.rejected == 1
    assert "'588889' rejected" in (scene.stage.asterisk.host.log / "messages.log").read_text("utf-8")
    assert not [fact for fact in scene.stage.asterisk.facts() if fact["exten"] == "588889"]


def test_a_call_is_answered_greeted_told_of_the_recording_and_queued(scene: Scene) -> None:
    facts = scene.stage.call(TALKER)
    order = [
        fact["appname"] if fact["eventtype"] == "APP_START" else fact["eventtype"]
        for fact in facts
        if fact["channame"].startswith("PJSIP/trunk")
        and (
            fact["eventtype"] in {"CHAN_START", "LINE", "CALLER", "ANSWER", "NOTICE", "BRIDGE_ENTER", "QUEUE_LEAVE"}
            or fact["eventtype"] == "APP_START"
        )
    ]
    assert order == [
        "CHAN_START", "LINE", "CALLER", "ANSWER", "NOTICE", "MixMonitor", "Queue", "BRIDGE_ENTER", "QUEUE_LEAVE",
    ]  # fmt: skip
    played = [decode(fact)["sound"] for fact in facts if fact["userdeftype"] == "FILE_STREAM_BEGIN"]
    assert played == ["greeting", "recording-notice", "goodbye"]
    assert decode(events(facts, "QUEUE_LEAVE")[0])["extra"] == "CONTINUE"


def test_both_sides_are_recorded_apart(scene: Scene) -> None:
    caller, other = scene.stage.audio(TALKER, "caller"), scene.stage.audio(TALKER, "other")
    assert seconds(caller) == seconds(other)
    assert share(heard(caller), 440) > 0.95
    # ringing 0.3 s and music first, then 5 s of the operator, then the goodbye
    assert share(heard(other, 1.0, 5.0), 880) > 0.95
    assert share(heard(caller), 880) == 0


def test_recordings_are_shared_with_the_group_and_with_nobody_else(scene: Scene) -> None:
    assert scene.stage.audio(TALKER, "caller").stat().st_mode & 0o777 == 0o660
    assert scene.stage.asterisk.ledger.stat().st_mode & 0o007 == 0
    assert scene.stage.asterisk.audio.stat().st_mode & 0o7777 == 0o2770


def test_hold_shows_as_music_on_the_citizens_channel(scene: Scene) -> None:
    music = [fact for fact in scene.stage.call(HELD) if fact["userdeftype"].startswith("MOH_STREAM")]
    assert [fact["eventtype"] for fact in music] == ["STREAM_BEGIN", "STREAM_END"] * 2
    assert all(fact["channame"].startswith("PJSIP/trunk") for fact in music)


def test_without_our_service_the_citizen_waits_for_nothing(scene: Scene) -> None:
    facts = scene.stage.call(TALKER)
    assert events(facts, "LINE")[0]["eventtime"][:18] == events(facts, "ANSWER")[0]["eventtime"][:18]


def test_only_our_own_ukrainian_sounds_are_played(scene: Scene) -> None:
    scene.stage.assert_only_our_sounds()


def test_asterisk_starts_and_runs_without_an_error_in_its_log(scene: Scene) -> None:
    log = (scene.stage.asterisk.host.log / "messages.log").read_text("utf-8")
    assert [line for line in log.splitlines() if " ERROR[" in line] == []
