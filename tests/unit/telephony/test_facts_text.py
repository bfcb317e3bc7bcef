"""The small texts inside of facts."""

import pytest

from telephony.core.facts import bridge_id, caller, extra_fields, is_holding, user_payload


@pytest.mark.parametrize(
    ("extra", "payload"),
    [
        ('{"extra":"588-888"}', "588-888"),
        ('{"extra":""}', ""),
        ('{"extra":"a \\"quoted\\" word"}', 'a "quoted" word'),
        ('{ "extra" : "spaced" }', "spaced"),
        ('{"extra":7}', ""),
        ("", ""),
        ("[1]", ""),
        ("[" * 100_000, ""),
        ('{"extra":"a', ""),
    ],
)
def test_the_payload_of_a_user_event_is_read_in_any_form(extra: str, payload: str) -> None:
    assert user_payload(extra) == payload


@pytest.mark.parametrize(
    ("extra", "bridge"),
    [
        ('{"bridge_id":"4f45","bridge_technology":"simple_bridge"}', "4f45"),
        ('{"bridge_technology":"simple_bridge", "bridge_id": "4f45"}', "4f45"),
        ("{}", ""),
        ("", ""),
    ],
)
def test_a_bridge_is_named_in_any_order_of_fields(extra: str, bridge: str) -> None:
    assert bridge_id(extra) == bridge


def test_only_a_holding_bridge_holds() -> None:
    assert is_holding('{"bridge_id":"4f45","bridge_technology":"holding_bridge"}')
    assert not is_holding('{"bridge_id":"4f45","bridge_technology":"simple_bridge"}')


def test_extra_fields_are_the_texts_only() -> None:
    assert extra_fields('{"a":"b","c":1,"d":null}') == {"a": "b"}


@pytest.mark.parametrize(
    ("payload", "number", "name"),
    [
        ("0501234567 %D0%96%D0%B0%D0%BD%D0%BD%D0%B0%20%D0%87%D0%B6%D0%B0%D0%BA", "0501234567", "Жанна Їжак"),
        ("%2B380501234567 ", "+380501234567", ""),
        (" %D0%87", "", "Ї"),
        (" ", "", ""),
        ("", "", ""),
        ("050 %5C%22%0D%0A%01", "050", '\\"\r\n\x01'),
        ("050 %FF%D0", "050", "\ufffd\ufffd"),
        ("050 100%", "050", "100%"),
    ],
)
def test_the_caller_arrives_whole_whatever_they_call_themselves(payload: str, number: str, name: str) -> None:
    assert caller(payload) == (number, name)
