"""Bad input ends in one clear message and exit code 1, never in a traceback."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import invoke

AGENT = """
from orchestrator import agent, llm, tool


@llm(model="llama3.1-8b", max_tokens=64, tokens_in=100, tokens_out=50)
def answer(question: str) -> str:
    return question


@tool(latency="1ms", cost_usd=0)
def search(question: str) -> str:
    return question


@agent(sla="1m")
def assistant(question: str) -> str:
    return answer(search(question))
"""

FLEET = "name: small\ndevices:\n  - {class: xeon_8480p, count: 4}\n  - {class: h100_sxm, count: 1}\n"

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """The message of a command line that must fail, in a folder with a good agent and a good fleet."""
    monkeypatch.chdir(tmp_path)
    Path("agent.py").write_text(AGENT)
    Path("fleet.yaml").write_text(FLEET)

    def run(*arguments: str) -> str:
        capsys.readouterr()
        assert invoke(arguments) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert "Traceback" not in captured.err
        return captured.err.removeprefix("error: ")

    return run


def plan(agent: str = "agent.py", fleet: str = "fleet.yaml") -> tuple[str, ...]:
    return "plan", agent, "--fleet", fleet


def graph(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert invoke(["graph", "agent.py"]) == 0
    return json.loads(capsys.readouterr().out)


def changed(old: str, new: str) -> None:
    assert old in AGENT
    Path("agent.py").write_text(AGENT.replace(old, new))


def test_the_agent_and_the_fleet_are_good(refused: Refused) -> None:
    assert invoke(plan()) == 0


@pytest.mark.parametrize(
    ("fleet", "named"),
    [
        (FLEET.replace("h100_sxm", "h100_deluxe"), ["h100_deluxe"]),
        (FLEET.replace("count: 1", "count: 1, colour: red"), ["colour"]),
        (FLEET + "profil: x.csv\n", ["profil"]),
        (FLEET.replace("count: 1", "count: -1"), ["count", "-1"]),
        (FLEET.replace("count: 1", "count: many"), ["count", "many"]),
        ("name: small\n", ["devices"]),
        ("devices: [", ["fleet.yaml"]),
        ("- just\n- a list\n", ["fleet.yaml"]),
        ("", ["fleet.yaml"]),
        (FLEET + "profile: absent.csv\n", ["absent.csv"]),
    ],
)
def test_a_malformed_fleet(refused: Refused, fleet: str, named: list[str]) -> None:
    Path("fleet.yaml").write_text(fleet)
    message = refused(*plan())
    assert [word for word in named if word not in message] == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("llama3.1-8b", "llama-none", ["llama-none"]),
        ("tokens_in=100", "tokens_in=-100", ["agent.py:5", "tokens_in", "-100"]),
        ("tokens_out=50", "tokens_out=500", ["agent.py:5", "tokens_out", "max_tokens"]),
        ("tokens_in=100", "tokens=100", ["agent.py:5", "tokens"]),
        ("tokens_in=100, ", "", ["answer", "tokens_in"]),
        ('latency="1ms", ', "", ["search", "latency"]),
        (", cost_usd=0", "", ["search", "cost_usd"]),
        ('latency="1ms"', 'latency="soon"', ["agent.py:10", "latency", "soon"]),
        ('sla="1m"', 'sla="p12=1s"', ["agent.py:15", "p12"]),
        ("    return answer(search(question))", "    return answer(search(question)", ["agent.py:1"]),
        ("    return answer(search(question))", "    return 1 / 0", ["agent.py:17", "ZeroDivisionError"]),
        ("from orchestrator", "import nothing_of_that_name\nfrom orchestrator", ["nothing_of_that_name"]),
        ("@agent(sla", "@tool(latency='1s')\ndef other() -> str: ...\n\n@agent(sla_", ["sla_"]),
    ],
)
def test_a_malformed_agent(refused: Refused, old: str, new: str, named: list[str]) -> None:
    changed(old, new)
    message = refused(*plan())
    assert [word for word in named if word not in message] == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (plan(agent="absent.py"), "absent.py"),
        (plan(agent="absent.json"), "absent.json"),
        (plan(agent="."), ". is a folder"),
        (plan(agent="fleet.yaml"), "fleet.yaml is not a Python file"),
        (plan(fleet="absent.yaml"), "absent.yaml"),
        (plan(fleet="."), ".: the fleet file cannot be read"),
        (("run", "agent.py", "--plan", "absent.json", "--input", "x"), "absent.json"),
        (
            ("run", "agent.py", "--fleet", "fleet.yaml", "--input", "@absent.txt"),
            "absent.txt: No such file or directory; check",
        ),
        (("run", "agent.py", "--fleet", "fleet.yaml", "--input", "@."), ".: Is a directory; name a file"),
        (("serve", "absent.py", "--fleet", "fleet.yaml", "--port", "0"), "absent.py"),
        (("serve", "agent.py", "--fleet", "absent.yaml", "--port", "0"), "absent.yaml"),
    ],
)
def test_unreadable_input(refused: Refused, arguments: tuple[str, ...], named: str) -> None:
    assert named in refused(*arguments)


def test_an_input_file_that_is_no_text(refused: Refused) -> None:
    Path("input.txt").write_bytes(b"\xff")
    assert "input.txt is not UTF-8" in refused("run", "agent.py", "--fleet", "fleet.yaml", "--input", "@input.txt")


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"{", b"[]", b"{}", b'{"format": "orchestrator.graph/1"}', b"[" * 9999]
)
def test_a_document_that_is_no_graph(refused: Refused, content: bytes) -> None:
    Path("graph.json").write_bytes(content)
    assert "graph" in refused(*plan(agent="graph.json"))


def test_a_cyclic_graph(refused: Refused, capsys: pytest.CaptureFixture[str]) -> None:
    document = graph(capsys)
    for task in document["body"]["tasks"]:
        if task["name"] == "search":
            task["inputs"] = {"question": "answer"}
    Path("graph.json").write_text(json.dumps(document))
    assert "'answer', which comes later or is the task itself: a cycle" in refused(*plan(agent="graph.json"))


def test_negative_tokens_in_a_graph(refused: Refused, capsys: pytest.CaptureFixture[str]) -> None:
    document = graph(capsys)
    for task in document["body"]["tasks"]:
        if task["name"] == "answer":
            task["tokens_in"] = -1
    Path("graph.json").write_text(json.dumps(document))
    message = refused(*plan(agent="graph.json"))
    assert "tokens_in" in message
    assert "-1" in message


def test_an_unknown_key_in_a_graph(refused: Refused, capsys: pytest.CaptureFixture[str]) -> None:
    Path("graph.json").write_text(json.dumps(graph(capsys) | {"colour": "red"}))
    assert "colour" in refused(*plan(agent="graph.json"))


@pytest.mark.parametrize("command", ["plan", "run"])
def test_code_that_changed_since_its_graph(refused: Refused, capsys: pytest.CaptureFixture[str], command: str) -> None:
    Path("graph.json").write_text(json.dumps(graph(capsys)))
    Path("agent.py").write_text(AGENT + "# changed\n")
    given = ("--input", "x") if command == "run" else ()
    assert "agent.py has changed since the graph was captured" in refused(
        command, "graph.json", "--fleet", "fleet.yaml", *given
    )


def test_code_that_changed_since_its_plan(refused: Refused) -> None:
    assert invoke([*plan(), "--out", "plan.json"]) == 0
    document = json.loads(Path("plan.json").read_text())
    for operator in document["operators"]:
        operator["function"]["sha256"] = "0" * 64
    Path("plan.json").write_text(json.dumps(document))
    message = refused("run", "agent.py", "--plan", "plan.json", "--input", "x")
    assert "agent.py has changed since the plan was made" in message


@pytest.mark.parametrize(
    ("change", "named"),
    [({"agent": "other"}, "other"), ({"format": "orchestrator.plan/0"}, "format"), ({"colour": "red"}, "colour")],
)
def test_a_plan_that_does_not_fit(refused: Refused, change: dict[str, str], named: str) -> None:
    assert invoke([*plan(), "--out", "plan.json"]) == 0
    document = json.loads(Path("plan.json").read_text()) | change
    Path("plan.json").write_text(json.dumps(document))
    assert named in refused("run", "agent.py", "--plan", "plan.json", "--input", "x")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--input", "x"), "give --fleet FLEET to plan for, or --plan PLAN to run"),
        (("--plan", "p", "--fleet", "f", "--input", "x"), "--plan brings its devices, SLA and passes"),
        (("--plan", "p", "--sla", "1s", "--input", "x"), "--plan brings its devices, SLA and passes"),
        (("--fleet", "fleet.yaml"), "no input is given and the file has no EXAMPLE_INPUT"),
        (("--fleet", "fleet.yaml", "--input", '{"question": 3}'), "question: must be of JSON type string, got 3"),
        (("--fleet", "fleet.yaml", "--input", "x", "--time-scale", "0"), "must be greater than zero, got 0"),
        (("--fleet", "fleet.yaml", "--input", "x", "--time-scale", "nan"), "must be greater than zero, got nan"),
        (("--fleet", "fleet.yaml", "--input", "x", "--on-miss", "cry"), "cry"),
    ],
)
def test_a_run_that_cannot_begin(refused: Refused, arguments: tuple[str, ...], message: str) -> None:
    assert message in refused("run", "agent.py", *arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--host", "0.0.0.0"), "it listens on loopback only, not on '0.0.0.0'; use --host 127.0.0.1"),
        (("--host", "example.org"), "it listens on loopback only"),
        (("--port", "99999"), "less than or equal to 65535"),
    ],
)
def test_a_server_that_cannot_listen(refused: Refused, arguments: tuple[str, ...], message: str) -> None:
    assert message in refused("serve", "agent.py", "--fleet", "fleet.yaml", *arguments)
