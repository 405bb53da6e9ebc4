"""Which agent a file means, and what is wrong with a file that means none."""

from pathlib import Path

import pytest

from orchestrator.agent_files import AgentChoiceError, check_functions, find_agent, find_agents, find_all, function_refs
from orchestrator.errors import FunctionLoadError, GraphError, HashMismatchError
from orchestrator.graph_json import to_json_text

HEAD = (
    "from orchestrator import agent, compute\n\n\n@compute(latency='1ms')\ndef step(x: str) -> str:\n    return x\n\n"
)
ONE = f"{HEAD}\n@agent\ndef one(x: str) -> str:\n    return step(x)\n\n"
TWO = f"{ONE}\n@agent\ndef two(x: str) -> str:\n    return step(x)\n"
NESTED = f"{ONE}\n@agent\ndef outer(x: str) -> str:\n    return one(x)\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path, text: str, name: str = "agents.py") -> Path:
    (folder / name).write_text(text)
    return Path(name)


def test_the_only_agent_is_meant(folder: Path) -> None:
    found = find_agent(written(folder, ONE + "EXAMPLE_INPUT = 'hello'\n"), None)
    assert found.graph.name == "one"
    assert found.example_input == "hello"


def test_the_agent_that_no_other_calls_is_meant(folder: Path) -> None:
    assert find_agent(written(folder, NESTED), None).graph.name == "outer"
    assert find_agent(Path("agents.py"), "one").graph.name == "one"


def test_several_agents_need_a_choice(folder: Path) -> None:
    file = written(folder, TWO)
    with pytest.raises(AgentChoiceError, match="several agents: one, two; choose one with --agent NAME"):
        find_agent(file, None)
    assert find_agent(file, "two").graph.name == "two"
    with pytest.raises(AgentChoiceError, match="has no agent 'three'; it has one, two"):
        find_agent(file, "three")


def test_a_file_without_agent(folder: Path) -> None:
    with pytest.raises(AgentChoiceError, match="defines no agent; decorate a function with @agent"):
        find_agents(written(folder, HEAD))


def test_a_body_that_raises_is_shown_with_its_line(folder: Path) -> None:
    text = f"{HEAD}\n@agent\ndef broken(x: str) -> str:\n    y = step(x)\n    return {{}}['absent']\n"
    with pytest.raises(
        FunctionLoadError, match=r"^agents\.py:12: tracing the agent 'broken' raised KeyError: 'absent'"
    ):
        find_agents(written(folder, text))


def test_a_graph_document_holds_one_agent(folder: Path) -> None:
    graph = find_agent(written(folder, ONE), None).graph
    document = written(folder, to_json_text(graph), "graph.json")
    assert find_agent(document, None).graph == graph
    assert find_agent(document, "one").example_input is None
    with pytest.raises(GraphError):
        find_agent(written(folder, "{}", "empty.json"), None)


def test_agents_of_several_files_have_different_names(folder: Path) -> None:
    first, second = written(folder, ONE), written(folder, ONE, "more.py")
    assert list(find_all([first])) == ["one"]
    with pytest.raises(AgentChoiceError, match="two files define an agent 'one'"):
        find_all([first, second])


def test_functions_are_compared_with_their_hash(folder: Path) -> None:
    graph = find_agent(written(folder, ONE), None).graph
    assert [ref.qualname for ref in function_refs(graph)] == ["step"]
    assert check_functions(graph, folder) == []
    assert check_functions(graph, folder / "elsewhere") == ["agents.py"]
    written(folder, ONE + "# changed\n")
    with pytest.raises(HashMismatchError, match=r"agents\.py has changed since the graph was captured"):
        check_functions(graph, folder)


def test_what_a_file_prints_stays_out_of_the_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    find_agents(written(folder, ONE + "print('loading')\n", "printing.py"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "loading\n"
