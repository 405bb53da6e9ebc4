import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.spyre import (
    CONFIGURATIONS,
    Configuration,
    batch_limit,
    configuration,
    encoder_tokens,
    first_token_s,
    is_spyre,
    matrix_efficiency,
    padded_tokens,
    prefill_chunks,
)

LARGE = Configuration(32_768, 32)


def test_prompts_are_padded_to_blocks_of_64() -> None:
    assert [padded_tokens(tokens) for tokens in (1, 64, 65, 1000)] == [64, 64, 128, 1024]


def test_a_configuration_is_chosen_by_tokens_and_sequences() -> None:
    assert configuration("granite-3.3-8b", "fp16", 1, 4, 3_000) == Configuration(3_072, 16)
    assert configuration("granite-3.3-8b", "fp16", 1, 4, 3_073) == Configuration(8_192, 4)
    # 3,009 tokens take 48 blocks, 3,072 tokens; 3,073 take 49
    assert configuration("granite-3.3-8b", "fp16", 1, 16, 3_009) == Configuration(3_072, 16)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (("granite-3.3-8b", "fp16", 1, 5, 4_000), "up to 3,072 tokens x 16, 8,192 tokens x 4, got 4,032 tokens x 5"),
        (("granite-3.3-8b", "fp16", 8, 1, 100), "on 8 cards: it is known on 1, 2, 4 cards"),
        (("llama3.1-70b", "fp16", 4, 1, 100), "it is of no known configuration"),
        (("granite-3.3-8b", "fp16", 4, 32, 32_768), "up to 32,768 tokens x 32, got 32,768 tokens x 32"),
    ],
)
def test_what_is_refused_says_what_is_known(asked: tuple[str, str, int, float, float], reason: str) -> None:
    found = configuration(*asked)
    assert isinstance(found, str)
    assert reason in found


def test_a_decode_batch_is_bounded_by_sequences_times_the_longest_context() -> None:
    # 131,072 / 32,768 = 4; 131,072 / 4,096 = 32; shorter contexts leave the 32 sequences
    assert [batch_limit(LARGE, tokens) for tokens in (32_768, 4_096, 64, 0)] == [4, 32, 32, 32]


def test_a_prompt_passes_in_chunks_of_512_and_the_last_is_never_cached() -> None:
    assert [prefill_chunks(tokens) for tokens in (1, 512, 513, 4_096)] == [1, 1, 2, 8]
    assert [prefill_chunks(4_096, cached) for cached in (511, 512, 1_535, 4_096)] == [8, 7, 6, 1]


def test_chunks_alternate_with_decode_steps_while_anything_decodes() -> None:
    assert first_token_s(3, 0.5) == 1.5
    # chunk, step, chunk, step, chunk
    assert first_token_s(3, 0.5, 0.08) == pytest.approx(1.66)


def test_embeddings_have_static_lengths() -> None:
    assert [encoder_tokens(tokens) for tokens in (1, 65, 512, 513)] == [64, 128, 512, None]


def test_few_rows_leave_the_cores_half_idle() -> None:
    # 512 rows / 32 cores = 16; sqrt(16 / 64) = 0.5
    assert matrix_efficiency(512) == 0.5
    assert matrix_efficiency(2_048) == matrix_efficiency(100_000) == 1.0


@given(st.sampled_from(sorted(CONFIGURATIONS)), st.integers(1, 40), st.integers(1, 40_000))
def test_a_configuration_holds_what_it_was_asked_for(key: tuple[str, str, int], batch: int, tokens: int) -> None:
    found = configuration(*key, batch, tokens)
    if isinstance(found, Configuration):
        assert padded_tokens(tokens) <= found.model_tokens
        assert batch <= found.max_sequences
        assert batch * padded_tokens(tokens) <= 131_072


def test_the_cards_are_known_by_their_ids() -> None:
    assert is_spyre("spyre_1_0")
    assert is_spyre("spyre_1_5_goal")
    assert not is_spyre("h100_sxm")
