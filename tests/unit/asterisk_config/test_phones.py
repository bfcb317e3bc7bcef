import hashlib
from pathlib import Path

import pytest

from contact_centre.demo.root import CONFIG_SOURCE
from telephony.phones import Phone, PhoneError, add, listed, remove
from telephony.provision import AsteriskPaths, Settings, install


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    paths = AsteriskPaths.under(Path("/srv/asterisk"), Path("/usr/lib/asterisk/modules"))
    install(CONFIG_SOURCE, tmp_path, paths, Settings())
    return tmp_path


def test_asterisk_gets_a_digest_and_never_the_password(etc: Path) -> None:
    made = add(CONFIG_SOURCE, etc, Phone("operator", "olena", "201"))
    text = (etc / "phones.d" / "operator-olena.conf").read_text("utf-8")
    digest = hashlib.md5(f"operator-olena:contact-centre:{made.password}".encode()).hexdigest()  # noqa: S324
    assert f"password_digest = MD5:{digest}\n" in text
    assert made.password not in text
    assert len(made.password) >= 20


def test_a_new_phone_has_a_new_password(etc: Path) -> None:
    passwords = {add(CONFIG_SOURCE, etc, Phone("operator", "olena", "201")).password for _ in range(3)}
    assert len(passwords) == 3


def test_a_phone_can_be_dialled_by_its_short_extension(etc: Path) -> None:
    add(CONFIG_SOURCE, etc, Phone("specialist", "water", "301"))
    text = (etc / "extensions.d" / "specialist-water.conf").read_text("utf-8")
    assert text == "exten => 301,1,Set(PERSON=specialist-water)\n same => n,Goto(to-person,s,1)\n"


def test_operators_may_use_the_queues_codes_and_specialists_may_not(etc: Path) -> None:
    add(CONFIG_SOURCE, etc, Phone("operator", "olena", "201"))
    add(CONFIG_SOURCE, etc, Phone("specialist", "water", "301"))
    assert "context = operators\n" in (etc / "phones.d" / "operator-olena.conf").read_text("utf-8")
    assert "context = specialists\n" in (etc / "phones.d" / "specialist-water.conf").read_text("utf-8")


def test_phones_are_listed_as_they_were_added(etc: Path) -> None:
    phones = [Phone("operator", "olena", "201"), Phone("operator", "taras", "202"), Phone("specialist", "water", "301")]
    for phone in phones:
        add(CONFIG_SOURCE, etc, phone)
    (etc / "phones.d" / "notes.conf").write_text("; by hand\n")
    assert listed(etc) == phones
    assert next(phone.interface for phone in phones) == "PJSIP/operator-olena"


def test_a_removed_phone_is_gone(etc: Path) -> None:
    add(CONFIG_SOURCE, etc, Phone("operator", "olena", "201"))
    assert remove(etc, "operator", "olena")
    assert not remove(etc, "operator", "olena")
    assert listed(etc) == []
    assert not list((etc / "extensions.d").iterdir())


def test_removal_cannot_leave_the_folder(etc: Path) -> None:
    assert not remove(etc, "operator", "../../asterisk")
    assert (etc / "asterisk.conf").exists()


@pytest.mark.parametrize("login", ["", "Olena", "олена", "o;x", "o]\n[x", "../o", "o o", "-o", "o" * 32, "o\n"])
def test_a_login_that_could_be_more_than_a_name_is_refused(etc: Path, login: str) -> None:
    with pytest.raises(PhoneError):
        add(CONFIG_SOURCE, etc, Phone("operator", login, "201"))
    assert not list((etc / "phones.d").iterdir())


@pytest.mark.parametrize(
    "extension", ["", "1", "20", "012", "123456", "2x1", "_2XX", "101", "104", "112", "1580", "201\n"]
)
def test_an_extension_that_is_not_a_free_short_number_is_refused(etc: Path, extension: str) -> None:
    with pytest.raises(PhoneError):
        add(CONFIG_SOURCE, etc, Phone("operator", "olena", extension))


def test_an_extension_belongs_to_one_phone(etc: Path) -> None:
    add(CONFIG_SOURCE, etc, Phone("operator", "olena", "201"))
    with pytest.raises(PhoneError, match="operator-olena"):
        add(CONFIG_SOURCE, etc, Phone("specialist", "water", "201"))
