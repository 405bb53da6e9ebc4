import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import PassFailedException

from costmodel.chunk import prefill_chunks
from costmodel.models import load_models
from costmodel.profile import ProfileRow
from costmodel.roofline import time
from ir.dialects import cost
from ir.dialects.llm import PrefillOp
from ir.interpreter import interpret
from ir.passes.annotate_demand import AnnotateDemandPass
from ir.passes.chunk_prefill import ChunkPrefillPass
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.drop_unused import DropUnusedPass
from ir.pipeline import StageError, run_passes
from ir.text import parse
from ir.view import entry
from placement.from_ir import from_ir
from placement.problem import Option
from tests.placement.sample_agents import H100, cores, h100, pricing, row


def annotated(*passes: ChunkPrefillPass) -> ModuleOp:
    module = parse(
        """
        agent.graph @a(q) {
        ^bb0(%q : !agent.text):
          %r = llm.call @r(q = %q) models ["llama3.1-8b"] max_tokens 8 tokens_in 900 tokens_out 8
            {function = #agent.function<"a.py", "r", "00">} : (!agent.text) -> !agent.json
          agent.output %r : !agent.json
        }
        """
    )
    for each in (DecomposeLlmPass(), *passes, AnnotateDemandPass()):
        each.apply(Context(), module)
        module.verify()
    return module


def demand(module: ModuleOp, name: cost.PerModel) -> float:
    """Of one prefill; all alternatives ask for the same."""
    (each,) = {cost.per_model(op, name) for op in module.walk() if isinstance(op, PrefillOp)}
    assert each is not None
    return each[0]


def test_four_chunks_read_the_weights_four_times_and_compute_the_same() -> None:
    whole, chunked = annotated(), annotated(ChunkPrefillPass(tokens=256))
    assert demand(chunked, "weight_bytes") == 4 * demand(whole, "weight_bytes")
    assert demand(chunked, "flops") == pytest.approx(demand(whole, "flops"), rel=1e-12)
    assert demand(chunked, "kv_bytes") == demand(whole, "kv_bytes")
    assert interpret(chunked, {"q": "hi"}, {"r": lambda q: [q]}) == ["hi"]


def test_a_prompt_of_one_chunk_stays() -> None:
    module = annotated(ChunkPrefillPass(tokens=900))
    assert [op.chunk_tokens for op in module.walk() if isinstance(op, PrefillOp)] == [None, None]


def test_a_chunk_has_a_token() -> None:
    with pytest.raises(PassFailedException, match="tokens must be at least 1, got 0"):
        annotated(ChunkPrefillPass(tokens=0))


def prefill_rows(*passes: ChunkPrefillPass, rows: tuple[ProfileRow, ...] = ()) -> tuple[Option, ...]:
    """The options of the prefill on one H100."""
    problem = from_ir(entry(annotated(*passes)), pricing(cores(), h100(1), rows=rows), None).problem
    operator = next(each for each in problem.operators if each.id == "r.prefill (colocated)")
    return tuple(each for each in operator.options if problem.pools[each.pool].device == "h100_sxm")


def test_placement_prices_each_chunk() -> None:
    (whole,), (chunked,) = prefill_rows(), prefill_rows(ChunkPrefillPass(tokens=256))
    model = load_models().model("llama3.1-8b")
    # 900 tokens: three chunks of 256 and one of 132, each a step that reads the weights
    works = prefill_chunks(model, 900, 256)
    each_s = [time(work, H100, 1, "fp16", model=model).latency_s for work in works]
    assert len(each_s) == 4
    assert chunked.parts_s == pytest.approx(each_s)
    assert chunked.latency_s == pytest.approx(sum(each_s))
    assert chunked.cost_usd == pytest.approx(0.002 * sum(each_s))
    assert whole.latency_s < chunked.latency_s


def test_a_measured_row_is_taken_as_it_is_and_says_so() -> None:
    measured = row("r.prefill", "h100_sxm", 0.25, 0.5)
    (found,) = prefill_rows(ChunkPrefillPass(tokens=256), rows=(measured,))
    assert (found.latency_s, found.parts_s) == (0.25, ())
    assert found.notes[-1] == "the row is taken to have measured chunks of 256 tokens"


def test_it_is_added_to_the_pipeline_on_request() -> None:
    stages: list[str] = []
    run_passes(annotated(), "overlap-transfer", lambda name, _: stages.append(name), added=[ChunkPrefillPass()])
    assert stages[-2:] == ["chunk-prefill", "overlap-transfer"]
    with pytest.raises(StageError, match="'drop-unused' cannot be added to a plan; use one of chunk-prefill"):
        run_passes(annotated(), added=[DropUnusedPass()])
