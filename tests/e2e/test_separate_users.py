"""Asterisk and the service run as different users and share ledger and audio by their group alone."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from contact_centre.demo.city import City
from tests.e2e.kits import brief_kit

SHARED_GROUP = 4242
"""Exists in no group file: nobody is in it but the two."""


def user_of_asterisk(root: Path) -> int:
    """The numeric id of the user that Debian's package makes."""
    for line in (root / "etc" / "passwd").read_text().splitlines():
        name, _, uid, *_ = line.split(":")
        if name == "asterisk":
            return int(uid)
    raise LookupError("no user asterisk")


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    kit = brief_kit()
    uid = user_of_asterisk(kit.asterisk.root or Path("/"))
    with City.build(kit, tmp_path) as built:
        folder = built.asterisk.folder
        for place in (folder, *folder.rglob("*")):
            if not place.is_symlink():
                os.chown(place, uid, SHARED_GROUP)
        for shared in (built.asterisk.ledger.parent, built.asterisk.audio, *built.asterisk.host.etc.glob("*.d")):
            shared.chmod(0o2770)
        built.asterisk.run_as = (uid, SHARED_GROUP)
        # Root without a single capability: it may do what its group may do, and nothing more.
        built.service.run_as = (
            "setpriv",
            f"--regid={SHARED_GROUP}",
            "--clear-groups",
            "--inh-caps=-all",
            "--ambient-caps=-all",
            "--bounding-set=-all",
        )
        yield built


def test_the_service_ingests_finalises_and_removes_what_another_user_wrote(city: City) -> None:
    city.start()
    city.hire("olena", "Олена Ткачук", talk=2.0)
    city.telephones.citizen("588888", "0501234567").succeed()

    [call] = city.service.wait_for_calls(1)

    ledger = city.asterisk.ledger.stat()
    assert ledger.st_uid != 0
    assert ledger.st_gid == SHARED_GROUP
    assert stat.S_IMODE(ledger.st_mode) == 0o660
    assert len(call["appeal_ids"]) == 1
    assert city.service.json("recordings", "show", call["recordings"][0])["status"] == "ok"
    assert not list(city.asterisk.audio.glob("*.raw"))
    said = city.service.command("doctor", check=False).stdout
    assert "ok     ledger_permissions" in said
    assert "ok     audio_permissions" in said
