"""Settings: where they come from, which one wins, and what is said of a wrong one."""

from pathlib import Path

import pytest

from contact_centre.config import Settings, SettingsError, load
from contact_centre.numbers import number_reader


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "contact-centre.toml"


def refused(config: Path | None = None, **given: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(config, given)
    return str(caught.value).splitlines()


@pytest.mark.usefixtures("file")
def test_without_any_source_the_defaults_hold() -> None:
    settings = load()
    assert settings.model_dump() == Settings().model_dump()
    assert settings.database == Path("var/contact-centre.db")


def test_command_line_before_environment_before_file_before_default(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('state = "of-file"\narea_code = "44"\n[web]\nport = 1111\nhost = "127.0.0.2"\n')
    monkeypatch.setenv("CONTACT_CENTRE_STATE", "of-environment")
    monkeypatch.setenv("CONTACT_CENTRE_WEB__PORT", "2222")
    settings = load(None, {"state": Path("of-command-line")})
    assert settings.state == Path("of-command-line")
    assert (settings.web.port, settings.web.host) == (2222, "127.0.0.2")
    assert (settings.area_code, settings.recording.workers) == ("44", 2)
    assert load().state == Path("of-environment")


def test_the_file_may_be_named_by_variable_or_argument(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = file.with_name("one.toml"), file.with_name("two.toml")
    one.write_text('state = "one"')
    two.write_text('state = "two"')
    monkeypatch.setenv("CONTACT_CENTRE_CONFIG", str(one))
    assert load().state == Path("one")
    assert load(two).state == Path("two")


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [
        ("state = 5", "state", "Input is not a valid path"),
        ('area_code = "0372"', "area_code", "String should match pattern"),
        ('area_code = "37\\n"', "area_code", "String should match pattern"),
        ('[asterisk]\nami_port = "many"', "asterisk.ami_port", "found 'many'"),
        ("[asterisk]\nami_port = 70000", "asterisk.ami_port", "less than or equal to 65535 (found 70000)"),
        ('[asterisk]\nami_host = "192.0.2.1"', "asterisk.ami_host", "must be a loopback address"),
        ('[asterisk]\nami_host = "localhost"', "asterisk.ami_host", "does not appear to be an IPv4 or IPv6 address"),
        ("[recording]\nworkers = 0", "recording.workers", "greater than or equal to 1 (found 0)"),
        ("[health]\nmax_ledger_lag_s = 0", "health.max_ledger_lag_s", "greater than 0 (found 0)"),
        ('[log]\nlevel = "loud"', "log.level", "Input should be 'debug', 'info', 'warning' or 'error' (found 'loud')"),
        ("asterisk = 5", "asterisk", "found 5"),
        ("[web]\nprot = 8015", "web.prot", "there is no such setting"),
        ("colour = 1", "colour", "there is no such setting"),
        ("[provision]\nfoo = 1", "provision.foo", "there is no such setting"),
        ("[provision.limits]\ncalls = 'x'", "provision.limits.calls", "found 'x'"),
        ('role = "node"', "role", "Input should be 'all' (found 'node')"),
    ],
)
def test_a_wrong_value_is_named_with_file_and_key(file: Path, text: str, key: str, told: str) -> None:
    file.write_text(text)
    [line] = refused(file)
    assert line.startswith(f"{file}: {key}: ")
    assert told in line


def test_every_wrong_value_is_named_at_once_each_with_its_source(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("[web]\nport = 0\n[health]\nmin_free_mb = -1\n")
    monkeypatch.setenv("CONTACT_CENTRE_HEALTH__MIN_FREE_MB", "much")
    monkeypatch.setenv("CONTACT_CENTRE_WEB__COLOUR", "red")
    lines = refused(area_code="x")
    assert sorted(line.split(": ")[0] for line in lines) == [
        "command line",
        "contact-centre.toml",
        "environment CONTACT_CENTRE_HEALTH__MIN_FREE_MB",
        "environment CONTACT_CENTRE_WEB__COLOUR",
    ]


def test_a_wrong_password_is_not_repeated(file: Path) -> None:
    file.write_text('[[provision.trunks]]\nname = "a"\nhost = "192.0.2.1"\nusername = "u"\npassword = 123456\n')
    [line] = refused(file)
    assert line.startswith(f"{file}: provision.trunks.0.password: ")
    assert "123456" not in line


@pytest.mark.parametrize(
    ("name", "told"),
    [("CONTACT_CENTRE_COLOUR", "there is no such setting"), ("CONTACT_CENTRE_WEB", "a section has no value")],
)
@pytest.mark.usefixtures("file")
def test_a_variable_that_is_no_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, told: str) -> None:
    monkeypatch.setenv(name, "x")
    [line] = refused()
    assert line.startswith(f"environment: {name}: {told}")


@pytest.mark.parametrize("content", [b"state = ", b'state = "\xff"', b"\xef\xbb\xbf\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    [line] = refused()
    assert line.startswith("contact-centre.toml: not valid TOML: ")


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    assert refused(file.with_name("none.toml")) == [f"{file.with_name('none.toml')}: there is no such config file"]


@pytest.mark.parametrize(
    ("area_code", "raw", "e164"),
    [
        ("372", "588888", "+380372588888"),
        ("44", "2011234", "+380442011234"),
        ("372", "0501234567", "+380501234567"),
        ("372", "anonymous", None),
        ("372", "", None),
    ],
)
def test_numbers_are_read_as_the_city_dials_them(area_code: str, raw: str, e164: str | None) -> None:
    assert number_reader(Settings(area_code=area_code))(raw) == e164
