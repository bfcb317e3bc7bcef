"""The API against its own document: schemathesis sends what the document allows, and what it does not."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from appeals import commands
from contact_centre.api.operations import described
from tests import town
from tests.integration.api_rig import Api, in_a_thread

EXAMPLES = 12
"""Of each operation; all of them take about a minute."""

schema = schemathesis.openapi.from_dict(described())
schema.config.checks.positive_data_acceptance.expected_statuses = ["2xx", "304", "403", "404", "409", "412", "422"]
schema.config.checks.missing_required_header.expected_statuses = ["400", "401", "428"]
"""What is of the right form may still be against a rule of the register."""


@dataclass
class Served:
    api: Api
    url: str
    headers: dict[str, str]
    appeal_ids: list[str]
    run: Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with in_a_thread(tmp_path_factory.mktemp("api")) as (api, url, loop):

        def run(work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it gives
            return asyncio.run_coroutine_threadsafe(work, loop).result(30)

        roles = ("operator", "supervisor", "head", "executor")
        headers = run(api.token(*roles, service="water"))
        ids = [run(api.appeal(category)).appeal_id for category in ("water.leak", "health.complaint", "info.contacts")]
        run(api.perform(ids[0], commands.RouteTo(service="water"), town.SUPERVISOR))
        yield Served(api, url, headers, ids, run)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_answers_as_its_document_says(case: schemathesis.Case[Any], served: Served) -> None:
    if case.meta is not None and case.meta.generation.mode.is_positive:
        case.query.pop("cursor", None)  # no program makes one up
    if "appeal_id" in case.path_parameters and len(str(case.path_parameters["appeal_id"])) % 2:
        case.path_parameters["appeal_id"] = served.appeal_ids[len(str(case.body)) % len(served.appeal_ids)]
    response = case.call(base_url=served.url, headers=served.headers)
    assert response.status_code != 500, response.text
    case.validate_response(response, headers=served.headers)
