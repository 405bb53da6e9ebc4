"""The server's pages, and that every refusal is a problem document, over a real socket."""

import socket
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from orchestrator.server.app import MAX_BODY_BYTES
from tests.orchestrator.server.conftest import Served

PLAN = {"agent": "worked_example"}


def problem(response: httpx2.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem document of a refusal, checked for what all of them have."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["type"] == f"/problems/{kind}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["hint"]
    assert all(set(error) == {"pointer", "detail"} for error in document["errors"])
    return document


def raw(served: Served, request: bytes) -> bytes:
    """What the server answers to bytes that no client library would send."""
    with socket.create_connection((urlsplit(served.url).hostname, urlsplit(served.url).port)) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_health(served: Served) -> None:
    answer = served.client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["max_body_bytes"] == MAX_BODY_BYTES


def test_the_docs_work_without_a_network(served: Served) -> None:
    page = served.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "://" not in page.text
    for path, methods in served.client.get("/openapi.json").json()["paths"].items():
        for method in methods:
            assert f"<span class=method>{method.upper()}</span> {path}" in page.text


def test_a_problem_type_explains_itself(served: Served) -> None:
    kind = problem(served.client.get("/nowhere"), 404, "not-found")["type"]
    assert served.client.get(kind).json()["title"] == "There is nothing here"
    problem(served.client.get("/problems/nonsense"), 404, "not-found")


def test_an_unknown_method_names_the_allowed_ones(served: Served) -> None:
    refusal = served.client.delete("/healthz")
    problem(refusal, 405, "method-not-allowed")
    assert refusal.headers["allow"] == "GET"


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"agent": NaN}', b"[" * 100_000])
def test_malformed_json(served: Served, content: bytes) -> None:
    refusal = served.client.post("/v1/plans", content=content, headers={"content-type": "application/json"})
    problem(refusal, 400, "malformed-json")


def test_every_broken_rule_is_pointed_at(served: Served) -> None:
    body = {"agent": 3, "sla": {"stat": "p12", "limit_ms": -1}, "colour": "red", "a/b~c": 1}
    document = problem(served.client.post("/v1/plans", json=body), 422, "validation-failed")
    assert {error["pointer"] for error in document["errors"]} == {
        "#/agent",
        "#/sla/stat",
        "#/sla/limit_ms",
        "#/colour",
        "#/a~1b~0c",
    }


@pytest.mark.parametrize("body", [{}, {"agent": "worked_example", "graph": {}}, {"agent": None}])
def test_exactly_one_of_agent_and_graph(served: Served, body: dict[str, Any]) -> None:
    document = problem(served.client.post("/v1/plans", json=body), 422, "validation-failed")
    assert "exactly one of agent and graph" in document["detail"]


def test_an_absent_body(served: Served) -> None:
    problem(served.client.post("/v1/plans"), 422, "validation-failed")


def test_a_body_that_is_not_json(served: Served) -> None:
    refusal = served.client.post("/v1/plans", content="agent=worked_example", headers={"content-type": "text/plain"})
    problem(refusal, 415, "unsupported-media-type")


def test_a_body_that_is_too_large(served: Served) -> None:
    body = b'{"agent": "' + b"a" * MAX_BODY_BYTES + b'"}'
    headers = {"content-type": "application/json"}
    problem(served.client.post("/v1/plans", content=body, headers=headers), 413, "body-too-large")
    chunks = (body[start : start + 65536] for start in range(0, len(body), 65536))
    problem(served.client.post("/v1/plans", content=chunks, headers=headers), 413, "body-too-large")


def test_a_foreign_host_is_refused(served: Served) -> None:
    problem(served.client.get("/healthz", headers={"host": "attacker.example"}), 421, "wrong-host")
    problem(served.client.get("/docs", headers={"host": "192.168.0.7:8080"}), 421, "wrong-host")


def test_a_foreign_page_cannot_post(served: Served) -> None:
    origin = {"origin": "http://attacker.example"}
    problem(served.client.post("/v1/plans", json=PLAN, headers=origin), 403, "cross-origin")
    assert served.client.post("/v1/plans", json=PLAN, headers={"origin": served.url}).status_code == 201
    answer = served.client.get("/healthz", headers=origin)
    assert "access-control-allow-origin" not in answer.headers


def test_bytes_that_are_not_http_end_no_server(served: Served) -> None:
    assert raw(served, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert raw(served, b"GET /healthz HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 4")
    assert served.client.get("/healthz").status_code == 200
