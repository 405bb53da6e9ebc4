"""Plans over HTTP: the worked example's answers, the infeasible problem, graphs that arrive as documents."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agent_files import find_agent
from orchestrator.graph_json import to_json
from orchestrator.ids import new_id
from tests.orchestrator.server.conftest import Served
from tests.orchestrator.server.test_app import problem

EXAMPLE = Path("examples/worked_example.py")


def plan(served: Served, **body: Any) -> dict[str, Any]:
    answer = served.client.post("/v1/plans", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/plans/{answer.json()['id']}"
    return answer.json()


def devices(document: dict[str, Any]) -> dict[str, str]:
    return {operator["op"]: operator["device"] for operator in document["operators"]}


def test_the_worked_example(served: Served) -> None:
    # REFERENCE section 4: 80 + 10 + 30 = 120 ms and 0.08 + 0.005 + 0.01 = 0.095
    document = plan(served, agent="worked_example")
    assert document["latency_s"] == pytest.approx(0.120)
    assert document["cost_usd"] == pytest.approx(0.095)
    assert devices(document)["llm.prefill"] == "hp"
    assert devices(document)["llm.decode"] == "co"


@pytest.mark.parametrize(
    ("limit_ms", "latency_s", "cost_usd"), [(120, 0.120, 0.095), (110, 0.105, 0.11), (1000, 0.16, 0.06)]
)
def test_a_limit_in_milliseconds(served: Served, limit_ms: int, latency_s: float, cost_usd: float) -> None:
    document = plan(served, agent="worked_example", sla={"limit_ms": limit_ms})
    assert document["sla"] == {"stat": "worst", "limit_s": limit_ms / 1000}
    assert document["latency_s"] == pytest.approx(latency_s)
    assert document["cost_usd"] == pytest.approx(cost_usd)


def test_a_statistic_is_taken(served: Served) -> None:
    assert plan(served, agent="worked_example", sla={"stat": "p95", "limit_ms": 500})["sla"]["stat"] == "p95"


def test_a_soft_limit_may_be_missed(served: Served) -> None:
    document = plan(served, agent="worked_example", sla={"limit_ms": 100}, soft_usd_per_s=0.001)
    assert document["latency_s"] > 0.1


def test_an_infeasible_limit_names_the_best_achievable(served: Served) -> None:
    answer = served.client.post("/v1/plans", json={"agent": "worked_example", "sla": {"limit_ms": 100}})
    document = problem(answer, 409, "sla-infeasible")
    assert document["best_latency_s"] == pytest.approx(0.105)
    assert document["binding"] == "sla"
    assert "105 ms" in document["fix"]
    assert "105 ms" in document["detail"]


def test_a_plan_can_be_read_again(served: Served) -> None:
    made = plan(served, agent="worked_example")
    answer = served.client.get(f"/v1/plans/{made['id']}")
    assert answer.status_code == 200
    assert answer.json() == made


def test_a_plan_that_is_not_kept(served: Served) -> None:
    problem(served.client.get(f"/v1/plans/{new_id('plan')}"), 404, "not-found")


def test_an_unknown_agent_names_those_served(served: Served) -> None:
    document = problem(served.client.post("/v1/plans", json={"agent": "nobody"}), 422, "unknown-agent")
    assert document["errors"][0]["pointer"] == "#/agent"
    assert "worked_example" in document["detail"]


def test_a_graph_document_is_planned(served: Served) -> None:
    graph = to_json(find_agent(EXAMPLE, None).graph)
    assert plan(served, graph=graph)["cost_usd"] == pytest.approx(0.095)


def test_a_graph_of_code_that_is_elsewhere_is_planned(served: Served) -> None:
    text = json.dumps(to_json(find_agent(EXAMPLE, None).graph)).replace("examples/worked_example.py", "else/where.py")
    assert plan(served, graph=json.loads(text))["cost_usd"] == pytest.approx(0.095)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "orchestrator.graph/0"},
        {"colour": "red"},
        {"body": {"parameters": [], "tasks": [], "result": "__import__('os')"}},
        {"function": {"source": "../../etc/passwd", "qualname": "a", "sha256": "0" * 64}},
    ],
)
def test_a_bad_graph_document_is_refused(served: Served, change: dict[str, Any]) -> None:
    graph = to_json(find_agent(EXAMPLE, None).graph) | change
    document = problem(served.client.post("/v1/plans", json={"graph": graph}), 422, "validation-failed")
    assert document["errors"][0]["pointer"] == "#/graph"


def test_an_agent_that_cannot_be_priced_is_refused(served: Served) -> None:
    text = json.dumps(to_json(find_agent(EXAMPLE, None).graph)).replace("llama3.1-8b", "no-such-model")
    document = problem(served.client.post("/v1/plans", json={"graph": json.loads(text)}), 422, "agent-refused")
    assert "no-such-model" in document["detail"]


def test_the_agents_are_listed(served: Served) -> None:
    page = served.client.get("/v1/agents").json()
    assert page["next"] is None
    (agent,) = page["data"]
    assert agent["id"] == "worked_example"
    assert agent["sla"] == {"stat": "worst", "limit_s": 0.12}
    assert agent["input_schema"]["required"] == ["question"]
