import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.catalog import load_catalog
from costmodel.errors import CostError
from costmodel.estimate import estimate_llm
from costmodel.llm import decode_work, kv_bytes, prefill_work, token_demand
from costmodel.models import Model, load_models
from costmodel.prefix import estimate_rest, rest_work
from costmodel.turns import Prompts, Turns, estimate_turn, prompts, turn_kv_bytes, turn_work

LLAMA = load_models().model("llama3.1-8b")
PLAIN = [
    model for model in load_models().models.values() if model.is_text_generator and not model.sliding_window_tokens
]
CATALOG = load_catalog("default")
H100 = CATALOG.device("h100_sxm")

THREE = Turns(expect=3, tool_tokens=200)
"""With 1000 tokens at first and 100 a turn: prompts of 1000, 1300 and 1600, of which 0, 1100 and 1400 were there."""


def test_prompts_of_three_turns() -> None:
    assert prompts(THREE, tokens_in=1300, tokens_out=100) == Prompts(first=1000, later=1450, found=1250)


def test_the_work_of_three_turns_by_hand() -> None:
    # Pairs: 1000 x 1001 / 2 = 500,500; (1300 x 1301 - 1100 x 1101) / 2 = 240,100; (1600 x 1601 - 1400 x 1401) / 2 =
    # 300,100; 1,040,700 in all, of 4 x 32 heads x 128 FLOPs in 32 layers. New tokens: 1000 + 200 + 200.
    unit, work = token_demand(LLAMA), turn_work(LLAMA, THREE, tokens_in=1300, tokens_out=100)
    flops = 1400 * unit.flops + 3 * unit.head_flops + 1_040_700 * 4 * 32 * 128 * 32
    assert 3 * work.flops == pytest.approx(flops, rel=1e-12)
    assert 3 * work.weight_bytes == pytest.approx(3 * prefill_work(LLAMA, 1300).weight_bytes, rel=1e-12)
    assert 3 * work.kv_write_bytes == pytest.approx(1400 * 131_072, rel=1e-12)
    assert 3 * work.kv_read_bytes == pytest.approx((1000 + 1300 + 1600) * 131_072, rel=1e-12)
    assert 3 * turn_kv_bytes(LLAMA, THREE, tokens_in=1300, tokens_out=100) == pytest.approx(1400 * 131_072, rel=1e-12)


def test_turns_and_their_answers_compute_every_token_once() -> None:
    # The last turn ends with 1600 + 100 tokens. A step of decode looks at the tokens before its own, prefill also at
    # each token itself, so that the 3 x 100 tokens of answers have a pair more in a prefill of everything.
    unit = token_demand(LLAMA)
    turns = 3 * turn_work(LLAMA, THREE, tokens_in=1300, tokens_out=100).flops
    answers = sum(decode_work(LLAMA, tokens_in, 100).flops for tokens_in in (1000, 1300, 1600))
    heads = (3 + 300 - 1) * unit.head_flops  # one for each prefill and step, where a prefill of everything has one
    whole = prefill_work(LLAMA, 1700).flops + heads - 300 * unit.prefill_pair_flops
    assert turns + answers == pytest.approx(whole, rel=1e-12)
    written = 3 * turn_work(LLAMA, THREE, tokens_in=1300, tokens_out=100).kv_write_bytes + 300 * 131_072
    assert written == pytest.approx(kv_bytes(LLAMA, 1700), rel=1e-12)


@settings(deadline=None)
@given(
    model=st.sampled_from(PLAIN),
    turns=st.integers(2, 8),
    first=st.floats(1, 4000),
    tokens_out=st.floats(0, 400),
    told=st.floats(1, 400),
)
def test_the_mean_is_that_of_each_turn(model: Model, turns: int, first: float, tokens_out: float, told: float) -> None:
    grown = tokens_out + told
    mean = turn_work(model, Turns(turns, told), first + (turns - 1) / 2 * grown, tokens_out)
    later = [rest_work(model, first + k * grown, first + k * grown - told) for k in range(1, turns)]
    each = [prefill_work(model, first), *later]
    assert turns * mean.flops == pytest.approx(sum(work.flops for work in each), rel=1e-9)
    assert turns * mean.kv_bytes == pytest.approx(sum(work.kv_bytes for work in each), rel=1e-9)
    assert turns * mean.activation_bytes == pytest.approx(sum(work.activation_bytes for work in each), rel=1e-9)


def test_between_one_turn_and_two_a_later_turn_has_one_before_it() -> None:
    # 1.8 turns: 1040 - 0.8 / 2 x 100 = 1000 at first; a second turn has all 100 more, not 1.8 / 2 of them
    assert prompts(Turns(1.8, 60), 1040, 40) == Prompts(first=1000, later=1100, found=1040)


def test_a_tool_that_says_nothing_still_has_a_token_to_answer_from() -> None:
    assert prompts(Turns(3, 0), 1100, 100).later - prompts(Turns(3, 0), 1100, 100).found == 1


def test_the_time_is_that_of_the_first_turn_and_of_later_ones() -> None:
    found = estimate_turn(LLAMA, H100, 1, "fp16", THREE, tokens_in=1300, tokens_out=100)
    first = estimate_llm(LLAMA, "prefill", H100, 1, "fp16", 1, 1000, 100)
    later = estimate_rest(LLAMA, H100, 1, "fp16", tokens_in=1450, prefix_tokens=1250)
    assert 3 * found.latency_s == pytest.approx(first.latency_s + 2 * later.latency_s)
    assert 3 * found.terms["compute"] == pytest.approx(first.terms["compute"] + 2 * later.terms["compute"])


def test_turns_that_add_more_than_there_is_are_refused() -> None:
    with pytest.raises(CostError, match="3 turns that add 300 tokens each do not have 300 tokens on average"):
        prompts(THREE, 300, 100)


def test_no_rule_says_that_spyre_keeps_kv() -> None:
    with pytest.raises(CostError, match="no rule says that spyre_1_0 keeps KV between calls"):
        estimate_turn(LLAMA, CATALOG.device("spyre"), 1, "fp16", THREE, tokens_in=1300, tokens_out=100)
