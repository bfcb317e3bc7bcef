import stat
from pathlib import Path

import pytest

from contact_centre.demo.root import CONFIG_SOURCE
from telephony.provision import (
    BROWSER_ACCOUNTS,
    CLI_USER,
    AsteriskPaths,
    Limits,
    Nat,
    Ports,
    ProvisionError,
    Settings,
    Trunk,
    ami_secret,
    install,
    prepare_folders,
)

PATHS = AsteriskPaths.under(Path("/srv/asterisk"), Path("/usr/lib/asterisk/modules"))


def test_secrets_are_made_at_install_and_kept_by_the_next(tmp_path: Path) -> None:
    install(CONFIG_SOURCE, tmp_path, PATHS, Settings())
    first = ami_secret(tmp_path)
    install(CONFIG_SOURCE, tmp_path, PATHS, Settings(limits=Limits(calls=7)))
    assert ami_secret(tmp_path) == first
    assert len(first) >= 32
    assert first != ami_secret(tmp_path, CLI_USER)
    assert f"secret = {first}\n" == (tmp_path / "generated" / "manager-secret.conf").read_text("utf-8")
    assert "MAX_CALLS = 7\n" in (tmp_path / "generated" / "globals.conf").read_text("utf-8")


def test_two_installations_have_different_secrets(tmp_path: Path) -> None:
    for name in ("one", "two"):
        install(CONFIG_SOURCE, tmp_path / name, PATHS, Settings())
    assert ami_secret(tmp_path / "one") != ami_secret(tmp_path / "two")


def test_nobody_else_reads_the_configuration(tmp_path: Path) -> None:
    install(CONFIG_SOURCE, tmp_path, PATHS, Settings())
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 20
    modes = {file: stat.S_IMODE(file.stat().st_mode) for file in files}
    assert modes.pop(tmp_path / BROWSER_ACCOUNTS) == 0o660  # the service writes what root has made
    assert set(modes.values()) == {0o640}


def test_phones_survive_a_second_install(tmp_path: Path) -> None:
    install(CONFIG_SOURCE, tmp_path, PATHS, Settings())
    phone = tmp_path / "phones.d" / "operator-olena.conf"
    phone.write_text("[operator-olena]\n")
    install(CONFIG_SOURCE, tmp_path, PATHS, Settings())
    assert phone.read_text() == "[operator-olena]\n"


def test_paths_ports_and_users_are_rendered(tmp_path: Path) -> None:
    settings = Settings(
        systemname="node-2",
        ports=Ports(sip=5070, ami=5039, agi=4574, rtp_first=11000, rtp_last=12000),
        nat=Nat("203.0.113.5", ("10.0.0.0/8",)),
        run_user="asterisk",
        run_group="contact-centre",
    )
    install(CONFIG_SOURCE, tmp_path, PATHS, settings)
    main = (tmp_path / "asterisk.conf").read_text("utf-8")
    generated = {file.name: file.read_text("utf-8") for file in (tmp_path / "generated").glob("*.conf")}
    assert "astlogdir = /srv/asterisk/log\n" in main
    assert "systemname = node-2\n" in main
    assert "runuser = asterisk\nrungroup = contact-centre\n" in main
    assert "bind = 0.0.0.0:5070\n" in generated["transport.conf"]
    assert "external_media_address = 203.0.113.5\n" in generated["transport.conf"]
    assert "local_net = 10.0.0.0/8\n" in generated["transport.conf"]
    assert generated["rtp.conf"] == "rtpstart = 11000\nrtpend = 12000\n"
    assert generated["manager-port.conf"] == "port = 5039\n"
    assert "AGI_URL = agi://127.0.0.1:4574/incoming\n" in generated["globals.conf"]
    assert "AUDIO = /srv/asterisk/spool/audio\n" in generated["globals.conf"]


@pytest.mark.parametrize(
    "settings",
    [
        Settings(systemname="cc1\nexten"),
        Settings(systemname="CC 1"),
        Settings(trunks=(Trunk("a b", "192.0.2.1"),)),
        Settings(trunks=(Trunk("a", "192.0.2.1; x"),)),
        Settings(trunks=(Trunk("a", "192.0.2.1", addresses=("\n[evil]",)),)),
        Settings(trunks=(Trunk("a", "h", username="u", password="p;x"),)),  # noqa: S106
        Settings(trunks=(Trunk("a", "h", username="u"),)),
        Settings(trunks=(Trunk("a", "h"), Trunk("a", "i"))),
        Settings(nat=Nat("1.2.3.4\n")),
        Settings(run_user="root;"),
    ],
)
def test_a_value_that_would_change_the_configuration_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ProvisionError):
        install(CONFIG_SOURCE, tmp_path, PATHS, settings)
    assert not list(tmp_path.iterdir())


def test_ledger_and_audio_folders_are_shared_by_group(tmp_path: Path) -> None:
    paths = AsteriskPaths.under(tmp_path, Path("/usr/lib/asterisk/modules"))
    prepare_folders(paths, group="root")
    for folder in (paths.ledger.parent, paths.audio):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o2770
    assert paths.ledger == tmp_path / "log" / "cel-custom" / "cel_master.jsonl"
