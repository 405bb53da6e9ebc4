"""Runs over HTTP: accepted at once, followed by their id, ended in exactly one way."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agent_files import find_agent
from orchestrator.graph_json import to_json
from orchestrator.ids import new_id
from tests.orchestrator.server.conftest import ACTIVE_RUNS, Served
from tests.orchestrator.server.test_app import problem

EXAMPLE = Path("examples/worked_example.py")


def start(served: Served, question: str = "why?", **body: Any) -> dict[str, Any]:
    chosen = {} if "graph" in body else {"agent": "worked_example"}
    answer = served.client.post("/v1/runs", json={**chosen, "input": {"question": question}, **body})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/runs/{answer.json()['id']}"
    return answer.json()


def test_a_run_is_accepted_and_ends_in_success(served: Served) -> None:
    accepted = start(served)
    assert re.fullmatch(r"run_[0-9A-HJKMNP-TV-Z]{26}", accepted["id"])
    assert accepted["status"] in ("queued", "running", "success")
    run = served.finished(accepted["id"])
    assert run["status"] == "success"
    assert run["sla"] == "met"
    assert run["output"] == "[simulated] why?"
    assert run["simulated"] is True
    assert run["input"] == {"question": "why?"}
    assert run["report"]["run_id"] == run["id"]
    assert datetime.fromisoformat(run["created_at"]).utcoffset() is not None
    assert run["created_at"] <= run["started_at"] <= run["finished_at"]


def test_a_run_can_be_watched(served: Served) -> None:
    accepted = start(served, "wait")
    assert served.running.wait(60)
    run = served.client.get(f"/v1/runs/{accepted['id']}").json()
    assert run["status"] == "running"
    assert run["sla"] in ("on_track", "at_risk")
    assert run["output"] is None
    served.release.set()
    assert served.finished(accepted["id"])["status"] == "success"


def test_a_running_run_is_at_risk_once_its_limit_has_passed(served: Served) -> None:
    accepted = start(served, "wait", sla={"deadline_ms": 106})
    assert served.running.wait(60)
    while served.client.get(f"/v1/runs/{accepted['id']}").json()["sla"] != "at_risk":
        pass
    served.release.set()
    assert served.finished(accepted["id"])["sla"] == "met"


def test_a_failed_run_tells_why(served: Served) -> None:
    run = served.finished(start(served, "fail")["id"])
    assert run["status"] == "error"
    assert run["sla"] is None
    assert run["error"] == "answer: ValueError: boom"
    assert run["traceback"] == "Traceback ..."


def test_a_broken_executor_ends_the_run_as_error(served: Served) -> None:
    run = served.finished(start(served, "broken")["id"])
    assert run["status"] == "error"
    assert run["error"] == "RuntimeError: the executor broke"


def test_runs_of_one_plan_share_a_warm_executor(served: Served) -> None:
    first, second = (served.finished(start(served)["id"]) for _ in range(2))
    assert first["plan"] == second["plan"]
    assert len(served.executors) == 1
    other = served.finished(start(served, sla={"deadline_ms": 110})["id"])
    assert other["plan"] != first["plan"]
    assert other["report"]["promised_latency_s"] == pytest.approx(0.105)
    assert len(served.executors) == 2


def test_a_run_uses_a_plan_that_was_made_before(served: Served) -> None:
    plan = served.client.post("/v1/plans", json={"agent": "worked_example"}).json()
    assert start(served)["plan"] == plan["id"]


def test_what_happens_on_a_miss_reaches_the_executor(served: Served) -> None:
    served.finished(start(served, sla={"on_miss": "cancel"})["id"])
    assert [executor.on_miss for executor in served.executors] == ["cancel"]


def test_a_deadline_that_no_placement_keeps_is_refused(served: Served) -> None:
    body = {"agent": "worked_example", "input": {"question": "?"}, "sla": {"deadline_ms": 100}}
    document = problem(served.client.post("/v1/runs", json=body), 409, "sla-infeasible")
    assert document["best_latency_s"] == pytest.approx(0.105)
    assert served.executors == []


@pytest.mark.parametrize(
    ("given", "pointer"),
    [({}, "#/input/question"), ({"question": 3}, "#/input/question"), ({"question": "?", "a": 1}, "#/input/a")],
)
def test_an_input_that_does_not_fit_is_pointed_at(served: Served, given: dict[str, Any], pointer: str) -> None:
    answer = served.client.post("/v1/runs", json={"agent": "worked_example", "input": given})
    assert [error["pointer"] for error in problem(answer, 422, "validation-failed")["errors"]] == [pointer]


def test_too_many_runs_are_refused_with_a_time_to_try_again(served: Served) -> None:
    for _ in range(ACTIVE_RUNS):
        start(served, "wait")
    answer = served.client.post("/v1/runs", json={"agent": "worked_example", "input": {"question": "?"}})
    problem(answer, 503, "too-many-runs")
    assert int(answer.headers["retry-after"]) > 0


def test_an_unknown_run(served: Served) -> None:
    problem(served.client.get(f"/v1/runs/{new_id('run')}"), 404, "not-found")


def test_a_graph_document_runs_with_the_functions_of_the_served_folder(served: Served) -> None:
    graph = to_json(find_agent(EXAMPLE, None).graph)
    assert served.finished(start(served, graph=graph)["id"])["status"] == "success"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("examples/worked_example.py", "examples/absent.py", "examples/absent.py is not below the served folder"),
        ("examples/worked_example.py", "module:json", "module:json is not below the served folder"),
        (None, "0" * 64, "has changed since the graph was captured"),
    ],
)
def test_a_graph_of_other_code_is_refused(served: Served, old: str | None, new: str, message: str) -> None:
    document = to_json(find_agent(EXAMPLE, None).graph)
    text = json.dumps(document).replace(old or document["function"]["sha256"], new)
    answer = served.client.post("/v1/runs", json={"graph": json.loads(text), "input": {"question": "?"}})
    assert message in problem(answer, 422, "function-refused")["detail"]
    assert served.executors == []


def test_a_stopping_server_cancels_its_runs_and_closes_its_executors(served: Served) -> None:
    served.finished(start(served)["id"])
    assert [executor.closed for executor in served.executors] == [False]
