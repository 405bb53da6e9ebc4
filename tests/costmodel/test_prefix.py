import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.catalog import load_catalog
from costmodel.errors import CostError
from costmodel.estimate import estimate_llm
from costmodel.llm import kv_bytes, prefill_work, token_demand
from costmodel.models import Model, load_models
from costmodel.prefix import estimate_prefix, estimate_rest, prefix_work, rest_kv_bytes, rest_work

LLAMA = load_models().model("llama3.1-8b")
GENERATORS = [model for model in load_models().models.values() if model.is_text_generator]
H100 = load_catalog("default").device("h100_sxm")


def test_prefix_and_rest_of_llama_by_hand() -> None:
    # Llama 3.1 8B has 32 layers, 32 heads of 128: 4 x 32 x 128 FLOPs a pair and layer, and KV of 131,072 bytes a token.
    # Of 1000 tokens 800 are the prefix: the rest looks at (1000 x 1001 - 800 x 801) / 2 = 180,100 pairs.
    unit = token_demand(LLAMA)
    rest = rest_work(LLAMA, 1000, 800)
    assert rest.flops == pytest.approx(200 * unit.flops + unit.head_flops + 180_100 * 4 * 32 * 128 * 32, rel=1e-12)
    assert (rest.kv_read_bytes, rest.kv_write_bytes) == (1000 * 131_072, 200 * 131_072)
    assert rest.weight_bytes == prefill_work(LLAMA, 1000).weight_bytes  # dense: every step reads all of them
    assert rest_kv_bytes(LLAMA, 1000, 800) == 200 * 131_072


@settings(deadline=None)
@given(model=st.sampled_from(GENERATORS), prefix=st.floats(1, 9_000), tokens=st.floats(0, 9_000))
def test_prefix_and_rest_compute_what_one_prefill_computes(model: Model, prefix: float, tokens: float) -> None:
    whole = prefill_work(model, prefix + tokens)
    first, rest = prefix_work(model, prefix), rest_work(model, prefix + tokens, prefix)
    assert first.flops + rest.flops == pytest.approx(whole.flops, rel=1e-9)
    assert first.activation_bytes + rest.activation_bytes == pytest.approx(whole.activation_bytes, rel=1e-9)
    assert first.sync_bytes + rest.sync_bytes == pytest.approx(whole.sync_bytes, rel=1e-9)
    kept = kv_bytes(model, prefix) + rest_kv_bytes(model, prefix + tokens, prefix)
    assert kept == pytest.approx(kv_bytes(model, prefix + tokens), rel=1e-9)


def test_times_are_those_of_a_prefill_less_what_the_prefix_takes() -> None:
    # all bound by compute: the two take one prefill's time and one engine step of 5 ms more
    whole = estimate_llm(LLAMA, "prefill", H100, 1, "fp16", 1, 4000, 0)
    first = estimate_prefix(LLAMA, H100, 1, "fp16", prefix_tokens=2000)
    rest = estimate_rest(LLAMA, H100, 1, "fp16", tokens_in=4000, prefix_tokens=2000)
    assert first.bound_by == rest.bound_by == "compute"
    assert first.latency_s + rest.latency_s - whole.latency_s == pytest.approx(0.005)


@pytest.mark.parametrize(("tokens", "prefix"), [(10, 11), (10, 0), (10, -1), (float("inf"), 1)])
def test_what_is_no_prefix_is_refused(tokens: float, prefix: float) -> None:
    with pytest.raises(CostError, match=r"a shared prefix has more than 0 and at most all tokens of the prompt"):
        rest_work(LLAMA, tokens, prefix)


def test_what_cannot_run_is_refused() -> None:
    with pytest.raises(CostError, match="no text generator that takes"):
        estimate_prefix(LLAMA, H100, 1, "fp16", prefix_tokens=10_000_000)
    with pytest.raises(CostError, match="does not fit 1 x h100_sxm"):
        estimate_rest(load_models().model("llama3.1-70b"), H100, 1, "fp16", tokens_in=20, prefix_tokens=10)
    with pytest.raises(CostError, match="3"):
        estimate_rest(LLAMA, H100, 3, "fp16", tokens_in=20, prefix_tokens=10)
