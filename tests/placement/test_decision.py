from ir import view
from ir.dialects.cost import AmountAttr
from ir.text import parse, to_text
from placement.decision import write_decision
from placement.from_ir import Lowered, from_ir
from placement.settle import settle
from placement.solve import Solution, solve
from tests.placement.sample_agents import answer_agent, graph_op, pricing, row

PAIRS = [(a, b) for a in ("h100_sxm", "xeon_8480p") for b in ("h100_sxm", "xeon_8480p")]
ROWS = (
    row("answer.prefill", "h100_sxm", 0.1, 0.1),
    row("answer.prefill", "xeon_8480p", 9.0, 9.0),
    row("answer.decode", "h100_sxm", 9.0, 9.0),
    row("answer.decode", "xeon_8480p", 0.1, 0.2),
    *(row("answer.kv_transfer", f"{a}->{b}", 0.01, 0.001) for a, b in PAIRS),
)
"""Prefill pays off on the one device, decode on the other."""


def solved() -> tuple[Lowered, Solution]:
    lowered = from_ir(graph_op(answer_agent), pricing(rows=ROWS), None)
    return lowered, settle(lowered, solve(lowered.problem))


def test_choices_say_what_was_taken_and_operators_where_they_run() -> None:
    module = write_decision(*solved())
    found = {
        op.name: {key: value for key, value in op.attributes.items() if key.startswith("plan.")}
        for op in module.walk()
        if "plan.pool" in op.attributes or "plan.chosen" in op.attributes
    }
    assert list(found) == [
        "agent.compute",
        "llm.render",
        "plan.choose",
        "llm.prefill",
        "llm.decode",
        "llm.parse",
    ]
    assert {key: str(value) for key, value in found["plan.choose"].items()} == {"plan.chosen": '"disaggregated"'}
    texts = {key: str(value) for key, value in found["llm.decode"].items()}
    assert (texts["plan.device"], texts["plan.model"], texts["plan.tp"]) == (
        '"xeon_8480p"',
        '"llama3.1-8b"',
        "1 : i64",
    )
    for key, amount in (("plan.latency_s", 0.1), ("plan.cost_usd", 0.2)):
        attribute = found["llm.decode"][key]
        assert isinstance(attribute, AmountAttr)
        assert attribute.value.value.data == amount
    assert "plan.model" not in found["agent.compute"]


def test_alternatives_that_are_not_taken_have_no_pool() -> None:
    module = write_decision(*solved())
    placed = [op.parent_op() for op in module.walk() if op.name == "llm.prefill" and "plan.pool" in op.attributes]
    assert len(placed) == 1
    assert sum(op.name == "llm.prefill" for op in module.walk()) == 3


def test_the_lowered_graph_stays_as_it_was() -> None:
    lowered, solution = solved()
    before = str(lowered.graph)
    module = write_decision(lowered, solution)
    assert str(lowered.graph) == before
    assert view.entry(module) is not lowered.graph
    text = to_text(module)
    assert to_text(parse(text)) == text
