from dataclasses import replace

import pytest

from costmodel.errors import CostError
from costmodel.fleet import Fleet, Link
from placement.part_transfers import activations_table, encoded_table, part_bytes
from placement.pricing import Pricing, model_pool
from placement.problem import Pool, Transfer
from tests.placement.sample_agents import described, fleet, llm_spec, pricing, row

MODEL, SPEECH = "llama3.1-8b", "whisper-large-v3"
ATTENTION = replace(llm_spec("decode_attention"), models=(MODEL,))
ENCODE = replace(llm_spec("encode"), models=(SPEECH,), audio_s=40.0)
THERE, BACK = Link("hp", "co", 1e9, 0.001, 1e-9), Link("co", "hp", 2e9, 0.002, 1e-8)
PAIR = (f"co/{MODEL}/attention", f"hp/{MODEL}")


def priced(*links: Link, **changes: int) -> Pricing:
    return replace(pricing(), fleet=linked(*links), **changes)  # type: ignore[arg-type]


def linked(*links: Link) -> Fleet:
    return fleet(described("hp", 1.0), described("co", 1.0), links=links)


def pool(place: str, part: str | None = None, model: str = MODEL) -> Pool:
    return model_pool(described(place, 1.0), model, 1, "fp16", part)


@pytest.mark.parametrize("batch", [1, 8])
def test_activations_go_both_ways_once_a_layer_and_step(batch: int) -> None:
    moves = activations_table(ATTENTION, priced(THERE, BACK, batch=batch), [pool("co", "attention")], [pool("hp")])
    # of 2 bytes each: queries of 32 heads and keys and values of 8 heads of 128 there, 32 x 128 attended values back,
    # in 32 layers of 100 steps; a batch travels together and each call pays for its own
    there, back = (32 + 2 * 8) * 128 * 2, 32 * 128 * 2
    seconds = 100 * 32 * (0.001 + batch * there / 1e9 + 0.002 + batch * back / 2e9)
    usd = 100 * 32 * (there * 1e-9 + back * 1e-8)
    assert moves == {PAIR: Transfer(pytest.approx(seconds), pytest.approx(usd))}


@pytest.mark.parametrize("links", [(THERE,), (BACK,), ()])
def test_the_halves_need_a_link_each_way(links: tuple[Link, ...]) -> None:
    assert activations_table(ATTENTION, priced(*links), [pool("co", "attention")], [pool("hp")]) == {}


def test_only_pools_of_one_model_understand_each_other() -> None:
    linear = [pool("hp"), pool("hp", model="llama3.1-70b")]
    assert activations_table(ATTENTION, priced(THERE, BACK), [pool("co", "attention")], linear).keys() == {PAIR}


def test_a_measured_exchange_replaces_both_links() -> None:
    measured = row("answer.activations", "co->hp", 0.15, 0.001, tokens_in=1000.0, tokens_out=100.0)
    for cost_usd, expected_usd in ((0.001, 0.001), (None, 100 * 32 * (12_288 * 1e-9 + 8_192 * 1e-8))):
        rows = fleet(
            described("hp", 1.0),
            described("co", 1.0),
            links=(THERE, BACK),
            rows=(replace(measured, cost_usd=cost_usd),),
        )
        moves = activations_table(ATTENTION, replace(pricing(), fleet=rows), [pool("co", "attention")], [pool("hp")])
        assert moves == {PAIR: Transfer(0.15, pytest.approx(expected_usd))}


def test_steps_that_nothing_counts_are_refused() -> None:
    unknown = replace(ATTENTION, tokens_out=None)
    with pytest.raises(CostError, match="'answer' states no tokens_out, which counts the steps of its halves; give"):
        activations_table(unknown, priced(THERE, BACK), [pool("co", "attention")], [pool("hp")])


def test_an_encoders_output_goes_over_the_link_from_it() -> None:
    sources, targets = [pool("hp", "encoder", SPEECH)], [pool("co", "decoder", SPEECH), pool("co", "decoder")]
    moves = encoded_table(ENCODE, priced(THERE), sources, targets)
    # 40 s are two windows of 30 s: 1500 frames of 1280 values of 2 bytes each
    size_bytes = 2 * 1500 * 1280 * 2
    found = Transfer(pytest.approx(0.001 + size_bytes / 1e9), pytest.approx(size_bytes * 1e-9))
    assert moves == {(f"hp/{SPEECH}/encoder", f"co/{SPEECH}/decoder"): found}
    assert encoded_table(ENCODE, priced(BACK), sources, targets) == {}


def test_bytes_of_a_visit_are_none_while_sizes_are_unknown() -> None:
    assert part_bytes(ATTENTION, pricing(), MODEL) == 100 * 32 * (12_288 + 8_192)
    assert part_bytes(replace(ATTENTION, tokens_out=None), pricing(), MODEL) == 0.0
    assert part_bytes(replace(ENCODE, audio_s=None), pricing(), SPEECH) == 0.0
