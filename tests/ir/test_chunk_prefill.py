import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import PassFailedException

from costmodel.errors import CostError
from ir.dialects import cost
from ir.dialects.llm import PrefillOp
from ir.interpreter import interpret
from ir.passes.annotate_demand import AnnotateDemandPass
from ir.passes.chunk_prefill import ChunkPrefillPass
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.text import parse
from ir.view import entry
from placement.from_ir import from_ir
from tests.placement.sample_agents import pricing


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


def test_placement_does_not_price_chunks_as_if_there_were_none() -> None:
    with pytest.raises(CostError, match=r"no row prices llm.prefill @r_prefill in chunks; leave the chunk-prefill"):
        from_ir(entry(annotated(ChunkPrefillPass())), pricing(), None)
