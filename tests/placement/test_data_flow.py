import pytest

from orchestrator import agent, fanout, loop, observe, when
from orchestrator.agent_function import AgentFunction
from placement.structure import read_structure
from tests.placement import sample_agents as agents
from tests.placement.sample_agents import both, first, graph_op, search, second, third


@agent
def mixed_agent(text: str) -> str:
    """Half of the time the value of a branch in a branch, plus a value that is always read."""
    inner = when(
        first(text)["a"], lambda: when(text["b"], lambda: second(text), lambda: third(text), p=0.5), lambda: text, p=0.5
    )
    return both(inner, {"again": inner, "plain": 1})


@agent
def carried_branch_agent(text: str) -> str:
    """What goes around the loop is the body's value in one pass of ten, else what came in."""
    body = lambda value: when(value["a"], lambda: second(value), lambda: value, p=0.1)  # noqa: E731
    return third(loop(body, first(text), until=lambda v: v["done"], max_iters=5, expect=0.5))


@agent
def single_pass_agent(text: str) -> str:
    return loop(lambda value: second(first(value)), text, until=lambda v: v["done"], max_iters=1)


@agent
def fanned_loop_agent(text: str) -> str:
    """Around the loop goes a list of four values of search."""
    body = lambda value: fanout(search, value, max=8, expect=4)  # noqa: E731
    return third(loop(body, first(text), until=lambda v: v["done"], max_iters=2, expect=2))


@agent
def list_of_lists_agent(text: str) -> str:
    """Of 3 x 2 values of search each item of the outer fan-out reads those of one of 3."""
    lists = fanout(lambda part: fanout(search, part, max=2), first(text), max=3)
    return third(fanout(second, lists, max=3))


@agent
def long_way_agent(text: str) -> str:
    value = first(text)
    for _ in range(1200):
        value = observe(value)
    return second(value)


def edges(of: AgentFunction[..., object]) -> dict[tuple[str, str], tuple[float, float]]:
    """(share, copies) by (source, destination), without the parts of calls of text generators among themselves."""
    structure = read_structure(graph_op(of))
    ids = [op.id.data for op in structure.operations]
    found = {(ids[each.src], ids[each.dst]): (each.share, each.copies) for each in structure.edges}
    return {pair: how for pair, how in found.items() if not all(end.startswith("answer") for end in pair)}


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (
            agents.diamond_agent,
            {
                ("first", "second"): (1, 1),
                ("first", "third"): (1, 1),
                ("second", "both"): (1, 1),
                ("third", "both"): (1, 1),
            },
        ),
        (
            agents.branch_agent,
            {
                ("first", "second"): (1, 1),
                ("first", "both"): (1, 1),
                ("second", "both"): (0.25, 1),
                ("third", "both"): (0.75, 1),
            },
        ),
        # 0.5 x 0.5 each for both values of the inner branch; each is read twice, and so at most twice as often
        (mixed_agent, {("second", "both"): (0.5, 1), ("third", "both"): (0.5, 1)}),
        # 2 passes of at most 4: the first of them reads the initial value, up to 3 of 4 what went around
        (
            agents.loop_agent,
            {
                ("first", "second"): (0.5, 1),
                ("both", "second"): (0.75, 1),
                ("lookup", "both"): (1, 1),
                ("second", "both"): (1, 1),
                ("first", "third"): (1, 1),
                ("both", "third"): (1, 1),
            },
        ),
        # half a pass on average: the loop's value may be the initial one, and is the body's in at most 0.5 of runs;
        # of the body's values 0.1 are second's and 0.9 what came in, which may be second's again
        (
            carried_branch_agent,
            {
                ("first", "second"): (1, 1),
                ("second", "second"): (0.8, 1),
                ("second", "third"): (pytest.approx(0.5 * (0.1 + 0.9 * 0.8)), 1),
                ("first", "third"): (1, 1),
            },
        ),
        (single_pass_agent, {("first", "second"): (1, 1)}),
        # an item of the four of `first` is a quarter of it; the list of four values of `both` is four of them
        (
            agents.fanout_agent,
            {
                ("first", "search"): (1, 0.25),
                ("lookup", "both"): (1, 1),
                ("search", "both"): (1, 1),
                ("both", "second"): (1, 4),
            },
        ),
        # a quarter of the initial value in the first of 2 passes; in the other one item of four: itself
        (
            fanned_loop_agent,
            {
                ("first", "search"): (0.5, 0.25),
                ("search", "search"): (0.5, 1),
                ("search", "third"): (1, 4),
                ("first", "third"): (1, 1),
            },
        ),
        (
            list_of_lists_agent,
            {("first", "search"): (1, 1 / 6), ("search", "second"): (1, 2), ("second", "third"): (1, 3)},
        ),
        # the answer to a question comes from outside; an observation passes its value on
        (agents.pause_agent, {("first", "second"): (1, 1), ("first", "third"): (1, 1), ("third", "both"): (1, 1)}),
        # of 3 turns the last 2 read what the model and the tools said; a tool always reads a turn
        (
            agents.react_agent,
            {
                ("first", "answer_render"): (1, 1),
                ("search", "answer_render"): (pytest.approx(2 / 3), 1),
                ("lookup", "answer_render"): (pytest.approx(2 / 3), 1),
                ("answer", "search"): (1, 1),
                ("answer", "lookup"): (1, 1),
                ("answer", "second"): (1, 1),
            },
        ),
        (agents.single_turn_agent, {("answer", "search"): (1, 1)}),
        (long_way_agent, {("first", "second"): (1, 1)}),
    ],
)
def test_what_an_operator_reads_and_how_often(
    of: AgentFunction[..., object], expected: dict[tuple[str, str], tuple[float, float]]
) -> None:
    assert edges(of) == expected


def test_the_parts_of_a_call() -> None:
    structure = read_structure(graph_op(agents.answer_agent))
    names = [op.name.removeprefix("llm.") for op in structure.operations]
    found = [(names[each.src], names[each.dst], each.carries, each.is_internal) for each in structure.edges]
    assert found == [
        ("agent.compute", "render", "data", False),
        ("render", "prefill", "data", False),
        ("prefill", "decode", "kv", True),  # in one pool: nothing moves
        ("render", "prefill", "data", False),
        ("prefill", "decode", "kv", False),  # through the KV transfer, which is no operator
        ("render", "prefill", "data", False),
        ("prefill", "decode_attention", "kv", False),
        ("prefill", "decode_linear", "data", False),  # the first token
        ("decode_attention", "decode_linear", "activations", False),
        ("decode", "parse", "data", False),
        ("decode", "parse", "data", False),
        ("decode_linear", "parse", "data", False),
    ]


def test_an_operator_that_reads_its_own_earlier_value_moves_nothing() -> None:
    structure = read_structure(graph_op(fanned_loop_agent))
    (own,) = [each for each in structure.edges if each.src == each.dst]
    assert own.is_internal
