"""``reference check``, ``load`` and ``show`` on real files and a real database."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appeals.reference_files import SHIPPED, read_folder
from contact_centre.cli import cli as main
from contact_centre.config import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The city's own copy of the files."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "city"))


@pytest.fixture
def config(tmp_path: Path, folder: Path) -> Path:
    path = tmp_path / "contact-centre.toml"
    path.write_text(f'state = "{tmp_path / "state"}"\n[reference]\nfolder = "{folder}"\n')
    return path


def run(config: Path, *words: str, exit_with: int = 0) -> Result:
    result = CliRunner().invoke(main, ["--config", str(config), "reference", *words], prog_name="contact-centre")
    assert result.exit_code == exit_with, (result.output, result.exception)
    return result


def change(folder: Path, name: str, before: str, after: str) -> None:
    path = folder / name
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")


def test_without_a_setting_the_shipped_folder_is_meant() -> None:
    assert Settings().reference.folder == SHIPPED


def test_what_ships_is_in_force_and_without_a_mistake(config: Path) -> None:
    version = read_folder(SHIPPED).version
    assert run(config, "check").stdout.startswith(f"Nothing is wrong. Version {version}: ")
    assert json.loads(run(config, "check", "--json").stdout) == []
    shown = run(config, "show").stdout
    assert shown.startswith(f"Version {version}: ")
    assert "emergency.no_water" in shown
    assert "what came with the program is in force" in shown


def test_every_mistake_is_a_line_and_nothing_is_loaded(config: Path, folder: Path) -> None:
    change(folder, "categories.toml", 'service = "oblenergo"', 'service = "oblenerho"')
    change(folder, "calendar.toml", '"13:00-17:00"', '"13:00-12:00"')
    lines = run(config, "check", exit_with=1).stdout.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["calendar.toml", "calendar.hours"],
        ["categories.toml", "category emergency.no_power.service"],
    ]
    told = json.loads(run(config, "check", "--json", exit_with=1).stdout)
    assert [f"{one['file']}: {one['key']}: {one['message']}" for one in told] == lines
    assert run(config, "load", exit_with=1).stdout.splitlines() == lines
    assert json.loads(run(config, "show", "--json").stdout)["loads"] == []


def test_a_loaded_folder_is_in_force_and_the_one_before_can_still_be_shown(config: Path, folder: Path) -> None:
    assert run(config, "load").stdout.startswith("Already in force.")
    change(folder, "categories.toml", 'sla = "24h"', 'sla = "12h"')
    assert run(config, "load", str(folder)).stdout.startswith("Now in force.")
    assert json.loads(run(config, "load", "--json").stdout) == {
        "version": read_folder(folder).version,
        "changed": False,
    }
    shown = json.loads(run(config, "show", "--json").stdout)
    assert shown["version"] == read_folder(folder).version
    assert shown["categories"]["emergency.no_water"]["sla"] == "12h"
    assert shown["calendar"]["years"] == [2022, 2023, 2024, 2025, 2026]
    assert shown["calendar"]["hours"]["days"]["1"] == [["08:00:00", "12:00:00"], ["13:00:00", "17:00:00"]]
    assert shown["templates"]["result.en"]["short"]
    assert [one["at"] is None for one in shown["loads"]] == [False, True]
    before = shown["loads"][1]["version"]
    assert (
        json.loads(run(config, "show", "--version", before, "--json").stdout)["categories"]["emergency.no_water"]["sla"]
        == "24h"
    )
    assert "loaded by" in run(config, "show").stdout


def test_who_loads_must_be_somebody(config: Path) -> None:
    assert "there is no nobody" in run(config, "load", "--as", "nobody", exit_with=6).stderr
