"""What a decomposed call asks for in all: the undecomposed call, the stated replication, and the communication."""

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from costmodel.llm import decode_work, kv_bytes, prefill_work
from costmodel.models import load_models
from ir.build import strings
from ir.dialects import cost
from ir.dialects.plan import ChooseOp
from ir.passes.annotate_demand import AnnotateDemandPass
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.decompose_moe import DecomposeMoePass
from ir.passes.shard_tensor_parallel import ShardTensorParallelPass
from ir.text import parse
from ir.view import models

TOKENS_IN, TOKENS_OUT = 900, 200
EXACT = 1e-12
"""Sums of floats in another order."""


def lowered(model: str, shards: int, known: str = "tokens_in 900 tokens_out 200") -> ModuleOp:
    """A call with the alternative of experts, divided, without demand."""
    module = parse(
        f"""
        agent.graph @a(q) {{
        ^bb0(%q : !agent.text):
          %r = llm.call @r(q = %q) models ["{model}"] max_tokens 256 {known}
            {{function = #agent.function<"a.py", "r", "00">}} : (!agent.text) -> !agent.json
          agent.output %r : !agent.json
        }}
        """
    )
    for each in (DecomposeLlmPass(), DecomposeMoePass(), ShardTensorParallelPass(shards=shards)):
        each.apply(Context(), module)
    return module


def the_choice(module: ModuleOp) -> ChooseOp:
    (choice,) = (op for op in module.walk() if isinstance(op, ChooseOp))
    return choice


def operations(model: str, shards: int, known: str = "tokens_in 900 tokens_out 200") -> list[Operation]:
    """The annotated operations of the alternative with experts."""
    module = lowered(model, shards, known)
    AnnotateDemandPass().apply(Context(), module)
    module.verify()
    return [op for op in the_choice(module).alternatives[2].block.ops if models(op)]


def total(ops: list[Operation], name: cost.PerModel, *phases: str) -> float:
    """The sum over the operations of some phases."""
    amounts = [cost.per_model(op, name) for op in ops if any(phase in op.properties["id"].data for phase in phases)]
    return sum(amount[0] for amount in amounts if amount is not None)


@pytest.mark.parametrize("model", [each.id for each in load_models().models.values() if each.experts])
def test_gate_experts_and_merge_ask_for_what_the_call_asks_for(model: str) -> None:
    ops, shape = operations(model, shards=1), load_models().model(model)
    prefill, decode = prefill_work(shape, TOKENS_IN), decode_work(shape, TOKENS_IN, TOKENS_OUT)
    assert len(ops) == 6
    assert total(ops, "flops", "prefill") == pytest.approx(prefill.flops, rel=EXACT)
    assert total(ops, "flops", "decode") == pytest.approx(decode.flops, rel=EXACT)
    assert total(ops, "weight_bytes", "prefill") == pytest.approx(prefill.weight_bytes, rel=EXACT)
    assert total(ops, "weight_bytes", "decode") == pytest.approx(decode.weight_bytes, rel=EXACT)
    assert total(ops, "kv_bytes", "prefill") == pytest.approx(kv_bytes(shape, TOKENS_IN), rel=EXACT)
    assert total(ops, "kv_bytes", "decode") == pytest.approx(decode.kv_read_bytes, rel=EXACT)
    assert total(ops, "moved_bytes", "prefill", "decode") == 0


