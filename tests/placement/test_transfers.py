from dataclasses import replace

import pytest

from costmodel.errors import CostError
from costmodel.fleet import Fleet, Link
from placement.pricing import Row, cpu_pool, model_pool
from placement.problem import Pool, Transfer
from placement.transfers import data_table, fastest_layers_s, kv_size_bytes, kv_table, over_link
from tests.placement.sample_agents import CATALOG, cores, described, fleet, h100, llm_spec, pricing, row

MODEL = "llama3.1-8b"
A40 = replace(h100(), id="a40", device=CATALOG.device("a40"))
KV_BYTES = 1000 * 131072
"""Of 1000 tokens of llama3.1-8b: 2 x 32 layers x 8 heads x 128 x 2 bytes each."""


def link(source: str, target: str, usd_per_byte: float = 1e-9) -> Link:
    """1 GB/s after 2 ms."""
    return Link(source, target, 1e9, 0.002, usd_per_byte)


def pools(*places: str, model: str = MODEL) -> list[Pool]:
    classes = {"h100_sxm": h100(), "a40": A40, "hp": described("hp", 1.0), "co": described("co", 1.0)}
    return [model_pool(classes[place], model, 1, "fp16") for place in places]


def linked(*links: Link) -> Fleet:
    return fleet(cores(), h100(), A40, described("hp", 1.0), described("co", 1.0), links=links)


def test_data_moves_for_nothing_within_a_place_and_over_a_link_between() -> None:
    moves = data_table(linked(link("hp", "co")), pools("hp", "co"), pools("hp", "co"), 5e6)
    # 2 ms and 5 MB at 1 GB/s; there is no way back
    assert moves == {
        ("hp", "hp"): Transfer(0.0, 0.0),
        ("co", "co"): Transfer(0.0, 0.0),
        ("hp", "co"): Transfer(0.007, pytest.approx(0.005)),
    }


def test_classes_of_a_site_share_its_network_and_sites_need_a_link() -> None:
    near, far = [cpu_pool(cores())], [cpu_pool(cores(name="far_core", site="far"))]
    both_sites = fleet(cores(), cores(name="far_core", site="far"), h100())
    assert data_table(both_sites, near, pools("h100_sxm"), 1e6).keys() == {("xeon_8480p", "h100_sxm")}
    assert data_table(both_sites, near, far, 1e6) == {}


def test_kv_moves_between_pools_of_one_model() -> None:
    priced = replace(pricing(), fleet=linked(link("hp", "co")))
    moves = kv_table(llm_spec("prefill"), priced, pools("hp"), [*pools("co"), *pools("co", model="llama3.1-70b")])
    assert moves == {(f"hp/{MODEL}", f"co/{MODEL}"): Transfer(0.002 + KV_BYTES / 1e9, pytest.approx(KV_BYTES * 1e-9))}


def test_two_pools_of_one_class_are_two_pools() -> None:
    # within a class the KV takes the class's own link: H100s have a fabric, classes outside the catalog have nothing
    moves = kv_table(llm_spec("prefill"), pricing(h100()), pools("h100_sxm"), pools("h100_sxm"))
    h100_kv = f"h100_sxm/{MODEL}"
    assert moves[h100_kv, h100_kv].latency_s > KV_BYTES / 450e9
    assert kv_table(llm_spec("prefill"), replace(pricing(), fleet=linked()), pools("hp"), pools("hp")) == {}


@pytest.mark.parametrize(
    ("cost_usd", "links", "expected"),
    [
        (0.005, (), Transfer(0.01, 0.005)),
        (0.005, (link("hp", "co"),), Transfer(0.01, 0.005)),
        (None, (link("hp", "co"),), Transfer(0.01, KV_BYTES * 1e-9)),  # measured time, the link's charge
    ],
)
def test_a_measured_transfer_replaces_the_link(
    cost_usd: float | None, links: tuple[Link, ...], expected: Transfer
) -> None:
    measured = row("answer.kv_transfer", "hp->co", 0.01, cost_usd, tokens_in=1000)
    priced = pricing(described("hp", 1.0), described("co", 1.0), links=links, rows=(measured,))
    moves = kv_table(llm_spec("prefill"), priced, pools("hp"), pools("co"))
    assert moves == {(f"hp/{MODEL}", f"co/{MODEL}"): expected}


