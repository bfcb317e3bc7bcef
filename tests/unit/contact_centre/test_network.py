"""Ports for programs: no two processes are given the same one, also while nobody has bound it yet."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from contact_centre.demo import network

DRAW = """
from contact_centre.demo import network
network._LOW, network._RTP_LOW = {low}, {high}
try:
    print(network.free_{kind}_port())
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize(("kind", "draw"), [("udp", network.free_udp_port), ("tcp", network.free_tcp_port)])
def test_a_port_is_given_once_among_processes_though_nobody_binds_it(
    kind: str, draw: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = draw()
    monkeypatch.setattr(network, "_LOW", mine)
    monkeypatch.setattr(network, "_RTP_LOW", mine + 1)
    with pytest.raises(OSError, match="no free port"):
        draw()
    other = subprocess.run(
        [sys.executable, "-c", DRAW.format(kind=kind, low=mine, high=mine + 1)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "no free port" in other.stdout


def test_no_port_is_given_that_browsers_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_LOW", 6665)
    monkeypatch.setattr(network, "_RTP_LOW", 6670)
    with pytest.raises(OSError, match="no free port"):
        network.free_tcp_port()


def test_a_telephone_has_its_first_ports_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = network.media_range(400)
    assert last == first + 399
    monkeypatch.setattr(network, "_MEDIA_LOW", first)
    monkeypatch.setattr(network, "_MEDIA_HIGH", first + 1)
    with pytest.raises(OSError, match="no free port for RTP"):
        network.media_range(400)
    program = f"from contact_centre.demo import network; print(network._locked({first + 3}))"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert other.strip() == "False"


def test_no_asterisk_is_given_the_ports_of_telephones() -> None:
    assert max(network.rtp_range()[1] for _ in range(300)) < network._MEDIA_LOW


def test_a_port_comes_back_when_its_process_has_ended() -> None:
    program = DRAW.format(kind="udp", low=3000, high=10000)
    drawn = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    port = int(drawn)
    program = DRAW.format(kind="udp", low=port, high=port + 1)
    again = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert int(again) == port
