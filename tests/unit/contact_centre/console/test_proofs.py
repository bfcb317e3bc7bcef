"""Passwords, authenticators and recovery codes."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from contact_centre.console import passwords, second_factor
from contact_centre.console.passwords import WeakPasswordError

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_a_password_is_kept_as_argon2id_and_known_again() -> None:
    kept = passwords.hashed("дощ іде над Прутом")
    assert kept.startswith("$argon2id$")
    assert passwords.matches(kept, "дощ іде над Прутом")
    assert not passwords.matches(kept, "дощ іде над прутом")
    assert not passwords.outdated(kept)
    assert passwords.outdated("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$Yv2zDvUvTIEvhPYvTMZ1Zg")


def test_real_passwords_are_hashed_as_rfc_9106_wants_where_memory_is_scarce() -> None:
    program = "from contact_centre.console import passwords; print(passwords.hashed('x' * 12))"
    kept = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_nobody_has_a_password_that_matches() -> None:
    assert not passwords.matches(None, "anything at all")
    assert not passwords.matches("no hash", "anything at all")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("короткий", "short"),
        ("x" * 129, "long"),
        ("aaaaaaaaaaaaaaaa", "guessable"),
        ("abababababab", "guessable"),
        ("olenaTkachuk12", "guessable"),
        ("OLENA-tkachuk", "guessable"),
    ],
)
def test_what_is_easily_guessed_is_refused(password: str, why: str) -> None:
    with pytest.raises(WeakPasswordError) as caught:
        passwords.check(password, "olena", "Olena Tkachuk")
    assert caught.value.code == why


def test_a_one_time_password_is_accepted_and_never_the_same() -> None:
    first = passwords.one_time()
    passwords.check(first, "olena", "Олена Ткачук")
    assert first != passwords.one_time()
    assert len(first) == 23


def test_a_code_of_the_authenticator_works_once_and_a_step_to_either_side() -> None:
    secret = second_factor.new_secret()
    code = pyotp.TOTP(secret).at(NOW)
    step = second_factor.used_step(secret, f"{code[:3]} {code[3:]}", NOW, None)
    assert step is not None
    assert second_factor.used_step(secret, code, NOW + timedelta(seconds=30), None) == step
    assert second_factor.used_step(secret, code, NOW, step) is None
    assert second_factor.used_step(secret, code, NOW + timedelta(seconds=90), None) is None
    assert second_factor.used_step(secret, "", NOW, None) is None


def test_a_recovery_code_is_known_however_it_is_typed() -> None:
    codes = second_factor.new_recovery_codes()
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    one = codes[0]
    assert second_factor.recovery_digest(one) == second_factor.recovery_digest(f" {one.upper().replace('-', ' ')}")
    assert second_factor.recovery_digest(one) != second_factor.recovery_digest(codes[1])


def test_the_qr_code_needs_neither_style_nor_script() -> None:
    svg = second_factor.qr_code(second_factor.new_secret(), "olena")
    assert svg.startswith("<svg ")
    assert "style=" not in svg
    assert "script" not in svg