@pytest.mark.parametrize(
    ("measured", "message"),
    [
        (row("answer.kv_transfer", "hp->co", 0.01, None), "has no cost_usd and no link prices it; write 0 if free"),
        (row("answer.kv_transfer", "hp->co", 0.01, tokens_in=500), "measured at tokens_in=500"),
        (row("answer.kv_transfer", "hp->co", 0.01, tp=2), "tp=2.*write tp=1"),
    ],
)
def test_a_measured_transfer_that_does_not_fit_is_refused(measured: object, message: str) -> None:
    priced = pricing(described("hp", 1.0), described("co", 1.0), rows=(measured,))  # type: ignore[arg-type]
    with pytest.raises(CostError, match=message):
        kv_table(llm_spec("prefill"), priced, pools("hp"), pools("co"))


def test_kv_that_leaves_layer_by_layer_takes_what_prefill_does_not_hide() -> None:
    priced = replace(pricing(), fleet=linked(link("hp", "co")))
    hidden_by_s = {f"hp/{MODEL}": (0.064,)}
    moves = kv_table(llm_spec("prefill"), priced, pools("hp"), pools("co"), hidden_by_s)
    # 31 of 32 layers of 2 ms hide 62 ms of the 131.072 ms; the charge is that of all bytes
    exposed_s = 0.002 + KV_BYTES / 1e9 - 0.062
    assert moves == {
        (f"hp/{MODEL}", f"co/{MODEL}"): Transfer(
            pytest.approx(exposed_s), pytest.approx(KV_BYTES * 1e-9), overlapped=True
        )
    }


@pytest.mark.parametrize("cost_usd", [0.005, None])
def test_a_measured_transfer_is_not_overlapped_again(cost_usd: float | None) -> None:
    measured = row("answer.kv_transfer", "hp->co", 0.01, cost_usd, tokens_in=1000)
    priced = pricing(described("hp", 1.0), described("co", 1.0), links=(link("hp", "co"),), rows=(measured,))
    (move,) = kv_table(llm_spec("prefill"), priced, pools("hp"), pools("co"), {f"hp/{MODEL}": (1.0,)}).values()
    assert (move.latency_s, move.overlapped) == (0.01, False)


def test_the_fastest_prefill_of_a_place_hides_least() -> None:
    (slow,), (fast,) = pools("h100_sxm"), [model_pool(h100(), MODEL, 2, "fp16")]
    (other,) = pools("a40")
    rows = [
        Row(slow, 0.025, 0.0, "roofline"),
        Row(fast, 0.015, 0.0, "roofline"),
        Row(other, 0.03, 0.0, "profile"),
    ]
    # a roofline's row has 5 ms of the engine's own, in which no layer runs; what a measurement has is not known apart
    assert fastest_layers_s(rows) == {slow.kv_place: pytest.approx((0.01,)), other.kv_place: (0.03,)}
    assert fastest_layers_s([Row(slow, 0.004, 0.0, "roofline")]) == {slow.kv_place: (0.0,)}


def test_the_length_of_a_prompt_sizes_its_kv() -> None:
    unsized = llm_spec("prefill", tokens_in=None)
    assert kv_size_bytes(llm_spec("prefill"), pricing(), MODEL) == KV_BYTES
    assert kv_size_bytes(unsized, pricing(), MODEL) is None
    priced = replace(pricing(), fleet=linked(link("hp", "co")))
    with pytest.raises(CostError, match=r"'answer' states no tokens_in, which sizes its KV transfer; give tokens_in="):
        kv_table(unsized, priced, pools("hp"), pools("co"))


def test_a_link_is_one_way() -> None:
    one_way = linked(link("hp", "co", 0.0))
    assert over_link(one_way, "hp", "co", 1e9) == Transfer(1.002, 0.0)
    assert over_link(one_way, "co", "hp", 1e9) is None


def test_no_kv_leaves_a_spyre_card_unless_the_fleet_supposes_it() -> None:
    card = replace(h100(), id="spyre_1_0", device=CATALOG.device("spyre_1_0"))
    both = fleet(cores(), h100(), card, links=(link("h100_sxm", "spyre_1_0"), link("spyre_1_0", "h100_sxm")))
    places = [model_pool(each, MODEL, 1, "fp16") for each in (h100(), card)]
    h100_kv, card_kv = (pool.kv_place for pool in places)
    kept = kv_table(llm_spec("prefill"), replace(pricing(), fleet=both), places, places)
    assert set(kept) == {(h100_kv, h100_kv)}
    supposed = replace(pricing(), fleet=replace(both, hypotheses=("spyre_kv_transfer",)))
    assert {(h100_kv, card_kv), (card_kv, h100_kv)} <= set(kv_table(llm_spec("prefill"), supposed, places, places))
