"""What AMI lets the service and the command line do, seen by a second, independent client (pyst2)."""

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest
from asterisk.manager import Event, Manager, ManagerException

from contact_centre.demo.root import CONFIG_SOURCE
from telephony.phones import RELOAD_MODULES, Phone, add, remove
from telephony.provision import CLI_USER, SERVICE_USER, ami_secret
from tests.e2e.asterisk.stage import MakeStage, Stage


def _close(manager: Manager) -> None:
    """Close a session; pyst2 races with its own reader there."""
    with contextlib.suppress(ManagerException, ValueError, OSError):
        manager.close()


def _login(stage: Stage, user: str, secret: str) -> Manager:
    manager = Manager()
    manager.connect("127.0.0.1", stage.asterisk.settings.ports.ami)
    try:
        manager.login(user, secret)
    except ManagerException:
        _close(manager)
        raise
    return manager


def _connect(stage: Stage, user: str) -> Manager:
    """Log in; Asterisk may need a moment to see that the session of the test before has ended."""
    for _ in range(30):
        try:
            return _login(stage, user, ami_secret(stage.asterisk.host.etc, user))
        except ManagerException:
            time.sleep(0.1)
    return _login(stage, user, ami_secret(stage.asterisk.host.etc, user))


@pytest.fixture(scope="module")
def stage(make_stage: MakeStage) -> Stage:
    return make_stage("ami")


@pytest.fixture
def command_line(stage: Stage) -> Iterator[Manager]:
    manager = _connect(stage, CLI_USER)
    yield manager
    _close(manager)


def test_a_phone_is_added_and_removed_without_a_restart(stage: Stage, command_line: Manager) -> None:
    made = add(CONFIG_SOURCE, stage.asterisk.host.etc, Phone("operator", "ivan", "209"))
    for module in RELOAD_MODULES:
        answer = command_line.send_action({"Action": "ModuleLoad", "LoadType": "reload", "Module": module})
        assert answer.headers["Response"] == "Success"
    stage.telephones.dial(made, "*11")
    assert "operator-ivan" in stage.asterisk.cli("queue show contact-centre")
    removed = command_line.send_action(
        {"Action": "QueueRemove", "Queue": "contact-centre", "Interface": made.phone.interface}
    )
    assert removed.headers["Response"] == "Success"
    assert remove(stage.asterisk.host.etc, "operator", "ivan")
    for module in RELOAD_MODULES:
        command_line.send_action({"Action": "ModuleLoad", "LoadType": "reload", "Module": module})
    assert "operator-ivan" not in stage.asterisk.cli("pjsip show endpoints")
    assert "'209'" not in stage.asterisk.cli("dialplan show transfer")


@pytest.mark.parametrize("user", [SERVICE_USER, CLI_USER])
def test_nobody_runs_console_commands_or_writes_files_over_ami(stage: Stage, user: str) -> None:
    manager = _connect(stage, user)
    try:
        for action in (
            {"Action": "Command", "Command": "core show version"},
            {"Action": "UpdateConfig", "SrcFilename": "queues.conf", "DstFilename": "queues.conf"},
        ):
            assert manager.send_action(action).headers["Response"] == "Error"
    finally:
        _close(manager)


def test_the_service_reads_no_configuration(stage: Stage) -> None:
    manager = _connect(stage, SERVICE_USER)
    try:
        refused = manager.send_action({"Action": "GetConfig", "Filename": "generated/manager-cli-secret.conf"})
        assert refused.headers["Response"] == "Error"
    finally:
        _close(manager)


def test_a_wrong_secret_is_refused(stage: Stage) -> None:
    with pytest.raises(ManagerException):
        _login(stage, SERVICE_USER, "wrong")


def test_the_service_hears_of_calls_and_of_nothing_else(stage: Stage) -> None:
    heard: list[str] = []
    over = threading.Event()

    def note(event: Event, _: Manager) -> None:
        heard.append(event.name)
        if event.name == "Hangup":
            over.set()

    manager = _connect(stage, SERVICE_USER)
    try:
        manager.register_event("*", note)
        stage.telephones.citizen(talk=1).succeed(20)
        assert over.wait(5)
    finally:
        _close(manager)
    assert {"Newchannel", "Newstate", "Hangup"} <= set(heard)
    assert not {"VarSet", "Newexten", "RTCPSent", "RTCPReceived", "DialBegin"} & set(heard)
    assert len(heard) < 12


def test_the_service_has_one_session(stage: Stage) -> None:
    manager = _connect(stage, SERVICE_USER)
    try:
        with pytest.raises(ManagerException):
            _login(stage, SERVICE_USER, ami_secret(stage.asterisk.host.etc))
    finally:
        _close(manager)


def test_a_heartbeat_can_be_left_in_a_global(stage: Stage) -> None:
    manager = _connect(stage, SERVICE_USER)
    try:
        answer = manager.send_action({"Action": "Setvar", "Variable": "HEARTBEAT", "Value": "1795391143"})
        assert answer.headers["Response"] == "Success"
    finally:
        _close(manager)
    assert "HEARTBEAT=1795391143" in stage.asterisk.cli("dialplan show globals")
