"""Telephone numbers: as the network sent them, as E.164 (ITU-T), as people read them, as logs may show them."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

LONGEST: Final = 40
"""Characters of a caller number that are looked at; E.164 has at most 15 digits."""

SUBSCRIBER: Final = 6
"""Digits from which a number may be a person's; shorter ones are services and extensions."""

_DIALLED: Final = re.compile(r"\+?[0-9]+")
_SEPARATORS: Final = str.maketrans("", "", " -().\N{NO-BREAK SPACE}")
_WITHHELD: Final = frozenset({"anonymous", "private", "restricted", "withheld"})
_UNAVAILABLE: Final = frozenset({"", "<unknown>", "unknown", "unavailable"})
_OWN_SUBSCRIBER: Final = re.compile(r"(?:[3-8][0-9]|9[1-9])[0-9]{7}")
"""A Ukrainian national number of a subscriber: nine digits, the first two of an area or mobile code; 90 is premium."""


class NumberKind(StrEnum):
    """What a caller number turned out to be; only ``national`` and ``foreign`` can be called back."""

    NATIONAL = "national"
    FOREIGN = "foreign"
    SHORT = "short"
    WITHHELD = "withheld"
    UNAVAILABLE = "unavailable"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class NumberPlan:
    """Where the contact centre stands: ISO country, its calling code, and the city's area code for local numbers."""

    region: str = "UA"
    country_code: str = "380"
    area_code: str = "372"
    local_digits: int = 6


@dataclass(frozen=True, slots=True)
class Number:
    """A caller number understood. ``e164`` is None unless ``kind`` is ``national`` or ``foreign``."""

    kind: NumberKind
    e164: str | None = None


CHERNIVTSI: Final = NumberPlan()


@lru_cache(maxsize=4096)
def parse_number(raw: str | None, plan: NumberPlan = CHERNIVTSI) -> Number:
    """What the network sent as caller number, in any form in which trunks and old exchanges write it.

    Never raises: a string that is no number is ``invalid``. Understood are +380..., 380..., 00380..., 8 10 380...,
    0XX..., the old 8 0XX..., the nine digits of a national number, and the city's six-digit local numbers. A national
    number need not be in a range that the library knows: ranges are opened faster than libraries are updated, and a
    citizen with a new number wants to be called back too. A premium-rate number is ``invalid``: nobody calls it back.
    """
    text = (raw or "").strip()
    user = text.partition(";")[0].partition("@")[0].strip().lower()
    if user in _UNAVAILABLE:
        return Number(NumberKind.UNAVAILABLE)
    if user in _WITHHELD:
        return Number(NumberKind.WITHHELD)
    dialled = user.translate(_SEPARATORS)
    if len(text) > LONGEST or not _DIALLED.fullmatch(dialled):
        return Number(NumberKind.INVALID)
    if len(dialled) < plan.local_digits or (len(dialled) == plan.local_digits and dialled[0] in "01+"):
        return Number(NumberKind.SHORT)
    return _classify(_international(dialled, plan), plan)


@lru_cache(maxsize=8)
def _forms(plan: NumberPlan) -> tuple[tuple[re.Pattern[str], str], ...]:
    """How a number may be dialled, and what to put before its captured part to get country code and number."""
    national = len(plan.area_code) + plan.local_digits
    return (
        (re.compile(r"\+(.+)"), ""),
        (re.compile(rf"(.{{{plan.local_digits}}})"), plan.country_code + plan.area_code),
        (re.compile(rf"([^0].{{{national - 1}}})"), plan.country_code),
        (re.compile(rf"0([^0].{{{national - 1}}})"), plan.country_code),
        (re.compile(rf"80(.{{{national}}})"), plan.country_code),
        (re.compile(r"(?:00|810)(.+)"), ""),
    )


def _international(dialled: str, plan: NumberPlan) -> str:
    """Country code and number; what fits no form is taken to begin with a country code."""
    for form, prefix in _forms(plan):
        if found := form.fullmatch(dialled):
            return prefix + found[1]
    return dialled


def _classify(digits: str, plan: NumberPlan) -> Number:
    own = digits.removeprefix(plan.country_code)
    if own != digits and plan.region == "UA" and _OWN_SUBSCRIBER.fullmatch(own):
        return Number(NumberKind.NATIONAL, f"+{digits}")
    try:
        parsed = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return Number(NumberKind.INVALID)
    premium = phonenumbers.number_type(parsed) == PhoneNumberType.PREMIUM_RATE
    if premium or not phonenumbers.is_valid_number(parsed):
        return Number(NumberKind.INVALID)
    national = phonenumbers.region_code_for_number(parsed) == plan.region
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return Number(NumberKind.NATIONAL if national else NumberKind.FOREIGN, e164)


def format_number(e164: str) -> str:
    """An E.164 number as people read it: ``+380 50 123 45 67``. Anything else comes back as it is."""
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    text = phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)
    return re.sub(r" (\d\d)(\d\d)$", r" \1 \2", text)


def mask_number(number: str | None) -> str:
    """A number as logs may show it: ``+380*****4567``, or ``-`` if there is none.

    Any string may come; nothing but digits and a leading plus is shown, and of a number long enough to be a person's
    at most the first three (Ukraine's code, or of a number with a plus) and the last four.
    """
    digits = re.sub(r"[^0-9]", "", number or "")[:LONGEST]
    if not digits:
        return "-"
    if len(digits) < SUBSCRIBER:
        return digits
    head = digits[:3] if digits.startswith("380") or (number or "").startswith("+") else ""
    tail = digits[-4:] if len(digits) - len(head) > SUBSCRIBER else digits[-2:]
    plus = "+" if (number or "").startswith("+") else ""
    return plus + head + "*" * (len(digits) - len(head) - len(tail)) + tail


def is_mobile(e164: str) -> bool:
    """Whether a number can get an SMS, as far as its range tells: a mobile one, or one that may be."""
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return False
    return kind in {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
