"""Operators added and removed by the command line while Asterisk runs, signed in or not."""

from pathlib import Path

from contact_centre.demo.city import City
from tests.e2e.kits import brief_kit


def test_removing_somebody_who_never_signed_in_says_nothing_and_takes_the_phone_away(tmp_path: Path) -> None:
    with City.build(brief_kit(), tmp_path) as city:
        city.asterisk.start()
        city.account("olena", "Олена Ткачук")
        assert "operator-olena" in city.asterisk.cli("pjsip show endpoints")

        removed = city.service.command("operators", "remove", "olena")

        assert removed.stderr == ""
        assert "Олена Ткачук" in removed.stdout
        assert "operator-olena" not in city.asterisk.cli("pjsip show endpoints")
        assert city.service.json("operators", "list") == []


def test_removing_somebody_who_is_signed_in_takes_them_out_of_the_queue(tmp_path: Path) -> None:
    with City.build(brief_kit(), tmp_path) as city:
        city.asterisk.start()
        city.hire("olena", "Олена Ткачук")
        assert "operator-olena" in city.asterisk.cli("queue show contact-centre")

        city.service.command("operators", "remove", "olena")

        assert "operator-olena" not in city.asterisk.cli("queue show contact-centre")
