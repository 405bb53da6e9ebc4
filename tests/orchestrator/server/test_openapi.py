"""The service keeps to its own OpenAPI description for requests that nobody thought of."""

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.orchestrator.server.conftest import Served

EXAMPLES = 15
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
METHODS = {"/v1/plans": {"post"}, "/v1/runs": {"post"}, "/v1/agents": {"get"}, "/healthz": {"get"}}


def test_the_description_names_every_endpoint(served: Served) -> None:
    paths = served.client.get("/openapi.json").json()["paths"]
    assert {path: set(methods) for path, methods in paths.items()} == {
        **METHODS,
        "/v1/plans/{plan_id}": {"get"},
        "/v1/runs/{run_id}": {"get"},
    }


def test_the_service_keeps_to_its_description(served: Served) -> None:
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    tried: set[str] = set()
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def keeps(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS)
            tried.add(case.operation.label)

        keeps()
    assert len(tried) == 6
