from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.catalog import load_catalog
from costmodel.chunk import chunked_prefill_work, estimate_chunks, prefill_chunks
from costmodel.errors import CostError
from costmodel.llm import prefill_work
from costmodel.models import Model, load_models
from costmodel.roofline import time
from costmodel.work import Work

LLAMA = load_models().model("llama3.1-8b")
GENERATORS = [model for model in load_models().models.values() if model.is_text_generator]
H100 = load_catalog("default").device("h100_sxm")


def test_weights_are_read_once_a_chunk_and_the_kv_of_all_chunks_before() -> None:
    whole, chunked = prefill_work(LLAMA, 900), chunked_prefill_work(LLAMA, 900, 256)
    # four chunks, of 256, 256, 256 and 132 tokens, read the KV of 256, 512, 768 and 900 tokens, 131,072 bytes each
    assert (chunked.steps, chunked.weight_bytes) == (4, 4 * whole.weight_bytes)
    assert chunked.kv_read_bytes == (256 + 512 + 768 + 900) * 131072
    assert (chunked.kv_write_bytes, chunked.sync_count) == (whole.kv_write_bytes, 4 * whole.sync_count)


@settings(deadline=None)
@given(model=st.sampled_from(GENERATORS), tokens=st.floats(1, 20_000), chunk_tokens=st.integers(64, 4096))
def test_chunks_compute_what_a_prefill_computes(model: Model, tokens: float, chunk_tokens: int) -> None:
    whole, chunked = prefill_work(model, tokens), chunked_prefill_work(model, tokens, chunk_tokens)
    assert chunked.flops == pytest.approx(whole.flops, rel=1e-9)
    assert chunked.activation_bytes == pytest.approx(whole.activation_bytes, rel=1e-9)
    assert chunked.sync_bytes == pytest.approx(whole.sync_bytes, rel=1e-9)
    assert chunked.weight_bytes >= whole.weight_bytes * (1 - 1e-9)


@settings(deadline=None)
@given(model=st.sampled_from(GENERATORS), tokens=st.floats(1, 20_000), batch=st.integers(1, 8))
def test_one_chunk_is_a_prefill(model: Model, tokens: float, batch: int) -> None:
    (only,) = prefill_chunks(model, tokens, 20_000, batch=batch)
    whole = prefill_work(model, tokens, batch=batch)
    for each in fields(Work):
        assert getattr(only, each.name) == pytest.approx(getattr(whole, each.name), rel=1e-12)


def test_a_step_takes_as_long_as_a_chunk_and_all_of_them_an_engine_step_more_each() -> None:
    # Llama 8B on an H100 is bound by compute at 1024 tokens, so that two halves take one engine step of 5 ms more
    whole = time(prefill_work(LLAMA, 2048), H100, 1, "fp16", model=LLAMA)
    chunked = estimate_chunks(LLAMA, H100, 1, "fp16", tokens_in=2048, chunk_tokens=1024)
    assert whole.bound_by == chunked.bound_by == "compute"
    assert chunked.latency_s - whole.latency_s == pytest.approx(0.005)
    # the gain: another request waits for the longest chunk. The second half of the prompt looks at 1024 x 1024 pairs
    # more than the first, 4 x 32 x 128 x 32 FLOPs each, and meets the output head of 128,256 x 4096 weights
    first, last = (time(each, H100, 1, "fp16", model=LLAMA) for each in prefill_chunks(LLAMA, 2048, 1024))
    more_flops = 1024 * 1024 * 4 * 32 * 128 * 32 + 2 * 128_256 * 4096
    assert last.latency_s - first.latency_s == pytest.approx(more_flops / (0.55 * 989.4e12), rel=1e-3)
    assert last.latency_s < whole.latency_s


@pytest.mark.parametrize(("tokens", "chunk_tokens"), [(0.0, 1), (float("inf"), 1), (1.0, 0)])
def test_what_is_no_prompt_or_no_chunk_is_refused(tokens: float, chunk_tokens: int) -> None:
    with pytest.raises(CostError, match="a prompt of more than 0 tokens has chunks of at least 1"):
        prefill_chunks(replace(LLAMA), tokens, chunk_tokens)
