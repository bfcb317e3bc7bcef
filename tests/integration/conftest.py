"""A fresh installation for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contact_centre.demo.processes import Processes
from tests.integration.rig import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.make(tmp_path)


@pytest.fixture
def processes() -> Iterator[Processes]:
    with Processes() as running:
        yield running
