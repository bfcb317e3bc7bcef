"""Holds asterisk-config/ against the code and against what it must never say."""

import re
from pathlib import Path

import pytest
from asterisk.config import Config

from contact_centre.demo.root import CONFIG_SOURCE
from recordings.naming import CALLER_RAW, LEG_RAW, OTHER_RAW, checked_id
from telephony.core.lines import LINES, QUEUE
from telephony.outbound import OutboundCall, new_call_id, originate_fields
from telephony.prompts import read_texts
from telephony.provision import (
    CLI_USER,
    CONTROL_USER,
    LEDGER,
    REALM,
    SERVICE_USER,
    AsteriskPaths,
    Settings,
    Trunk,
    install,
)

CONFS = sorted(CONFIG_SOURCE.glob("*.conf"))
EXTENSIONS = (CONFIG_SOURCE / "extensions.conf").read_text("utf-8")
APPLICATIONS_THAT_PLAY = re.compile(r"(?:Playback|Background|Read)\(([^),]+)")
DENIED_WRITES = {"all", "command", "config", "user", "dialplan", "agi", "message"}
USER_EVENTS = {
    "LINE", "CALLER", "NOTICE", "MENU", "QUEUE_LEAVE", "REFUSED", "CALLBACK",
    "OUT", "PURPOSE", "CITIZENLEG", "OUTRESULT",
}  # fmt: skip
SAFE_FIELDS = [
    "EventType", "userdeftype", "EventTime(%FT%T.%q%z)", "Exten", "Context", "ChanName", "AppName", "AppData",
    "AccountCode", "UniqueID", "LinkedID", "Peer", "EventExtra",
]  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole installation, every generated file included."""
    etc = tmp_path_factory.mktemp("etc")
    trunks = (
        Trunk("city", "sip.example.net", username="588888", password="a-password"),  # noqa: S106
        Trunk("backup", "192.0.2.7", addresses=("192.0.2.8",)),
    )
    paths = AsteriskPaths.under(Path("/srv/asterisk"), Path("/usr/lib/asterisk/modules"))
    install(CONFIG_SOURCE, etc, paths, Settings(trunks=trunks, run_user="asterisk", run_group="contact-centre"))
    return etc


def parse(file: Path, tmp_path: Path) -> dict[str, list[tuple[str, str]]]:
    """Sections and their settings, in order; pyst2 knows no includes, so these lines are left out."""
    text = "".join(
        line for line in file.read_text("utf-8").splitlines(keepends=True) if not line.startswith(("#include", "#try"))
    )
    copy = tmp_path / file.name
    copy.write_text(text, "utf-8")
    sections: dict[str, list[tuple[str, str]]] = {}
    for category in Config(str(copy)).categories:
        sections.setdefault(category.name, []).extend((item.name, item.value.strip()) for item in category.items)
    return sections


@pytest.mark.parametrize("file", CONFS, ids=lambda file: file.name)
def test_every_file_is_well_formed(file: Path, tmp_path: Path) -> None:
    parse(file, tmp_path)


def test_every_generated_file_is_well_formed(installed: Path, tmp_path: Path) -> None:
    for file in (installed / "asterisk.conf", *(installed / "generated").glob("*.conf")):
        folder = tmp_path / file.stem
        folder.mkdir(exist_ok=True)
        assert "{{" not in file.read_text("utf-8")
        if "[" in file.read_text("utf-8"):
            parse(file, folder)


def test_every_included_file_is_generated(installed: Path) -> None:
    for conf in CONFS:
        for name in re.findall(r'^#include "([^"]+)"', conf.read_text("utf-8"), re.MULTILINE):
            assert (installed / name).is_file(), (conf.name, name)


def test_from_trunk_takes_the_numbers_of_the_code_and_no_others(tmp_path: Path) -> None:
    dialplan = parse(CONFIG_SOURCE / "extensions.conf", tmp_path)
    reached: dict[str, set[str]] = {}
    for name, value in dialplan["from-trunk"]:
        assert name == "exten"
        number, goto = re.fullmatch(r"> ?([0-9+]+),1,Goto\(line-([0-9-]+),s,1\)", f"> {value.lstrip('> ')}").groups()  # type: ignore[union-attr]
        reached.setdefault(goto, set()).add(number)
    # Asterisk does not look at hyphens in an extension: 15-80 is 1580
    assert reached == {line: {form.replace("-", "") for form in forms} for line, forms in LINES.items()}
    for line in LINES:
        assert ("exten", f"s,1,Set(LINE={line})") in [
            (name, value.lstrip("> ")) for name, value in dialplan[f"line-{line}"]
        ]


def test_from_trunk_matches_literally() -> None:
    section = EXTENSIONS.split("[from-trunk]")[1].split("\n[")[0]
    assert "_" not in section
    assert "include" not in section


def test_recordings_are_named_as_the_code_names_them() -> None:
    expected = {
        template.format(call_id="${CALL_ID}", uniqueid="${UNIQUEID}") for template in (CALLER_RAW, OTHER_RAW, LEG_RAW)
    }
    assert set(re.findall(r"[rt]\(\$\{AUDIO\}/([^)]+\.raw)\)", EXTENSIONS)) == expected


def test_the_queue_is_the_codes_queue(tmp_path: Path) -> None:
    queues = parse(CONFIG_SOURCE / "queues.conf", tmp_path)
    assert set(queues) == {"general", QUEUE}
    assert set(re.findall(r"Queue(?:Member)?\(([^,]+),", EXTENSIONS)) == {QUEUE}
    queue = dict(queues[QUEUE])
    assert (queue["strategy"], queue["ringinuse"]) == ("rrmemory", "no")
    assert int(queue["maxlen"]) < 100
    assert dict(queues["general"])["persistentmembers"] == "yes"


def test_the_citizen_can_transfer_nothing() -> None:
    options = re.findall(r"Queue\([^,]+,([a-zA-Z]*)[,(]", EXTENSIONS) + re.findall(
        r"Dial\([^,]+,\d+,([^)]*)\)", EXTENSIONS
    )
    assert options == ["tcb", "tb(record-leg^s^1"]
    assert all("T" not in option for option in options)
    # In an outbound call the operator is the caller: T is theirs, t would be the citizen's.
    assert re.findall(r"Dial\(PJSIP/\$\{DIAL\}[^,]+,[^,]+,([a-zA-Z]+)", EXTENSIONS) == ["RTb"]


def test_what_asterisk_is_asked_for_an_outbound_call_is_what_the_dialplan_takes() -> None:
    call = OutboundCall(new_call_id("cc1"), "operator-olena", "+380501234567", "0501234567")
    fields = originate_fields(call)
    assert f"[{fields['Context']}]\nexten => {fields['Exten']},{fields['Priority']}," in EXTENSIONS
    context, _, rest = fields["PreDialGoSub"].partition(",")
    begin = EXTENSIONS.split(f"[{context}]")[1].split("\n[")[0]
    assert rest.startswith("s,1(")
    assert set(re.findall(r"\$\{ARG([0-9])\}", begin)) == {"1", "2", "3", "4"}
    assert checked_id(call.call_id) == call.call_id


def test_user_events_are_the_documented_ones() -> None:
    assert set(re.findall(r"CELGenUserEvent\(([A-Z_]+),", EXTENSIONS)) == USER_EVENTS


def test_what_a_caller_wrote_is_encoded_or_filtered_wherever_it_is_used() -> None:
    for use in re.finditer(r"\$\{CALLERID\([a-z]+\)\}", EXTENSIONS):
        assert EXTENSIONS[: use.start()].endswith(("${URIENCODE(", "${FILTER(0-9,", "${FILTER(0-9A-Za-z+*#.,")), use[0]


def test_the_guard_around_our_service_is_two_seconds() -> None:
    guard = EXTENSIONS.split("[identify]")[1].split("\n[")[0]
    assert "Set(TIMEOUT(absolute)=2)" in guard
    assert "Set(AGIEXITONHANGUP=yes)" in guard
    assert "Set(AGISIGHUP=no)" in guard
    assert "exten => T,1,Goto(s,go)" in guard
    assert "n(go),Set(TIMEOUT(absolute)=0)" in guard
    assert EXTENSIONS.count("AGI(") == 1


def test_every_sound_is_ours(tmp_path: Path) -> None:
    names = read_texts(CONFIG_SOURCE).names
    played = set(APPLICATIONS_THAT_PLAY.findall(EXTENSIONS))
    queue = dict(parse(CONFIG_SOURCE / "queues.conf", tmp_path)[QUEUE])
    played |= {
        value for name, value in queue.items() if name.startswith("queue-") or name == "periodic-announce" if value
    }
    features = parse(CONFIG_SOURCE / "features.conf", tmp_path)["general"]
    played |= {value for name, value in features if name.endswith("sound") and value}
    assert len(played) > 10
    assert played <= names


def test_every_word_that_asterisk_can_say_unasked_is_ours() -> None:
    """What app_queue, say.c, features and app_dial of the loaded modules name in their sources."""
    defaults = {
        "queue-youarenext", "queue-thereare", "queue-callswaiting", "queue-quantity1", "queue-quantity2",
        "queue-holdtime", "queue-minute", "queue-minutes", "queue-seconds", "queue-thankyou", "queue-reporthold",
        "queue-periodic-announce", "beep", "beeperr", "pbx-transfer", "pbx-invalid", "privacy-incorrect",
        *(f"digits/{number}" for number in (*range(21), *range(30, 100, 10), *range(100, 1000, 100))),
    }  # fmt: skip
    assert defaults <= read_texts(CONFIG_SOURCE).names


def test_the_ledger_has_the_safe_fields_only(tmp_path: Path) -> None:
    ledger = dict(parse(CONFIG_SOURCE / "cel_custom.conf", tmp_path)[LEDGER.name])
    assert ledger["format"] == "json"
    assert ledger["fields"].split(",") == SAFE_FIELDS


def test_the_ledger_writes_no_keys_that_were_pressed(tmp_path: Path) -> None:
    cel = dict(parse(CONFIG_SOURCE / "cel.conf", tmp_path)["general"])
    events = cel["events"].split(",")
    assert cel["apps"] == "queue,dial,mixmonitor"
    assert "ALL" not in events
    assert "DTMF" not in events
    assert {"CHAN_START", "CHAN_END", "BRIDGE_ENTER", "BRIDGE_EXIT", "USER_DEFINED", "STREAM_BEGIN"} <= set(events)


def test_ami_listens_on_loopback_for_three_users_with_what_they_need(tmp_path: Path) -> None:
    manager = parse(CONFIG_SOURCE / "manager.conf", tmp_path)
    general = dict(manager["general"])
    assert (general["bindaddr"], general["webenabled"], general["timestampevents"]) == ("127.0.0.1", "no", "yes")
    assert set(manager) == {"general", SERVICE_USER, CLI_USER, CONTROL_USER}
    for user in (SERVICE_USER, CLI_USER, CONTROL_USER):
        settings = dict(manager[user])
        assert settings["deny"] == "0.0.0.0/0.0.0.0"
        assert settings["permit"] == "127.0.0.1/255.255.255.255"
        assert int(settings["writetimeout"]) > 100
        assert not DENIED_WRITES & set(settings["write"].split(","))
    for user in (SERVICE_USER, CONTROL_USER):
        assert "system" not in dict(manager[user])["write"].split(",")
    assert "originate" not in dict(manager[CLI_USER])["write"].split(",")
    filters = [name for name, _ in manager[SERVICE_USER] if name.startswith("eventfilter(")]
    assert len(filters) > 15
    assert all(re.fullmatch(r"eventfilter\(action\(include\),name\(\w+\)\)", name) for name in filters)
    assert not [name for name, _ in manager[SERVICE_USER] if name == "eventfilter"]


def test_messages_that_nobody_hears_are_not_made(tmp_path: Path) -> None:
    """No more than these: queue, channel and bridge types are what AMI's and CEL's events are made of."""
    stasis = parse(CONFIG_SOURCE / "stasis.conf", tmp_path)
    assert stasis == {
        "declined_message_types": [
            ("decline", f"{name}_type")
            for name in (
                "ast_channel_varset", "ast_test_suite_message", "ast_rtp_rtcp_sent", "ast_rtp_rtcp_received",
                "agi_exec_start", "agi_exec_end",
            )
        ]
    }  # fmt: skip


def test_sip_lets_nobody_in_without_an_account(installed: Path, tmp_path: Path) -> None:
    pjsip = parse(CONFIG_SOURCE / "pjsip.conf", tmp_path)
    settings = dict(pjsip["global"])
    assert settings["taskprocessor_overload_trigger"] == "pjsip_only"
    assert "anonymous" not in settings["endpoint_identifier_order"]
    assert settings["default_realm"] == REALM
    assert "anonymous" not in (CONFIG_SOURCE / "modules.conf").read_text("utf-8")
    trunks = (installed / "generated" / "trunks.conf").read_text("utf-8")
    assert trunks.count("allow_transfer = no") == 2
    assert trunks.count("trust_id_inbound = yes") == 2
    assert "trust_id_inbound = yes" not in (CONFIG_SOURCE / "templates" / "phone.conf.j2").read_text("utf-8")


def test_a_trunk_is_by_registration_or_by_address(installed: Path, tmp_path: Path) -> None:
    trunks = parse(installed / "generated" / "trunks.conf", tmp_path)
    city, backup = trunks["trunk-city"], trunks["trunk-backup"]
    assert [value for name, value in city if name == "type"] == ["endpoint", "aor", "identify", "auth", "registration"]
    assert [value for name, value in backup if name == "type"] == ["endpoint", "aor", "identify"]
    assert [value for name, value in backup if name == "match"] == ["192.0.2.7", "192.0.2.8"]
    assert [value for name, value in backup if name == "qualify_frequency"] == ["30"]
    for name in ("rtp_timeout", "rtp_timeout_hold", "timers"):
        assert name in dict(city)
    globals_file = (installed / "generated" / "globals.conf").read_text("utf-8")
    assert "TRUNK_1 = trunk-city\nTRUNK_2 = trunk-backup\n" in globals_file


def test_no_secret_is_shipped() -> None:
    for file in [*CONFS, *(CONFIG_SOURCE / "templates").iterdir()]:
        for line in file.read_text("utf-8").splitlines():
            name, _, value = line.partition("=")
            if name.strip() in {"secret", "password", "md5_cred", "password_digest"}:
                assert "{{" in value, (file.name, line)


def test_every_application_and_function_has_its_module_loaded() -> None:
    modules = set(re.findall(r"^load = (\S+)\.so$", (CONFIG_SOURCE / "modules.conf").read_text("utf-8"), re.MULTILINE))
    where = {
        "Queue": "app_queue", "Dial": "app_dial", "Playback": "app_playback", "MixMonitor": "app_mixmonitor",
        "CELGenUserEvent": "app_celgenuserevent", "AGI": "res_agi", "ExecIf": "app_exec", "Return": "app_stack",
        "URIENCODE": "func_uri", "FILTER": "func_strings", "GROUP": "func_groupcount", "TIMEOUT": "func_timeout",
        "CHANNEL": "func_channel", "CALLERID": "func_callerid", "PJSIP_HEADER": "res_pjsip_header_funcs",
    }  # fmt: skip
    for word, module in where.items():
        assert re.search(rf"\b{word}\(", EXTENSIONS), word
        assert module in modules, word


def test_browsers_reach_the_telephone_and_nothing_else(installed: Path, tmp_path: Path) -> None:
    http = dict(parse(CONFIG_SOURCE / "http.conf", tmp_path)["general"])
    assert (http["bindaddr"], http["enable_static"], http["enable_status"]) == ("127.0.0.1", "no", "no")
    modules = (CONFIG_SOURCE / "modules.conf").read_text("utf-8")
    assert not re.search(r"res_ari|res_http_post|res_phoneprov|res_prometheus", modules)
    assert "tlscertfile = /srv/asterisk/etc/generated/browsers.crt\n" in (
        installed / "generated" / "http.conf"
    ).read_text("utf-8")
    template = (CONFIG_SOURCE / "templates" / "browser-phone.conf.j2").read_text("utf-8")
    assert "webrtc = yes" in template
    assert "allow = alaw,ulaw\n" in template  # with opus both legs would be transcoded
    assert "trust_id_inbound" not in template


def test_whom_an_operator_asks_on_a_second_channel_is_recorded_with_the_citizens_call() -> None:
    assert EXTENSIONS.count("Set(GLOBAL(CALL_OF_${CHANNEL(endpoint)})=${CALL_ID})") == 1
    person = EXTENSIONS.split("[to-person]")[1].split("\n[")[0]
    asked, own = (
        person.index("Set(__CALL_ID=${CALL_OF_${CHANNEL(endpoint)}})"),
        person.index("Set(__CALL_ID=${UNIQUEID})"),
    )
    assert asked < own < person.index("Dial(")
    for begun in ("CALL_OF_${CHANNEL(endpoint)}", "CALL_OF_${OPERATOR}"):
        assert EXTENSIONS.count(f"Set(GLOBAL({begun})=)") == 1  # and forgotten when the call ends


def test_a_citizen_whose_operator_was_lost_waits_in_front_and_never_in_a_circle() -> None:
    left = EXTENSIONS.split("exten => left,1,")[1].split("\n; ----")[0]
    assert 'GotoIf($["${ENDED}" != "44"]?farewell,s,1)' in left
    assert "${TRIES} >= 20" in left
    assert "Playback(operator-lost)" in left
    assert re.search(r"OPERATORS_LOST} > 2]\?overflow,s,1", left)
    assert "Set(QUEUE_PRIO=1000)" in left


def test_a_peer_that_does_not_answer_is_given_up_as_soon_as_asterisk_allows(tmp_path: Path) -> None:
    system = dict(parse(CONFIG_SOURCE / "pjsip.conf", tmp_path)["system"])
    assert int(system["timer_b"]) == 64 * int(system["timer_t1"])  # with less, Asterisk goes back to 32 s
    assert int(system["timer_t1"]) >= 100
