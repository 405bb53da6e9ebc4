import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import PassFailedException

from ir.dialects.moe import ExpertDecodeOp, ExpertPrefillOp, GateOp, MergeOp
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.decompose_moe import DecomposeMoePass
from ir.passes.shard_tensor_parallel import ShardTensorParallelPass
from ir.text import parse, to_text


def decomposed(model: str = "qwen3-30b-a3b") -> ModuleOp:
    module = parse(
        f"""
        agent.graph @a(q) {{
        ^bb0(%q : !agent.text):
          %r = llm.call @r(q = %q) models ["{model}"] max_tokens 8 {{function = #agent.function<"a.py", "r", "00">}}
            : (!agent.text) -> !agent.json
          agent.output %r : !agent.json
        }}
        """
    )
    DecomposeLlmPass().apply(Context(), module)
    DecomposeMoePass().apply(Context(), module)
    return module


def shard(module: ModuleOp, shards: int) -> None:
    ShardTensorParallelPass(shards=shards).apply(Context(), module)
    module.verify()


@pytest.mark.parametrize("shards", [2, 4, 8])
def test_each_phase_has_every_part_once(shards: int) -> None:
    module = decomposed()
    shard(module, shards)
    kinds = [type(op) for op in module.walk()]
    # gate, experts and merge of two phases; nothing of the whole ones is left
    assert [kinds.count(kind) for kind in (GateOp, ExpertPrefillOp, ExpertDecodeOp, MergeOp)] == [
        2 * shards,
        shards,
        shards,
        2 * shards,
    ]


def test_one_shard_changes_nothing() -> None:
    module = decomposed()
    before = to_text(module)
    ShardTensorParallelPass().apply(Context(), module)
    assert to_text(module) == before


@pytest.mark.parametrize(
    ("model", "shards", "message"),
    [
        ("qwen3-30b-a3b", 0, "shards must be at least 1, got 0"),
        ("qwen3-30b-a3b", 3, "@r_prefill_experts cannot be divided: 3 shards do not divide the 32 attention heads of"),
        (
            "deepseek-v3-r1",
            2,
            "what a shard of the latent attention of deepseek-v3-r1 replicates is not in the catalog",
        ),
        ("granite-4.0-h-small", 2, "what a shard of the Mamba layers of granite-4.0-h-small replicates is not in"),
    ],
)
def test_what_cannot_be_divided_is_refused(model: str, shards: int, message: str) -> None:
    with pytest.raises(PassFailedException, match=message):
        shard(decomposed(model), shards)


def test_a_second_division_is_refused() -> None:
    module = decomposed()
    shard(module, 2)
    with pytest.raises(PassFailedException, match="@r_prefill_experts_0 is divided already"):
        shard(module, 2)


def test_a_kv_that_leaves_the_experts_is_refused() -> None:
    text = to_text(decomposed())
    moved = text.replace(
        "moe.expert_decode @r_decode_experts %kv_2,",
        'comm.kv_transfer @moved %kv_2 call "r" {function = #agent.function<"a.py", "r", "00">}'
        ' : !llm.kv<"qwen3-30b-a3b", ?, ?>\n      %outputs_9 = moe.expert_decode @r_decode_experts %outputs_1,',
    ).replace("moe.merge @r_decode %outputs_1", "moe.merge @r_decode %outputs_9")
    assert moved != text
    with pytest.raises(PassFailedException, match="@r_decode_experts decodes a KV that no expert prefill of its graph"):
        shard(parse(moved), 2)
