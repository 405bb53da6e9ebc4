from textwrap import dedent

import pytest

from costmodel.errors import CostError
from ir.view import entry
from orchestrator.agent_function import AgentFunction
from orchestrator.pipeline import lower
from placement.structure import names_of_choice, read_structure
from tests.placement import sample_agents as agents
from tests.placement.sample_agents import drawn, graph_op

CALL = """
    0: answer_render
    1 < 0: choice 0
      [0]
        0: answer_prefill
        1 < 0: answer_decode
      [1]
        0: answer_prefill
        1 < 0: answer_decode
      [2]
        0: answer_prefill
        1 < 0: answer_decode_attention
        2 < 0 1: answer_decode
    2 < 1: answer"""
"""One call of a text generator, as it stands inside a react's turns."""

CONTINUED = """[2]
        0: answer_prefill
        1 < 0: answer_decode
      [3]"""
"""Between the alternatives of a call in turns that go on from one another, and the last one."""


@pytest.mark.parametrize(
    ("agent", "tree"),
    [
        (agents.chain_agent, "0: first\n1 < 0: second\n2 < 1: third"),
        # third reads an item of first's value, both a mapping around third's: expressions are no nodes, only ways
        (agents.diamond_agent, "0: first\n1 < 0: second\n2 < 0: third\n3 < 1 2: both"),
        # the branch waits for its condition, and for what is read inside it
        (
            agents.branch_agent,
            """
            0: first
            1 < 0: first_when 0.25 0.75
              [0]
                0: second
              [1]
                0: third
            2 < 0 1: both""",
        ),
        # the loop waits for its first value and for lookup, which its body reads from outside
        (
            agents.loop_agent,
            """
            0: first
            1: lookup
            2 < 0 1: loop 0..4 mean 2
              0: second
              1 < 0: both
            3 < 2: third""",
        ),
        (
            agents.fanout_agent,
            """
            0: first
            1: lookup
            2 < 0 1: fanout ..8 mean 4
              0: search
              1 < 0: both
            3 < 2: second""",
        ),
        # a question takes no time, but what reads its answer waits for what it was made of
        (agents.pause_agent, "0: first\n1 < 0: second\n2 < 0: third\n3 < 1 2: both"),
    ],
)
def test_control_becomes_a_tree(agent: AgentFunction[..., object], tree: str) -> None:
    assert drawn(read_structure(graph_op(agent))) == dedent(tree).strip()


def test_a_react_is_turns_and_between_them_rounds_of_one_tool_each() -> None:
    # 3 turns of at most 5: at least 1 and, between them, 2 of at most 4 rounds
    expected = f"""
0: first
1 < 0: answer_react 1
  0: answer_react.turns 1..5 mean 3{CALL}
  1 < 0: answer_react.rounds 0..4 mean 2
    0: answer_react.tools 0.5 0.5
      [0]
        0: search
      [1]
        0: lookup
2 < 1: second"""
    assert drawn(read_structure(graph_op(agents.react_agent))) == expected.strip().replace("[2]", CONTINUED)


def test_a_tool_that_no_turn_can_call_still_stands_in_the_tree() -> None:
    expected = f"""
0: answer_react 1
  0: answer_react.turns 1..1 mean 1{CALL}
  1 < 0: answer_react.rounds 0..0 mean 0
    0: answer_react.tools 1
      0: search"""
    assert drawn(read_structure(graph_op(agents.single_turn_agent))) == expected.strip()


def test_a_react_without_tools_is_its_turns() -> None:
    expected = f"0: answer_react 1\n  0: answer_react.turns 1..3 mean 2{CALL}"
    assert drawn(read_structure(graph_op(agents.toolless_agent))) == expected


def test_choices_alternatives_and_groups() -> None:
    structure = read_structure(graph_op(agents.nested_agent))
    ids = [op.id.data for op in structure.operations]
    names = ("colocated", "disaggregated", "attention_offload")
    assert [names_of_choice(choice) for choice in structure.choices] == [names] * 2
    within = [(ids[index], choice) for index, choice in enumerate(structure.alternatives) if choice is not None]
    assert within == [
        ("answer_prefill", (0, 0)),
        ("answer_decode", (0, 0)),
        ("answer_prefill", (0, 1)),
        ("answer_decode", (0, 1)),
        ("answer_prefill", (0, 2)),
        ("answer_decode_attention", (0, 2)),
        ("answer_decode", (0, 2)),
        ("answer_agent_2_answer_prefill", (1, 0)),
        ("answer_agent_2_answer_decode", (1, 0)),
        ("answer_agent_2_answer_prefill", (1, 1)),
        ("answer_agent_2_answer_decode", (1, 1)),
        ("answer_agent_2_answer_prefill", (1, 2)),
        ("answer_agent_2_answer_decode_attention", (1, 2)),
        ("answer_agent_2_answer_decode", (1, 2)),
    ]
    assert structure.groups == ((2, 3), (12, 13))
    assert [structure.alternatives[group[0]] for group in structure.groups] == [(0, 0), (1, 0)]


def test_a_branch_without_a_probability_is_refused() -> None:
    with pytest.raises(CostError, match=r"when @first_when states no p; give p="):
        read_structure(graph_op(agents.unknown_branch_agent))


@pytest.mark.parametrize(
    ("agent", "stage", "operation"),
    [(agents.answer_agent, "inline-agents", "llm.call"), (agents.fanout_agent, "decompose-llm", "tool.invoke")],
)
def test_an_operation_without_a_rule_is_refused(agent: AgentFunction[..., object], stage: str, operation: str) -> None:
    with pytest.raises(CostError, match=rf"no cost rule knows {operation}; placement reads the IR after all default"):
        read_structure(entry(lower(agent.trace(), stage)))


@pytest.mark.parametrize("agent", [agents.nested_agent, agents.react_agent, agents.fanout_agent])
def test_the_same_agent_always_gives_the_same_structure(agent: AgentFunction[..., object]) -> None:
    one, other = read_structure(graph_op(agent)), read_structure(graph_op(agent))
    assert (one.root, one.edges, one.groups) == (other.root, other.edges, other.groups)
