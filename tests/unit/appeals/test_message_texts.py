"""Templates into texts: what people wrote stays a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appeals.errors import UnknownReferenceError
from appeals.messages import LONGEST_SHORT_VALUE, PLACEHOLDERS, Announcement, MessageChannel, Text, problems, render
from appeals.reference import Template

UK = Template(
    "registered",
    "uk",
    "Звернення {number} зареєстровано",
    "Доброго дня, {applicant}!\nВаше звернення {number} ({category}) виконає {service}. Строк: {due}.",
    "{number}: {service}, строк {due}. {text}",
)
EN = Template("registered", "en", "Appeal {number}", "Dear {applicant}, your appeal is {number}.", "Appeal {number}")
TEMPLATES = {(one.code, one.language): one for one in (UK, EN)}


def announcement(
    channel: MessageChannel = MessageChannel.EMAIL, language: str = "uk", template: str = "registered", **values: str
) -> Announcement:
    return Announcement("event", "appeal", "duty", template, language, channel, "olena@example.org", values)


def test_a_mail_has_the_templates_subject_and_text_with_the_values_in_place() -> None:
    text = render(
        announcement(number="2026-000017", applicant="Олена", category="Водогін", service="Водоканал", due="24.11"),
        TEMPLATES,
    )
    assert text == Text(
        "Звернення 2026-000017 зареєстровано",
        "Доброго дня, Олена!\nВаше звернення 2026-000017 (Водогін) виконає Водоканал. Строк: 24.11.",
    )


def test_a_text_message_is_the_short_text_without_a_subject() -> None:
    text = render(announcement(MessageChannel.SMS, number="2026-000017", service="Водоканал", text="ок"), TEMPLATES)
    assert text == Text(None, "2026-000017: Водоканал, строк —. ок")


def test_the_language_is_the_applicants_where_the_template_has_it_and_ukrainian_where_not() -> None:
    assert render(announcement(language="en", number="1"), TEMPLATES).subject == "Appeal 1"
    assert render(announcement(language="en", number="1"), {("registered", "uk"): UK}).subject == UK.subject.replace(
        "{number}", "1"
    )


def test_without_a_template_there_is_no_message() -> None:
    with pytest.raises(UnknownReferenceError, match="no template 'extended'"):
        render(announcement(template="extended"), TEMPLATES)


def test_a_value_that_looks_like_a_placeholder_stays_what_it_is() -> None:
    assert (
        "Dear {number}, your" in render(announcement(language="en", applicant="{number}", number="1"), TEMPLATES).body
    )


def test_a_subject_keeps_to_its_line_whatever_the_value() -> None:
    text = render(announcement(number="1\r\nBcc: all@example.org\u2028x"), TEMPLATES)
    assert text.subject == "Звернення 1 Bcc: all@example.org x зареєстровано"


def test_a_long_value_is_shortened_in_a_text_message_alone() -> None:
    long = "дуже довгий опис " * 40
    assert len(render(announcement(MessageChannel.SMS, text=long), TEMPLATES).body) < LONGEST_SHORT_VALUE + 40
    assert long.strip() in render(announcement(applicant=long), TEMPLATES).body


@given(st.text(), st.sampled_from(MessageChannel))
def test_no_control_character_of_a_value_reaches_a_message(value: str, channel: MessageChannel) -> None:
    text = render(announcement(channel, applicant=value, number=value, text=value), TEMPLATES)
    assert all(one.isprintable() or one == "\n" for one in text.body)
    assert text.subject is None or text.subject.isprintable()


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        (Template("a", "uk", "s", "{nummer}", "s"), "template a (uk): text uses {nummer}; there are number, applicant"),
        (Template("a", "uk", "s", "{number", "s"), "template a (uk): text has a brace that is part of no placeholder"),
        (Template("a", "uk", "s", "{number.__class__}", "s"), "template a (uk): text has a brace"),
        (Template("a", "uk", "s", "t", " "), "template a (uk): short is empty"),
        (Template("a", "uk", "s\nt", "t", "s"), "template a (uk): subject has more than one line"),
    ],
)
def test_a_wrong_template_is_told_when_it_is_checked(template: Template, problem: str) -> None:
    [told] = problems(template)
    assert told.startswith(problem)


def test_every_placeholder_is_allowed_in_every_text() -> None:
    every = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    assert list(problems(Template("a", "uk", every, every, every))) == []