@pytest.mark.parametrize(("shards", "kv_copied"), [(2, 0), (4, 0), (8, 1), (16, 3)])
def test_shards_add_routers_kv_heads_and_all_reduces_and_nothing_else(shards: int, kv_copied: int) -> None:
    # qwen3-30b-a3b: 48 layers, d_model 2048, 128 experts, 4 KV heads of 128. 8 shards hold 8 heads, 4 of them copies.
    # Routers: 48 x 2048 x 128 = 12582912 weights on each shard. Keys and values: 2 x 48 x 2048 x 4 x 128 = 100663296.
    ops, shape = operations("qwen3-30b-a3b", shards), load_models().model("qwen3-30b-a3b")
    prefill, decode = prefill_work(shape, TOKENS_IN), decode_work(shape, TOKENS_IN, TOKENS_OUT)
    copied = (shards - 1) * 12_582_912 + kv_copied * 100_663_296
    # 2 FLOPs for each copied weight and token; 2 bytes for each and step, of which prefill has 1 and decode 200.
    assert total(ops, "flops", "prefill") == pytest.approx(prefill.flops + 2 * 900 * copied, rel=EXACT)
    assert total(ops, "flops", "decode") == pytest.approx(decode.flops + 2 * 200 * copied, rel=EXACT)
    assert total(ops, "weight_bytes", "prefill") == pytest.approx(prefill.weight_bytes + 2 * copied, rel=EXACT)
    assert total(ops, "weight_bytes", "decode") == pytest.approx(decode.weight_bytes + 200 * 2 * copied, rel=EXACT)
    # KV of a token: 2 x 48 x 4 x 128 x 2 = 98304 bytes; of the prompt 900 x 98304 = 88473600, once more for each copy.
    assert total(ops, "kv_bytes", "prefill") == pytest.approx((1 + kv_copied) * 88_473_600, rel=EXACT)
    # Step i of 200 reads 900 + i tokens: 200 x 900 + 199 x 200 / 2 = 199900 tokens.
    assert total(ops, "kv_bytes", "decode") == pytest.approx((1 + kv_copied) * 199_900 * 98_304, rel=EXACT)
    # Added up twice a layer: 2 x 48 x 2048 x 2 bytes = 393216 bytes a token; a ring sends it 2 (n - 1) times in all.
    assert total(ops, "moved_bytes", "prefill") == 2 * (shards - 1) * 900 * 393_216
    assert total(ops, "moved_bytes", "decode") == 2 * (shards - 1) * 200 * 393_216


def test_shards_of_a_model_with_sliding_layers_copy_the_keys_and_values_of_those_too() -> None:
    # gpt-oss-20b: 24 layers, 12 of them sliding, d_model 2880, 32 experts, 8 KV heads of 64; 16 shards copy each once.
    # Routers: 24 x 2880 x 32 = 2211840. Keys and values: 2 x 24 x 2880 x 8 x 64 = 70778880.
    ops, shape = operations("gpt-oss-20b", 16), load_models().model("gpt-oss-20b")
    copied = 15 * 2_211_840 + 70_778_880
    assert total(ops, "flops", "prefill") == pytest.approx(
        prefill_work(shape, TOKENS_IN).flops + 2 * 900 * copied, rel=EXACT
    )
    assert total(ops, "kv_bytes", "prefill") == pytest.approx(2 * kv_bytes(shape, TOKENS_IN), rel=EXACT)


def test_results_have_the_size_of_token_ids() -> None:
    ops = operations("qwen3-30b-a3b", 2)
    # The first token is 4 bytes, 200 tokens are 800; what one shard holds of them never leaves the group.
    assert [cost.amount(op, "bytes_out") for op in ops if op.name == "comm.all_reduce"] == [4, 800]
    assert {cost.amount(op, "bytes_out") for op in ops if op.name != "comm.all_reduce"} == {None}


@pytest.mark.parametrize(
    ("known", "phases_with_demand"), [("", set[str]()), ("tokens_in 900", {"prefill"}), ("tokens_out 200", set[str]())]
)
def test_what_is_not_known_stays_off(known: str, phases_with_demand: set[str]) -> None:
    ops = operations("qwen3-30b-a3b", 2, known)
    has = {op.properties["id"].data.split("_")[1] for op in ops if cost.per_model(op, "flops") is not None}
    assert has == phases_with_demand


def test_the_tokens_of_a_call_are_found_where_its_other_alternatives_are_gone() -> None:
    module = lowered("qwen3-30b-a3b", 2)
    choice = the_choice(module)
    for _ in range(2):
        choice.detach_region(0)
    choice.names = strings(["expert_parallel"])
    AnnotateDemandPass().apply(Context(), module)
    decode = next(op for op in module.walk() if op.name == "moe.expert_decode")
    assert cost.amount(decode, "tokens_out") == TOKENS_OUT
