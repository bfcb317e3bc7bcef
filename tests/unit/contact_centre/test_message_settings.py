"""``[messages]``: what is refused, and that the refusal says what to do without showing a secret."""

from pathlib import Path

import pytest

from contact_centre.config import SettingsError, load
from contact_centre.message_settings import WebhookSettings
from contact_centre.senders.http import is_public

EMAIL = '[messages.email]\nhost = "mail.city.example"\nsender = "noreply@city.example"\n'
SMS = '[messages.sms]\nurl = "https://sms.example/send"\n'
BODY = 'body = { to = "{to}", text = "{text}" }\n'
WEBHOOK = '[[messages.webhooks]]\nname = "portal"\nurl = "https://portal.example/in"\nsecret_file = "/etc/key"\n'


def told(tmp_path: Path, toml: str) -> str:
    config = tmp_path / "contact-centre.toml"
    config.write_text(toml)
    with pytest.raises(SettingsError) as refused:
        load(config)
    return str(refused.value).removeprefix(f"{config}: ")


def test_every_channel_is_off_until_it_is_described(tmp_path: Path) -> None:
    config = tmp_path / "contact-centre.toml"
    config.write_text("")
    messages = load(config).messages
    assert (messages.email, messages.sms, messages.webhooks) == (None, None, ())


def test_a_few_lines_describe_each(tmp_path: Path) -> None:
    config = tmp_path / "contact-centre.toml"
    config.write_text(EMAIL + SMS + BODY + WEBHOOK + 'events = ["appeal.*"]\n')
    messages = load(config).messages
    assert messages.email is not None
    assert messages.email.tls == "starttls"
    assert messages.sms is not None
    assert messages.sms.idempotency_header is None
    assert [one.name for one in messages.webhooks] == ["portal"]


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        (EMAIL + 'username = "city"\n', "set both username and password_file (the path of a file"),
        (
            EMAIL + 'username = "city"\npassword_file = "/etc/p"\ntls = "none"\n',
            'the password would travel in the clear: set tls = "starttls" or "tls"',
        ),
        (EMAIL + 'password = "x"\n', "messages.email.password: there is no such setting"),
        (
            SMS + 'body = { to = "{to}", text = "{txt}" }\n',
            "there is no placeholder {txt}; there are {to}, ",
        ),
        (SMS + 'body = { to = "{to}" }\n', "body must say where {text} goes, and {to} or {to_digits}"),
        (SMS + BODY + 'headers = { K = "{secret}" }\n', "{secret} is used: set secret_file"),
        (SMS + BODY + 'method = "GET"\n', 'method "GET" goes with encoding "query"'),
        (SMS + BODY + 'status_field = "code"\n', "name in status_accepted the values that mean accepted"),
        (SMS.replace("https", "ftp") + BODY, "url must be a whole one"),
        (SMS.replace("//", "//city:hush@") + BODY, "url must hold no name and password: secrets are files"),
        (WEBHOOK, "messages.webhooks.0.events: Field required"),
        (WEBHOOK + "events = []\n", "messages.webhooks.0.events"),
        (WEBHOOK.replace("https", "http") + 'events = ["*"]\n', "url must begin with https://"),
        (2 * (WEBHOOK + 'events = ["*"]\n'), "two are named 'portal'; give each a name of its own"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_do(tmp_path: Path, toml: str, says: str) -> None:
    text = told(tmp_path, toml)
    assert says in text
    assert "hush" not in text


def test_an_event_is_wanted_by_its_name_by_its_kind_or_with_all() -> None:
    def wants(*events: str) -> list[bool]:
        one = WebhookSettings(name="p", url="https://p.example/", secret_file=Path("k"), events=events)
        return [one.wants(event) for event in ("appeal.registered", "appeal.closed", "incident.ended")]

    assert wants("*") == [True, True, True]
    assert wants("appeal.*") == [True, True, False]
    assert wants("appeal.closed", "incident.ended") == [False, True, True]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to refuse
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::8.8.8.8", True),
        ("2002:a00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public
