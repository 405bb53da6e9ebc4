"""The page on REST names every endpoint, every kind of problem and every field of a request, and nothing else."""

import re
from pathlib import Path
from typing import NoReturn

import pytest
from pydantic import BaseModel

from costmodel.fleet import load_fleet
from orchestrator.server.app import create_app
from orchestrator.server.problems import PROBLEMS
from orchestrator.server.schemas import PlanBody, PlanSlaBody, RunBody, RunSlaBody
from orchestrator.service import Service, ServiceLimits
from placement.plan import Plan
from runtime.run_options import OnMiss


@pytest.fixture(scope="module")
def page(project: Path) -> str:
    return (project / "docs/rest.md").read_text(encoding="utf-8")


def test_the_table_lists_every_endpoint(page: str, project: Path) -> None:
    service = Service({}, load_fleet(project / "examples/fleets/hp-co.yaml"), unused)
    described = create_app(service).openapi()["paths"]
    known = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    known |= {"GET /docs", "GET /openapi.json", "GET /problems/{kind}"}
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", page, re.MULTILINE)) == known


def unused(plan: Plan, on_miss: OnMiss) -> NoReturn:
    raise AssertionError("nothing runs here")


def test_the_table_lists_every_problem(page: str) -> None:
    listed = dict(re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", page, re.MULTILINE))
    assert listed == {kind: str(problem.status) for kind, problem in PROBLEMS.items()}


@pytest.mark.parametrize("body", [PlanBody, PlanSlaBody, RunBody, RunSlaBody])
def test_every_field_of_a_request_is_named(page: str, body: type[BaseModel]) -> None:
    assert [name for name in body.model_fields if not re.search(rf"[`.\"]{name}[`\"]", page)] == []


def test_the_limits_are_those_of_the_service(page: str) -> None:
    limits = ServiceLimits()
    assert limits.plans == limits.runs
    assert f"the newest {limits.plans} of each" in page
    assert f"up to {limits.executors} plans are kept" in page
    assert f"At most {limits.active_runs} runs are under way" in page
