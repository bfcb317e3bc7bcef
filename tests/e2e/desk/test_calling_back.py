"""A citizen is put through in vain, and called back with one click: the real page, the real Asterisk, one evidence."""

import time
from typing import Any

from contact_centre.demo.city import City
from tests.e2e.desk.conftest import Desks
from tests.e2e.desk.rig import Desk, call, wait_until

NUMBER = "+380501000071"


def duties(city: City, kind: str) -> list[dict[str, Any]]:
    listed = city.service.json("duties", "list", "--kind", kind, "--all")
    return [one["duty"] for one in listed if one["duty"]["number"] == NUMBER]


def shows(desk: Desk, part: str, text: str, seconds: float = 30.0) -> None:
    """Wait until a part of the page says this."""
    wait_until(lambda: text in desk.page.inner_text(part), seconds, lambda: desk.page.inner_text(part))


def test_a_specialist_who_is_not_there_leaves_a_callback_which_is_made_and_answered_by_keys(
    city: City, desks: Desks
) -> None:
    city.account("heat", "Теплоенерго, диспетчер", "specialist")
    desk = desks.on_duty("olena")
    citizen = call(city, desk, "0501000071")
    time.sleep(1)
    desk.press("F7")
    desk.page.keyboard.type("теплоенерго")
    desk.press("Enter")
    shows(desk, "#directory .known[aria-current]", "телефон вимкнено")
    desk.press("1")
    citizen.succeed()
    shows(desk, "#directory [data-told]", "там ніхто не відповів; треба передзвонити")
    [control] = duties(city, "forwarding_control")
    [callback] = duties(city, "callback")
    assert (control["forwarding"]["specialist"], control["excuse"]) == ("heat", "callback")
    assert (callback["call_id"], callback["closed_at"]) == (control["call_id"], None)

    provider = city.telephones.provider(talk=6.0)
    try:
        shows(desk, "#duties", "+380 50 100 00 71")
        desk.page.click("#duties h2")
        desk.press("F10", "Enter", "Enter")
        desk.until("s.call?.phase === 'talking' && s.call.media === 'connected'", 30)
        shows(desk, "#duties", "Вас з’єднано.")
        desk.press("F10", "1")
        shows(desk, "#duties", "виконано")
        desk.until("s.call === null", 30)
    finally:
        provider.process.stop()

    wait_until(lambda: duties(city, "callback")[0]["evidence"] is not None, 30)
    [closed] = duties(city, "callback")
    [made] = [one for one in city.service.json("calls", "list") if one["direction"] == "outbound"]
    assert closed["evidence"] == made["call_id"]
    assert made["purpose"] == f"duty:{closed['duty_id']}"
    assert made["talk_time"] > 3
    shown = city.service.json("duties", "show", closed["duty_id"])
    [given] = shown["results"]
    assert (given["contact_id"], given["result"], given["given_by"]) == (made["call_id"], "told", "olena")
    shows(desk, "#directory [data-told]", "громадянинові передзвонили")
