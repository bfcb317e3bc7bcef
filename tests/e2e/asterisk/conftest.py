"""A real Asterisk for each module of tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from contact_centre.demo.asterisk import Asterisk
from contact_centre.demo.processes import Processes
from contact_centre.demo.root import Kit
from contact_centre.demo.sipp import Telephones
from telephony.provision import Limits
from tests.e2e.asterisk.stage import MakeStage, Stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit.provide()


@pytest.fixture(scope="module")
def make_stage(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeStage]:
    """Make Asterisks that end with the module; ``prepare`` changes the configuration before the start."""
    with ExitStack() as stack:
        processes = stack.enter_context(Processes())

        def make(
            name: str,
            limits: Limits | None = None,
            prepare: Callable[[Stage], None] | None = None,
            *,
            start: bool = True,
        ) -> Stage:
            asterisk = Asterisk.install(kit, tmp_path_factory.mktemp(name), processes, limits)
            stage = Stage(asterisk, Telephones(asterisk))
            if prepare is not None:
                prepare(stage)
            if start:
                asterisk.start()
            return stage

        yield make
