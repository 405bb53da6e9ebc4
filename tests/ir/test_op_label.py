"""What a drawing says of an operation."""

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation

from ir.op_label import label_of, region_names, shape_of, type_label
from ir.pipeline import run_passes
from ir.text import parse
from tests.ir.test_view import MODULE, task


def named(stage: str | None, name: str) -> Operation:
    """An operation of the sample by its id."""
    return task(run_passes(parse(MODULE), stage), name)


def test_kind_id_models_and_bounds() -> None:
    assert label_of(named("capture", "plan_2")) == ("llm.call @plan_2", "x or y")
    assert label_of(named("capture", "revise_loop")) == ("agent.loop @revise_loop", "max 3, expect 1")
    assert label_of(named("capture", "think_react")) == ("agent.react @think_react", "max 3 turns, expect 1")


def test_after_the_passes_visits_and_the_pool_too() -> None:
    # one turn of the react is expected, so its model is called once
    assert label_of(named(None, "think_prefill")) == ("llm.prefill @think_prefill", "x", "visits 1", "group think")


def test_an_expression_shows_its_text_and_an_end_its_kind() -> None:
    loop = named("capture", "revise_loop")
    assert [label_of(op) for op in loop.regions[0].block.ops] == [("d.score > 0.9",), ("yield",)]


def test_what_placement_decided_is_shown() -> None:
    op = named("capture", "search")
    op.attributes["plan.device"] = StringAttr("cpu")
    assert label_of(op)[-1] == "device cpu"


def test_regions_have_names() -> None:
    assert region_names(named("capture", "revise_loop")) == ("until", "do")
    assert region_names(named("capture", "think_react")) == ("turn", "tool search")
    assert region_names(named(None, "think_choice")) == ("colocated", "disaggregated")


def test_shapes_and_types() -> None:
    assert [shape_of(named(None, name)) for name in ("plan_2_render", "plan_2_prefill", "search")] == [
        "compute",
        "model",
        "call",
    ]
    render = named(None, "think_render")
    assert type_label(render.results[0]) == "!llm.tokens<?>"
    assert [type_label(operand) for operand in render.operands] == ["", ""]
