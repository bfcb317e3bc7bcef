"""The script that makes the private root, with a debootstrap of ours that is quick and counts its runs."""

import os
import shutil
import subprocess
import sys
import time
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from contact_centre.demo.root import CONFIG_SOURCE, Kit
from telephony.prompts import read_texts

SCRIPT = CONFIG_SOURCE / "provide-asterisk"
CANNOT, FAILED = 3, 4
DEBOOTSTRAP = """#!/bin/sh
echo run >> "$COUNT"
for last; do case "$last" in /*.making) root=$last;; esac; done
mkdir -p "$root/etc" && echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
echo 'I: Retrieving asterisk 22'
[ -z "$SLOW" ] || sleep 1
[ -z "$BREAK" ] || { echo 'E: no space left'; exit 1; }
"""


class Machine:
    """A machine with nothing but the programs that the script needs."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache" / "contact-centre"
        self.count = folder / "count"
        programs = folder / "bin"
        programs.mkdir()
        for name in ("setpriv", "unshare", "sh", "mkdir", "sleep", "true", "apt-get"):
            found = shutil.which(name)
            if found is not None:
                (programs / name).symlink_to(found)
        (programs / "debootstrap").write_text(DEBOOTSTRAP)
        (programs / "debootstrap").chmod(0o755)
        self.environment = {
            "PATH": str(programs),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "DEBIAN_MIRROR": "http://mirror.example/debian",
            "COUNT": str(self.count),
            "HOME": str(folder),
        }

    def start(self, **more: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, **more: str) -> tuple[int, str, str]:
        process = self.start(**more)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output.strip(), errors

    @property
    def runs(self) -> int:
        return len(self.count.read_text().split()) if self.count.exists() else 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = SourceFileLoader("provide_asterisk", str(SCRIPT))
    specification = spec_from_loader("provide_asterisk", loader)
    assert specification is not None
    module = module_from_spec(specification)
    loader.exec_module(module)
    return module


def test_the_root_is_made_once_and_found_again(machine: Machine) -> None:
    code, root, errors = machine.run()
    assert code == 0, errors
    assert machine.run()[1] == root
    assert machine.runs == 1
    assert Path(root).parent == machine.cache
    assert "about a minute" in errors


def test_the_root_asks_nobody_for_its_own_name(machine: Machine) -> None:
    root = Path(machine.run()[1])
    assert os.uname().nodename in (root / "etc/hosts").read_text()
    assert (root / "etc/nsswitch.conf").read_text() == "hosts: files\n"


def test_a_half_made_root_is_recognised_and_made_again(machine: Machine) -> None:
    root = Path(machine.run()[1])
    (root / ".contact-centre-complete").unlink()
    (root / "rubbish").write_text("")
    code, again, errors = machine.run()
    assert (code, again) == (0, str(root))
    assert "interrupted" in errors
    assert machine.runs == 2
    assert not (root / "rubbish").exists()


def test_a_failure_is_told_with_its_log_and_leaves_no_root(machine: Machine) -> None:
    code, output, errors = machine.run(BREAK="yes")
    assert (code, output) == (FAILED, "")
    assert "E: no space left" in errors
    assert "docker compose -f docker/compose.yaml up" in errors
    assert machine.run()[0] == 0


def test_two_copies_of_the_tree_make_one_root(machine: Machine) -> None:
    both = [machine.start(SLOW="yes") for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert outputs[0] == outputs[1] != ""
    assert machine.runs == 1


def test_nothing_goes_on_when_the_script_is_killed(machine: Machine) -> None:
    process = machine.start(SLOW="yes")
    deadline = time.monotonic() + 20
    while not machine.runs:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=5)
    time.sleep(1.5)
    assert list(machine.cache.glob("asterisk-root-*/")) == []
    assert machine.run()[0] == 0


def test_apt_sources_are_read_in_both_formats(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://old.example/debian trixie main\n"
        "deb [arch=amd64 signed-by=/k] http://one.example/debian trixie main\n"
        "deb-src http://source.example/debian trixie main\n"
    )
    (tmp_path / "sources.list.d" / "debian.sources").write_text(
        "Types: deb deb-src\nURIs: http://two.example/debian\n https://three.example/debian/\nSuites: trixie\n\n"
        "Types: deb\nURIs: http://off.example/debian\nEnabled: no\n\n"
        "Types: deb-src\nURIs: http://source.example/debian\n"
    )
    assert list(script.apt_uris(tmp_path)) == [
        "http://one.example/debian",
        "http://two.example/debian",
        "https://three.example/debian/",
    ]


def test_a_machine_without_a_debian_mirror_is_told_what_to_do(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEBIAN_MIRROR", raising=False)
    (tmp_path / "sources.list").write_text("deb http://archive.example/ubuntu noble main\n")
    with pytest.raises(script.Stop, match="DEBIAN_MIRROR") as stop:
        script.mirror(tmp_path)
    assert stop.value.code == CANNOT


def test_every_prompt_in_the_real_voice_is_audible_and_not_clipped(kit: Kit) -> None:
    for name in read_texts(CONFIG_SOURCE).prompts:
        raw = (kit.sounds / "sounds" / "uk" / f"{name}.alaw").read_bytes()
        assert 0.2 < len(raw) / 8000 < 12, name
        # A-law by table: sign, exponent, mantissa (ITU-T G.711)
        codes = np.frombuffer(raw, np.uint8) ^ 0x55
        exponent, mantissa = (codes & 0x70) >> 4, (codes & 0x0F).astype(int)
        size = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent, 1) - 1)
        loudness = 20 * np.log10(np.sqrt(np.mean(size.astype(float) ** 2)) / 32768)
        assert -26 < loudness < -16, name
        assert size.max() < 32768 * 10 ** (-2.5 / 20), name


def test_there_is_one_piece_of_music_as_long_as_written(kit: Kit) -> None:
    files = list((kit.sounds / "moh").glob("*.alaw"))
    assert [file.stat().st_size for file in files] == [read_texts(CONFIG_SOURCE).music_seconds * 8000]
