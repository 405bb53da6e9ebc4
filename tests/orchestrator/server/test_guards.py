"""Only this machine's own programs and pages get past the guard."""

import pytest
from starlette.datastructures import Headers

from orchestrator.server.guards import is_loopback, refuse

HERE = {"host": "127.0.0.1:8080"}


def refused(method: str, headers: dict[str, str]) -> str | None:
    problem = refuse(method, Headers(headers))
    return problem and problem.kind


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST.", "::1", "[::1]"])
def test_loopback_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "192.168.0.1", "example.org", "localhost.example.org", "127.0.0.1.example.org", "2130706433"],
)
def test_other_names(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:1", "[::1]:8080", "127.0.0.1", "[::1]"])
def test_a_loopback_host_passes(host: str) -> None:
    assert refused("GET", {"host": host}) is None


@pytest.mark.parametrize(
    "host", ["attacker.example:8080", "192.168.0.1:8080", "", "127.0.0.1@attacker.example", "localhost:x"]
)
def test_a_foreign_host_is_refused(host: str) -> None:
    assert refused("GET", {"host": host}) == "wrong-host"


def test_no_host_or_two_are_refused() -> None:
    assert refused("GET", {}) == "wrong-host"
    problem = refuse("GET", Headers(raw=[(b"host", b"127.0.0.1"), (b"host", b"127.0.0.1")]))
    assert problem is not None
    assert problem.kind == "wrong-host"


@pytest.mark.parametrize(
    "origin", ["http://attacker.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8080", ""]
)
def test_a_foreign_origin_may_read_nothing_but_change_nothing(origin: str) -> None:
    assert refused("POST", HERE | {"origin": origin}) == "cross-origin"
    assert refused("DELETE", HERE | {"origin": origin}) == "cross-origin"


def test_the_servers_own_pages_and_programs_may_post() -> None:
    assert refused("POST", HERE | {"origin": "http://127.0.0.1:8080"}) is None
    assert refused("POST", HERE) is None


@pytest.mark.parametrize(
    ("site", "expected"),
    [("cross-site", "cross-origin"), ("same-site", "cross-origin"), ("same-origin", None), ("none", None)],
)
def test_the_browsers_word_counts(site: str, expected: str | None) -> None:
    assert refused("POST", HERE | {"sec-fetch-site": site}) == expected


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx", "json"]
)
def test_a_body_must_be_declared_json(content_type: str) -> None:
    body = HERE | {"content-length": "2"}
    assert refused("POST", body | {"content-type": content_type}) == "unsupported-media-type"
    assert refused("POST", body) == "unsupported-media-type"
    assert refused("POST", HERE | {"transfer-encoding": "chunked"}) == "unsupported-media-type"


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_passes(content_type: str) -> None:
    assert refused("POST", HERE | {"content-length": "2", "content-type": content_type}) is None
