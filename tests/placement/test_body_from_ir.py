from typing import Any

import pytest
from xdsl.dialects.builtin import ModuleOp

from ir.pipeline import run_after_solve
from ir.view import entry
from orchestrator import agent
from orchestrator.agent_function import AgentFunction
from placement.body_from_ir import write_body
from tests.ir.deciding import decide
from tests.placement import sample_agents as agents
from tests.placement.sample_agents import answer, graph_op

CALL = [
    ("answer_render", "answer.render", {"question": "first"}),
    ("answer_prefill", "answer.prefill", {"prompt": "answer_render"}),
    ("answer_decode", "answer.decode", {"kv": "answer_prefill", "arguments": "{'question': first}"}),
    ("answer", "answer.parse", {"text": "answer_decode"}),
]


@agent
def constant_agent(text: str) -> str:
    return answer({"question": text, "how": ["short", 3]}["question"])


def body(of: AgentFunction[..., object], alternative: int = 0) -> dict[str, Any]:
    """The body where every choice takes the alternative of this number and every operator is in one pool."""
    graph = graph_op(of)
    module = graph.parent_op()
    assert isinstance(module, ModuleOp)
    decided = decide(module, lambda names: names[alternative])
    return write_body(entry(run_after_solve(decided))).model_dump(exclude_defaults=True)


def operators(block: dict[str, Any]) -> list[tuple[str, str, dict[str, str]]]:
    return [(node["id"], node["operator"], node["inputs"]) for node in block["nodes"]]


def test_a_chain() -> None:
    found = body(agents.chain_agent)
    assert (found["parameters"], found["result"]) == (["text"], "third")
    assert operators(found) == [
        ("first", "first", {"text": "text"}),
        ("second", "second", {"text": "first"}),
        ("third", "third", {"text": "second"}),
    ]


def test_expressions_dissolve_into_those_that_read_them() -> None:
    assert operators(body(agents.diamond_agent))[3] == (
        "both",
        "both",
        {"left": "second", "right": "{'third': third['a']}"},
    )


@pytest.mark.parametrize("alternative", [0, 1])
def test_a_choice_leaves_the_nodes_of_its_alternative(alternative: int) -> None:
    found = body(agents.answer_agent, alternative)
    assert operators(found)[1:] == CALL
    assert found["result"] == "answer"


def test_branches() -> None:
    (_, branch, last) = body(agents.branch_agent)["nodes"]
    assert (branch["id"], branch["condition"]) == ("first_when", "first['hard']")
    assert (branch["then"]["parameters"], branch["then"]["result"], branch["orelse"]["result"]) == (
        [],
        "second",
        "third",
    )
    assert operators(branch["orelse"]) == [("third", "third", {"text": "text"})]
    assert last["inputs"] == {"left": "first_when", "right": "first"}


def test_loops_and_fanouts_have_a_parameter() -> None:
    loop = body(agents.loop_agent)["nodes"][2]
    assert (loop["init"], loop["max_iters"]) == ("first", 4)
    assert loop["body"]["parameters"] == ["loop_value"]
    assert loop["until"] == "loop_value['done']"
    assert operators(loop["body"]) == [
        ("second", "second", {"text": "loop_value"}),
        ("both", "both", {"left": "second", "right": "lookup"}),
    ]
    fanout = body(agents.fanout_agent)["nodes"][2]
    assert (fanout["items"], fanout["max"], fanout["body"]["parameters"]) == ("first", 8, ["fanout_item"])
    assert operators(fanout["body"])[0] == ("search", "search", {"query": "fanout_item"})


def test_a_react_has_a_turn_and_a_block_for_each_tool() -> None:
    react = body(agents.react_agent)["nodes"][1]
    assert (react["id"], react["max_turns"], list(react["tools"])) == ("answer_react", 5, ["search", "lookup"])
    turn = react["turn"]
    assert (turn["parameters"], turn["result"], operators(turn)) == (["messages"], "answer", CALL)
    # what the author did not name: earlier messages for the prompt and what simulates it, arguments for a tool
    assert [node.get("rest") for node in turn["nodes"]] == ["messages", None, "messages", None]
    search = react["tools"]["search"]
    assert search["parameters"] == ["arguments"]
    assert search["nodes"] == [{"id": "search", "operator": "search", "inputs": {}, "rest": "arguments"}]


def test_observations_and_questions_are_nodes() -> None:
    nodes = body(agents.pause_agent)["nodes"]
    assert [node["id"] for node in nodes] == ["first", "observe", "second", "interrupt", "third", "both"]
    assert nodes[1] == {"id": "observe", "value": "first"}
    assert nodes[3] == {"id": "interrupt", "question": "{'really': second}"}
    assert [nodes[index]["inputs"] for index in (2, 4, 5)] == [
        {"text": "observe"},
        {"text": "observe"},
        {"left": "interrupt", "right": "third"},
    ]


def test_nested_agents_are_written_out() -> None:
    ids = [node["id"] for node in body(agents.nested_agent)["nodes"]]
    assert len(ids) == len(set(ids)) == 11, "`first` of the same text is called once"
    assert ids[:2] == ["answer_agent_first", "answer_render"]
