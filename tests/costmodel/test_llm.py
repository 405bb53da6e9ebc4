from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import CostError
from costmodel.llm import (
    decode_step_work,
    decode_work,
    kv_bytes,
    memory_bytes,
    prefill_work,
    token_demand,
    weight_bytes,
)
from costmodel.models import Model, ModelCatalog, load_models

TEXT_GENERATORS = [each for each in load_models().ids if load_models().model(each).is_text_generator]


def test_prefill_of_an_8b_model(llama: Model) -> None:
    work = prefill_work(llama, 1000)
    # layers: 2 x (7.5e9 - 128,256 x 4,096) = 13,949,326,848 a token, x 1000
    # head, last token only: 2 x 128,256 x 4,096 = 1,050,673,152
    # attention: 32 layers x 4 x 32 heads x 128 = 524,288 a pair, x 1000 x 1001 / 2 = 500,500 pairs
    assert work.flops == 13_949_326_848_000 + 1_050_673_152 + 524_288 * 500_500
    assert work.weight_bytes == 7.5e9 * 2
    # 2 x 32 layers x 8 KV heads x 128 x 2 bytes = 131,072 a token
    assert (work.kv_write_bytes, work.kv_read_bytes) == (131_072_000, 131_072_000)
    # two all-reduces a layer of 4,096 values of 2 bytes a token
    assert (work.sync_count, work.sync_bytes) == (64, 64 * 1000 * 8192)
    assert work.steps == 1


def test_a_decode_step_of_an_8b_model(llama: Model) -> None:
    work = decode_step_work(llama, 1000, batch=4)
    # 4 x (2 x 7.5e9 + 524,288 x 1000)
    assert work.flops == 4 * (15e9 + 524_288_000)
    assert work.weight_bytes == 15e9
    assert (work.kv_read_bytes, work.kv_write_bytes) == (4 * 131_072_000, 4 * 131_072)


def test_decode_sums_its_steps(llama: Model) -> None:
    total = decode_work(llama, 1000, 3)
    # contexts 1000 + 1001 + 1002 = 3003
    assert total.flops == 3 * 15e9 + 524_288 * 3003
    assert total.kv_read_bytes == 131_072 * 3003
    assert (total.steps, total.weight_bytes) == (3, 3 * 15e9)


@pytest.mark.parametrize("id_", TEXT_GENERATORS)
@given(tokens_in=st.integers(1, 500), tokens_out=st.integers(0, 40), batch=st.integers(1, 64))
def test_the_closed_form_is_the_sum_of_steps(id_: str, tokens_in: int, tokens_out: int, batch: int) -> None:
    model = load_models().model(id_)
    closed = decode_work(model, tokens_in, tokens_out, batch=batch)
    steps = [decode_step_work(model, tokens_in + step, batch=batch) for step in range(tokens_out)]
    assert closed.flops == pytest.approx(sum(step.flops for step in steps))
    assert closed.kv_read_bytes == pytest.approx(sum(step.kv_read_bytes for step in steps))
    assert closed.weight_bytes == pytest.approx(sum(step.weight_bytes for step in steps))


@pytest.mark.parametrize("id_", TEXT_GENERATORS)
@given(tokens=st.integers(1, 20_000), more=st.integers(1, 1000))
def test_more_tokens_never_ask_for_less(id_: str, tokens: int, more: int) -> None:
    model = load_models().model(id_)
    few, many = prefill_work(model, tokens), prefill_work(model, tokens + more)
    assert many.flops > few.flops
    assert many.kv_write_bytes > few.kv_write_bytes
    assert many.weight_bytes >= few.weight_bytes
    assert kv_bytes(model, tokens + more) > kv_bytes(model, tokens)


@pytest.mark.parametrize("id_", TEXT_GENERATORS)
def test_the_weights_that_are_read_are_at_most_all_of_them(models: ModelCatalog, id_: str) -> None:
    model = models.model(id_)
    unit = token_demand(model)
    # The catalog rounds totals to 0.1e9 (granite-4.0-h-micro: 3.19 computed, 3 printed), hence 7 %.
    assert 0 < unit.weights <= 1.07 * model.params_total
    assert 0 < unit.weights + unit.expert_weights <= 1.07 * model.params_total


