"""What an engine does with its steps: chunks, mixed steps, paged KV, prefix hits, drafts, a closed loop."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.step import (
    Engine,
    StepCoefficients,
    admitted_batch,
    chunked_prefill_s,
    closed_loop,
    decode_step_s,
    mixed_step_s,
    prefill_chunks,
    prefill_s,
    speculative_step_s,
    tokens_per_step,
)

# 10 ms of weights, 1 us a KV token, 0.1 ms of arithmetic a token, 2 ms of the engine.
PLAIN = StepCoefficients(
    overhead_s=0.002,
    weights_s=0.010,
    experts_s=0.0,
    expert_share=0.0,
    token_s=1e-4,
    head_s=0.0,
    pair_s=0.0,
    prefill_pair_s=0.0,
    window_pair_s=0.0,
    window_tokens=0.0,
    kv_s=1e-6,
    window_kv_s=0.0,
    state_s=0.0,
    token_memory_s=0.0,
    all_reduce_s=0.0,
    all_reduce_token_s=0.0,
)


def test_a_mixed_step_reads_the_weights_once_by_hand() -> None:
    # 8 sequences of 500 tokens and a chunk of 1,000: arithmetic 1,008 x 0.1 = 100.8 ms outweighs memory, 10 + 4 + 1 ms.
    assert mixed_step_s(PLAIN, 8, 500, (0, 1000)) == pytest.approx(0.002 + 0.1008)
    # A chunk of 20 tokens: arithmetic 2.8 ms, memory 10 + 4 + 0.02 ms.
    assert mixed_step_s(PLAIN, 8, 500, (0, 20)) == pytest.approx(0.002 + 0.01402)


def test_a_chunk_of_the_whole_prompt_beside_nothing_is_a_prefill() -> None:
    for coefficients in (
        PLAIN,
        replace(PLAIN, prefill_pair_s=1e-8, head_s=1e-3, window_pair_s=1e-8, window_tokens=300),
    ):
        assert mixed_step_s(coefficients, 0, 0, (0, 1000)) == pytest.approx(prefill_s(coefficients, 1000))


def test_a_step_without_a_chunk_is_a_decode_step() -> None:
    assert mixed_step_s(PLAIN, 8, 500, (0, 0)) == decode_step_s(PLAIN, 8, 500)


def test_chunks_cover_the_prompt_after_its_cached_blocks() -> None:
    assert prefill_chunks(Engine(chunk_tokens=512), 1200) == ((0, 512), (512, 1024), (1024, 1200))
    # 100 cached tokens are six whole blocks of 16; of a prompt that is cached whole the last block is read again.
    assert prefill_chunks(Engine(chunk_tokens=512, prefix_tokens=100), 200) == ((96, 200),)
    assert prefill_chunks(Engine(prefix_tokens=1000), 160) == ((144, 160),)


def test_chunked_prefill_pays_the_engine_for_each_chunk_by_hand() -> None:
    # 1,000 tokens in four chunks of 250: 4 x 2 ms + 1,000 x 0.1 ms; beside 10 decoding sequences 4 x 10 x 0.1 ms more.
    engine = Engine(chunk_tokens=250)
    assert chunked_prefill_s(PLAIN, engine, 1000) == pytest.approx(0.008 + 0.1)
    assert chunked_prefill_s(PLAIN, engine, 1000, 10, 100) == pytest.approx(0.008 + 0.104)


def test_paged_kv_bounds_the_batch_by_hand() -> None:
    # A call of 100 + 50 tokens holds 125 on average, 8 blocks of 16 = 128 tokens; 10,000 / 128 = 78.1.
    engine = Engine(kv_capacity_tokens=10_000)
    assert admitted_batch(engine, 100, 50) == pytest.approx(78.125)
    assert admitted_batch(replace(engine, max_batch=32), 100, 50) == 32
    # 64 tokens of each prompt are the same: held once, 61 of each call beside them are 4 blocks; 9,936 / 64.
    assert admitted_batch(replace(engine, prefix_tokens=64), 100, 50) == pytest.approx(155.25)
    with pytest.raises(ValueError, match="10,064 tokens of KV, and 10,000 are free"):
        admitted_batch(engine, 10_000, 50)


def test_drafts_give_more_than_a_token_a_step_by_hand() -> None:
    # 1 + 0.8 + 0.64 + 0.512 = 2.952.
    engine = Engine(draft_tokens=3, acceptance=0.8)
    assert tokens_per_step(engine) == pytest.approx(2.952)
    assert tokens_per_step(Engine()) == 1
    # Checking 4 tokens of one sequence of 500: arithmetic 0.4 ms, memory 10.5 ms as for one token.
    assert speculative_step_s(PLAIN, engine, 1, 500) == pytest.approx(0.0125)
    # A draft model of a tenth: three steps of 0.2 + 1 + 0.05 ms before.
    small = replace(PLAIN, overhead_s=2e-4, weights_s=1e-3, kv_s=1e-7)
    assert speculative_step_s(PLAIN, replace(engine, draft=small), 1, 500) == pytest.approx(0.0125 + 3 * 0.00125)
    with pytest.raises(ValueError, match="acceptance"):
        tokens_per_step(Engine(acceptance=1.0))


def test_drafts_pay_at_few_callers_and_not_at_many() -> None:
    drafts = Engine(draft_tokens=3, acceptance=0.8)
    # Without KV a step of 2,000 sequences is bound by arithmetic, of which drafts need four times as much.
    light = replace(PLAIN, kv_s=0.0)
    few, many = ([closed_loop(light, each, 10, 1000, n) for each in (Engine(), drafts)] for n in (1, 2000))
    assert few[1].tpot_s < few[0].tpot_s / 2
    assert many[1].tpot_s > many[0].tpot_s


def test_a_closed_loop_by_hand() -> None:
    # 4 callers, 100 in, 101 out: 100 steps after the first token, x = 4 / 100 = 0.04 chunks a step.
    # Plain step: 2 + 10 + 4 x 150.5 us = 12.602 ms. With a chunk: arithmetic 104 x 0.1 = 10.4 ms, memory 10 + 0.602
    # + 0.1 = 10.702 ms, so 12.702 ms. Mean step 12.602 + 0.04 x 0.1 = 12.606 ms.
    found = closed_loop(PLAIN, Engine(), 100, 101, 4)
    assert found.tpot_s == pytest.approx(12.606e-3)
    # First token: half a step, then the chunk beside three others: 2 + max(10.3, 10 + 0.4515 + 0.1) = 12.5515 ms.
    assert found.ttft_s == pytest.approx(6.303e-3 + 12.5515e-3)
    assert found.e2e_s == pytest.approx(found.ttft_s + 100 * 12.606e-3)
    assert found.tokens_per_s == pytest.approx(4 * 101 / found.e2e_s)
    assert found.queue_s == 0


def test_callers_beyond_the_batch_wait_by_littles_law() -> None:
    few, many = (closed_loop(PLAIN, Engine(max_batch=8), 100, 101, n) for n in (8, 24))
    assert many.batch == 8
    assert many.e2e_s == pytest.approx(3 * few.e2e_s)
    assert many.tokens_per_s == pytest.approx(few.tokens_per_s)


def test_the_prefill_share_grows_with_prompts_and_shrinks_with_answers() -> None:
    def tpot_s(tokens_in: float, tokens_out: float) -> float:
        return closed_loop(replace(PLAIN, kv_s=0.0), Engine(), tokens_in, tokens_out, 16).tpot_s

    assert tpot_s(4000, 200) > tpot_s(1000, 200) > tpot_s(1000, 2000) > decode_step_s(replace(PLAIN, kv_s=0.0), 16, 0)


def test_a_cached_prefix_saves_its_prefill() -> None:
    whole, hit = (closed_loop(PLAIN, Engine(prefix_tokens=n), 2000, 200, 16) for n in (0, 1600))
    assert hit.ttft_s < whole.ttft_s / 2
    assert hit.tpot_s < whole.tpot_s


def test_the_first_call_waits_for_the_warm_up() -> None:
    found = closed_loop(PLAIN, Engine(warm_up_s=60), 1000, 101, 4)
    assert found.first_ttft_s == pytest.approx(60 + 0.002 + 0.1)


counts = st.integers(1, 3000)


@given(counts, counts, st.integers(1, 200), st.sampled_from([256, 2048, 8192]), st.integers(1, 500))
def test_more_work_never_takes_less(tokens_in: int, tokens_out: int, callers: int, chunk: int, more: int) -> None:
    engine = Engine(chunk_tokens=chunk)
    now = closed_loop(PLAIN, engine, tokens_in, tokens_out, callers)
    tiny = 1 + 1e-9
    assert closed_loop(PLAIN, engine, tokens_in + more, tokens_out, callers).e2e_s * tiny >= now.e2e_s
    assert closed_loop(PLAIN, engine, tokens_in, tokens_out, callers + more).tpot_s * tiny >= now.tpot_s
    assert now.tpot_s * tiny >= decode_step_s(PLAIN, now.batch, tokens_in + tokens_out / 2)
