from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from xdsl.dialects.builtin import ModuleOp

from ir.pipeline import DEFAULT_PIPELINE, STAGES, StageError, run_passes
from ir.text import parse, to_text
from orchestrator.graph import Graph
from orchestrator.to_ir import to_ir
from tests.ir.graphs import graphs
from tests.ir.meaning import keeps_values, outcome


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_every_pass_keeps_the_meaning_and_every_form_is_read_back(graph: Graph) -> None:
    seen: dict[str, tuple[str, Any]] = {}

    def look(stage: str, module: ModuleOp) -> None:
        text = to_text(module)
        assert to_text(parse(text)) == text
        seen[stage] = outcome(module)

    run_passes(to_ir(graph), after_each=look)
    assert list(seen) == list(STAGES)
    assert all(keeps_values(seen[before], seen[after]) for before, after in pairwise(STAGES))
    assert all(repr(seen[stage]) == repr(seen["drop-unused"]) for stage in STAGES[STAGES.index("drop-unused") :])


def a_module() -> ModuleOp:
    return parse(
        """
        agent.graph @a(q) {
        ^bb0(%q : !agent.text):
          %r = llm.call @r(q = %q) models ["llama3.1-8b"] max_tokens 8 {function = #agent.function<"a.py", "r", "00">}
            : (!agent.text) -> !agent.json
          agent.output %r : !agent.json
        }
        """
    )


@pytest.mark.parametrize(
    ("stage", "present", "absent"),
    [
        ("capture", "llm.call", "llm.prefill"),
        ("inline-agents", "llm.call", "llm.prefill"),
        ("decompose-llm", "llm.prefill", "cost.visits"),
        (None, "cost.visits", "llm.call"),
    ],
)
def test_a_stage_stops_after_its_pass(stage: str | None, present: str, absent: str) -> None:
    module = a_module()
    assert run_passes(module, stage) is module
    assert present in to_text(module)
    assert absent not in to_text(module)


def test_the_stages_are_the_passes_in_order_after_the_capture() -> None:
    assert STAGES == (
        "capture",
        "inline-agents",
        "drop-unused",
        "eliminate-common-calls",
        "fuse-cpu",
        "split-encode",
        "decompose-llm",
        "hoist-shared-prefix",
        "continue-turns",
        "offload-attention",
        "overlap-transfer",
        "decompose-tool",
        "stream-edges",
        "annotate-demand",
    )
    reached: list[str] = []
    run_passes(a_module(), "decompose-tool", lambda stage, _: reached.append(stage))
    assert reached == [
        "capture",
        "inline-agents",
        "drop-unused",
        "eliminate-common-calls",
        "fuse-cpu",
        "split-encode",
        "decompose-llm",
        "hoist-shared-prefix",
        "continue-turns",
        "offload-attention",
        "overlap-transfer",
        "decompose-tool",
    ]


def test_an_unknown_stage_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(StageError, match="unknown stage 'lower'; use one of capture, inline-agents, drop-unused"):
        run_passes(a_module(), "lower")


def test_every_pass_runs_with_no_arguments() -> None:
    assert [each().name for each in DEFAULT_PIPELINE] == list(STAGES[1:])