def test_one_token_reads_the_active_experts_and_many_tokens_read_all(models: ModelCatalog) -> None:
    model = models.model("qwen3-30b")
    one = decode_step_work(model, 100)
    assert one.weight_bytes == pytest.approx(model.params_matmul * 2)
    # experts: 48 layers x 128 x 3 x 2048 x 768 = 28.991e9 weights, all touched at a large batch
    many = decode_step_work(model, 100, batch=10_000)
    unit = token_demand(model)
    assert unit.expert_weights == 48 * 128 * 3 * 2048 * 768
    assert many.weight_bytes == pytest.approx((unit.weights + unit.expert_weights) * 2)


def test_two_tokens_touch_the_expected_number_of_experts(models: ModelCatalog) -> None:
    model = models.model("qwen3-30b")
    unit = token_demand(model)
    # 8 of 128 experts a token: 1 - (1 - 1/16)^2 = 31/256 of them are touched by two
    expected = (unit.weights + unit.expert_weights * 31 / 256) * 2
    assert decode_step_work(model, 100, batch=2).weight_bytes == pytest.approx(expected)


def test_grouped_queries_divide_the_cache_but_not_the_arithmetic(llama: Model) -> None:
    many_heads = replace(llama, kv_heads=32, kv_bytes_per_token_fp16=4 * llama.kv_bytes_per_token_fp16)
    assert kv_bytes(many_heads, 10) == 4 * kv_bytes(llama, 10)
    assert token_demand(many_heads).pair_flops == token_demand(llama).pair_flops


def test_sliding_layers_keep_only_their_window(models: ModelCatalog) -> None:
    model = models.model("gpt-oss-20b")
    # 12 full layers: 24,576 bytes a token; 12 sliding layers: the same for at most 128 tokens
    assert kv_bytes(model, 100) == pytest.approx(100 * 24_576 * 2)
    assert kv_bytes(model, 1000) == pytest.approx(1000 * 24_576 + 128 * 24_576)


def test_a_hybrid_model_has_a_state_that_does_not_grow(models: ModelCatalog) -> None:
    model = models.model("granite-4.0-h-small")
    assert kv_bytes(model, 0) == 77_930_496
    # 4 attention layers x 8 KV heads x 128 x 2 x 2 bytes = 16,384 a token
    assert kv_bytes(model, 1000) == 77_930_496 + 16_384_000
    # Scan: 5 FLOPs x 36 layers x 128 heads x 64 x 128
    linear = 2 * (model.params_matmul - model.vocab * model.d_model)
    assert token_demand(model).flops - linear == pytest.approx(5 * 36 * 128 * 64 * 128)


def test_precision_scales_bytes_and_not_arithmetic(llama: Model) -> None:
    wide = prefill_work(llama, 100)
    narrow = prefill_work(llama, 100, weight_precision="fp8", kv_precision="fp8")
    assert narrow.flops == wide.flops
    assert narrow.weight_bytes == wide.weight_bytes / 2
    assert narrow.kv_write_bytes == wide.kv_write_bytes / 2


def test_memory_is_weights_and_the_cache_of_every_sequence(llama: Model) -> None:
    # 8.03e9 x 1 byte + 4 x 1000 x 131,072
    assert memory_bytes(llama, 4, 1000, weight_precision="fp8") == 8.03e9 + 4 * 131_072_000
    assert weight_bytes(llama, "fp16") == 16.06e9


@pytest.mark.parametrize("tokens", [-1, float("nan"), float("inf")])
def test_token_counts_that_are_none_are_errors(llama: Model, tokens: float) -> None:
    with pytest.raises(CostError, match="tokens_in must be finite and at least 0"):
        prefill_work(llama, tokens)


def test_a_model_without_tokens_has_no_token_demand(models: ModelCatalog, llama: Model) -> None:
    with pytest.raises(CostError, match=r"'sdxl-base-1.0' \(image\) has no token-wise shape"):
        token_demand(models.model("sdxl"))
    with pytest.raises(CostError, match="mixes sliding and Mamba layers"):
        token_demand(replace(llama, sliding_layers=1, mamba_layers=1))
