"""How telephone numbers are read in this installation."""

from appeals.numbers import NumberPlan, parse_number
from contact_centre.config import Settings
from telephony.ingest import ToE164

NATIONAL_DIGITS = 9
"""Of a Ukrainian number, area code and local number together."""


def number_plan(settings: Settings) -> NumberPlan:
    """Where this installation stands."""
    return NumberPlan(area_code=settings.area_code, local_digits=NATIONAL_DIGITS - len(settings.area_code))


def number_reader(settings: Settings) -> ToE164:
    """From what the network sent to E.164, or None."""
    plan = number_plan(settings)
    return lambda raw: parse_number(raw, plan).e164
