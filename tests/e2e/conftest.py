"""The order of the files: the longest first, so that no worker is left alone with one at the end.

And the browsers' patience: several workers share what may be two processors.
"""

from typing import Final

import pytest
from playwright.sync_api import expect

expect.set_options(timeout=15_000)

FIRST: Final = (
    "test_outbound.py",
    "test_when_the_telephone_fails.py",
    "test_telephone.py",
    "test_worklist.py",
    "test_many_citizens.py",
    "test_the_demo.py",
    "test_looks.py",
    "test_full_disks.py",
    "test_the_main_job.py",
    "test_calls.py",
    "test_live_wrap_up.py",
    "test_duties.py",
    "test_desk.py",
    "test_transfers_with_the_service.py",
    "test_live.py",
    "test_directory.py",
    "test_everyone_is_heard.py",
    "test_when_things_go_wrong.py",
    "test_transfers_and_bridges.py",
    "test_control.py",
    "test_fastagi.py",
)
"""By the seconds they take (`pytest --durations=0` tells), and those that keep a processor busy between those that wait
for telephones; all others take less."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {name: rank for rank, name in enumerate(FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(FIRST)))
