"""What docs/api.md shows runs as it stands, against the program itself."""

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from contact_centre.api.problems import BASE, KINDS
from contact_centre.demo.processes import Processes
from tests.integration.rig import Place

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def examples() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("jq") is None, reason="the page shows curl and jq")
def test_the_examples_of_the_page_do_what_it_says(place: Place, processes: Processes) -> None:
    service = place.service(processes)
    service.start()
    program = f"{Path(sys.executable).with_name('contact-centre')} --config {place.config}"
    script = "\n".join(["set -euo pipefail", *examples()])
    script = script.replace("$(contact-centre ", f"$({program} ").replace(":8015/", f":{place.port}/")
    done = subprocess.run(
        ["bash", "-c", script], cwd=place.root, capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert len(said) > 10
    assert "edit" in said
    assert any(re.fullmatch(r"20\d\d-000001: Головна, 49", line) for line in said)
    assert said[-3:] == [line[:11] for line in said if line.endswith("Головна, 49")] + [
        "registered",
        "changed_meanwhile",
    ]
    listed = place.json("tokens", "list")
    assert [(one["name"], one["roles"]) for one in listed] == [("open-city", ["operator"])]
    assert "digest" not in listed[0]
    log = service.log.read_text("utf-8")
    assert '"route": "/api/v1/appeals/{appeal_id}/actions/register"' in log
    for private in ("maria@example.org", "Головна", "ліхтар", "%D0"):
        assert private not in log
    revoked = place.command("tokens", "revoke", "open-city")
    assert revoked.returncode == 0, revoked.stderr
    assert place.command("tokens", "revoke", "open-city").returncode == 14


def test_a_token_for_what_the_city_does_not_have_is_not_made(place: Place) -> None:
    say = ("tokens", "add", "x", "--scope", "appeals:read", "--as-role")
    for words, said in (
        ((*say, "executor", "--service", "nobody"), "there is no service 'nobody'"),
        ((*say, "operator", "--desk", "nobody"), "there is no desk 'nobody'"),
        ((*say, "executor"), "an executor acts for one service"),
        ((*say, "system"), "is not one of"),
    ):
        done = place.command(*words)
        assert done.returncode != 0
        assert said in done.stderr
    assert place.json("tokens", "list") == []
    made = place.command(*say, "operator", "--desk", "counselling", "--expires", "2999-01-01")
    assert made.returncode == 0, made.stderr
    assert "(shown only now)" in made.stdout
    assert "until 01.01.2999" in place.command("tokens", "list").stdout


def test_what_is_no_http_is_refused_and_its_bytes_are_not_logged(place: Place, processes: Processes) -> None:
    service = place.service(processes)
    service.start()
    words = "Шевчук".encode().hex() * 1000
    for request in (f"GET {BASE}/appeals HTTP/1.1\r\nHost: x\r\nX-Padding: {words}\r\n\r\n", f"{words[:100]}\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", place.port), timeout=10) as connection:
            connection.sendall(request.encode())
            assert connection.recv(4096).startswith(b"HTTP/1.0 400")
    log = service.log.read_text("utf-8")
    assert "a request was no HTTP: LineTooLong" in log
    assert words[:20] not in log


def test_every_code_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+|invalid|guard)`", PAGE.read_text("utf-8").split("## When it is")[1]))
    assert named <= KINDS.keys() | {"problem_json"}
