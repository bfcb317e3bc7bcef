"""The certificate that we make for browsers where the city gives none."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contact_centre.demo.root import CONFIG_SOURCE
from telephony.certificates import LIFETIME, CertificateError, ensure_own, read
from telephony.provision import CERTIFICATE, AsteriskPaths, Browsers, ProvisionError, Settings, install

NAMES = ("desk.city.example", "192.0.2.10")


def test_it_is_for_the_names_and_ends_when_browsers_would_stop_taking_it(tmp_path: Path) -> None:
    certificate, key = tmp_path / "a.crt", tmp_path / "a.key"
    now = datetime.now(UTC)
    assert ensure_own(certificate, key, NAMES, now)
    made = read(certificate)
    assert made.names == frozenset(NAMES)
    assert abs(made.ends_at - now - LIFETIME) < timedelta(minutes=5)
    assert "PRIVATE KEY" in key.read_text()
    assert key.stat().st_mode & 0o007 == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.crt", "a.key"]


def test_it_is_kept_until_it_ends_soon_or_the_names_change(tmp_path: Path) -> None:
    certificate, key = tmp_path / "a.crt", tmp_path / "a.key"
    now = datetime.now(UTC)
    ensure_own(certificate, key, NAMES, now)
    first = certificate.read_bytes()
    assert not ensure_own(certificate, key, NAMES, now)
    assert certificate.read_bytes() == first
    assert ensure_own(certificate, key, NAMES, now + LIFETIME - timedelta(days=29))
    assert ensure_own(certificate, key, NAMES[:1], now)
    assert read(certificate).names == {"desk.city.example"}


def test_what_is_no_certificate_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "a.crt").write_text("nothing")
    with pytest.raises(CertificateError, match="openssl x509"):
        read(tmp_path / "a.crt")


def test_the_citys_own_is_used_where_it_is_and_none_is_made(tmp_path: Path) -> None:
    given = Browsers(("desk.city.example",), Path("/etc/ssl/desk.pem"), Path("/etc/ssl/desk.key"))
    paths = AsteriskPaths.under(Path("/srv/asterisk"), Path("/usr/lib/asterisk/modules"))
    install(CONFIG_SOURCE, tmp_path, paths, Settings(browsers=given))
    text = (tmp_path / "generated" / "http.conf").read_text("utf-8")
    assert "tlscertfile = /etc/ssl/desk.pem\ntlsprivatekey = /etc/ssl/desk.key\n" in text
    assert not (tmp_path / CERTIFICATE).exists()


@pytest.mark.parametrize(
    "browsers",
    [
        Browsers(("desk.example\ntlsenable = no",)),
        Browsers(()),
        Browsers(certificate=Path("/etc/ssl/desk.pem")),
        Browsers(uri="wss://desk.example/ws\n"),
        Browsers(uri="https://desk.example/"),
    ],
)
def test_what_cannot_stand_in_the_configuration_is_refused(tmp_path: Path, browsers: Browsers) -> None:
    paths = AsteriskPaths.under(Path("/srv/asterisk"), Path("/usr/lib/asterisk/modules"))
    with pytest.raises(ProvisionError, match="browsers"):
        install(CONFIG_SOURCE, tmp_path, paths, Settings(browsers=browsers))
