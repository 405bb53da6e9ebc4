from dataclasses import replace

import pytest

from costmodel.calibrated import Corrections
from costmodel.calibration import load_calibration
from costmodel.errors import CatalogError, FleetError
from costmodel.estimate import estimate_llm, estimate_model_run
from placement.formula_rows import prior_rows, roofline_rows
from placement.operators import OperatorSpec, PriorTime
from placement.pricing import Pricing, Refusal, Row
from tests.placement.sample_agents import H100, call_spec, cores, described, h100, llm_spec, pricing


def rows(spec: OperatorSpec, priced: Pricing, count: int = 2) -> dict[str, Row]:
    found = roofline_rows(spec, h100(count), priced)
    return {each.pool.id: each for each in found if isinstance(each, Row)}


def refusals(spec: OperatorSpec, priced: Pricing, count: int = 2) -> list[Refusal]:
    return [each for each in roofline_rows(spec, h100(count), priced) if isinstance(each, Refusal)]


def test_a_function_pays_for_its_busy_seconds_and_its_fee() -> None:
    (found,) = prior_rows(call_spec(), cores(), pricing())
    assert isinstance(found, Row)
    assert (found.latency_s, found.source, found.pool.id) == (0.1, "prior", "xeon_8480p/functions")
    assert found.cost_usd == pytest.approx(0.001 + 0.01 * 0.001)  # the fee, and 10 ms of a core at 3.60 USD an hour


def test_a_written_zero_is_a_price() -> None:
    (found,) = prior_rows(call_spec(prior=PriorTime(0.0, 0.0, 0.0)), cores(), pricing())
    assert isinstance(found, Row)
    assert (found.latency_s, found.cost_usd) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("prior", "why"),
    [
        (PriorTime(None, None, 0.0), "no profile row, and no latency= in the decorator"),
        (PriorTime(0.1, 0.1, None), "no profile row, and no cost_usd= in the decorator"),
        (PriorTime(None, None, None), "no profile row, and no latency= and no cost_usd= in the decorator"),
    ],
)
def test_a_missing_prior_is_named(prior: PriorTime, why: str) -> None:
    assert list(prior_rows(call_spec(prior=prior), cores(), pricing())) == [Refusal("xeon_8480p", why)]


def test_every_degree_of_a_model_by_the_roofline() -> None:
    priced = pricing()
    found = rows(llm_spec("prefill"), priced)
    assert list(found) == ["h100_sxm/llama3.1-8b/tp1/fp16", "h100_sxm/llama3.1-8b/tp2/fp16"]
    llama = priced.models.model("llama3.1-8b")
    for tp, each in zip((1, 2), found.values(), strict=True):
        estimate = estimate_llm(llama, "prefill", H100, tp, "fp16", 1, 1000, 100)
        assert each.latency_s == estimate.latency_s
        assert each.cost_usd == pytest.approx(0.002 * tp * estimate.latency_s)  # 7.20 USD an hour for each device
        assert (each.source, each.batch, each.bound_by) == ("roofline", 1, estimate.bound_by)


def test_calls_that_share_a_decode_share_its_cost() -> None:
    priced = replace(pricing(), batch=8)
    decode, prefill = rows(llm_spec("decode"), priced, 1), rows(llm_spec("prefill"), priced, 1)
    (decoded,) = decode.values()
    (prefilled,) = prefill.values()
    estimate = estimate_llm(priced.models.model("llama3.1-8b"), "decode", H100, 1, "fp16", 8, 1000, 100)
    assert (decoded.batch, decoded.latency_s) == (8, estimate.latency_s)
    assert decoded.cost_usd == pytest.approx(0.002 * estimate.latency_s / 8)
    assert prefilled.batch == 1


def test_precisions_are_rows() -> None:
    found = rows(llm_spec("decode"), replace(pricing(), precisions=("fp16", "fp8")), 1)
    fp16, fp8 = (found[f"h100_sxm/llama3.1-8b/tp1/{precision}"] for precision in ("fp16", "fp8"))
    assert fp8.latency_s < fp16.latency_s


def test_alternative_models_are_rows() -> None:
    found = rows(llm_spec("decode", models=("llama3.1-8b", "granite-4.0-micro")), pricing(), 1)
    assert {each.pool.model for each in found.values()} == {"llama3.1-8b", "granite-4.0-micro"}


def test_fractional_means_lie_between_their_neighbours() -> None:
    below, mean, above = (
        next(iter(rows(llm_spec("decode", tokens_in=tokens, tokens_out=tokens / 10), pricing(), 1).values())).latency_s
        for tokens in (1000.0, 1002.5, 1005.0)
    )
    assert below < mean < above


def test_speech_is_priced_by_its_length() -> None:
    spec = OperatorSpec("hear", "hear", "model.run", "hear", "run", 1.0, ("whisper-large-v3",), audio_s=4.0)
    priced = pricing()
    found = rows(spec, priced, 1)["h100_sxm/whisper-large-v3/tp1/fp16"]
    model = priced.models.model("whisper-large-v3")
    assert found.latency_s == estimate_model_run(model, H100, 1, "fp16", 1, audio_s=4.0).latency_s


def test_what_does_not_fit_says_how_much_it_needs() -> None:
    found = refusals(llm_spec("decode", models=("llama3.1-70b",)), pricing())
    assert [each.place for each in found] == ["h100_sxm/llama3.1-70b/tp1/fp16"]
    # 70.6e9 weights of 2 bytes, 141.2 GB, and 1200 tokens of KV at 327,680 bytes, 0.4 GB; 0.9 of 80 GB may be used
    assert found[0].why == "memory: needs 141.6 GB on each device, which may use 72.0 GB"
    assert found[0].is_limit


def test_only_a_decode_holds_the_kv_of_a_whole_batch() -> None:
    priced = replace(pricing(), batch=4000)
    assert [each.is_limit for each in refusals(llm_spec("decode"), priced)] == [True, True]
    assert refusals(llm_spec("prefill"), priced) == []


def test_what_cannot_be_priced_says_why() -> None:
    priced = pricing()
    assert list(roofline_rows(llm_spec("decode"), described("hp"), priced)) == [
        Refusal("hp", "not in the catalog and without a profile row of task 'answer.decode'")
    ]
    assert list(roofline_rows(llm_spec("decode"), h100(0), priced)) == [
        Refusal("h100_sxm", "the fleet has 0 of them", is_limit=True)
    ]
    why = {each.why for each in refusals(llm_spec("decode", tokens_in=None, tokens_out=None), priced)}
    assert why == {"the call states no tokens_in and no tokens_out"}
    wordy = llm_spec("decode", tokens_in=None, unsized=("browse", "search"))
    why = {each.why for each in refusals(wordy, priced)}
    assert why == {"its prompt grows by answers of unknown length: give tokens_out= of browse, search"}
    (too_long,) = {each.why for each in refusals(llm_spec("decode", tokens_in=200_000.0), priced)}
    assert "at most 131,072 tokens of context" in too_long


def test_unknown_models_and_missing_prices_are_errors() -> None:
    with pytest.raises(CatalogError, match="llama9"):
        rows(llm_spec("decode", models=("llama9",)), pricing())
    spyre = replace(h100(1, None), id="spyre_1_0", device=replace(H100, id="spyre_1_0", price_usd=None))
    with pytest.raises(FleetError, match=r"spyre_1_0 has no new price.*give price_usd or usd_per_hour"):
        list(roofline_rows(llm_spec("decode"), spyre, pricing()))


def test_a_calibration_corrects_a_row_and_gives_its_interval() -> None:
    spec = llm_spec("decode")
    plain = next(each for each in roofline_rows(spec, h100(1), pricing()) if isinstance(each, Row))
    calibrated = replace(pricing(), corrections=Corrections(load_calibration()))
    found = next(each for each in roofline_rows(spec, h100(1), calibrated) if isinstance(each, Row))
    assert (plain.source, plain.low_s, found.source) == ("roofline", None, "calibrated")
    assert found.low_s is not None
    assert found.high_s is not None
    assert found.low_s < found.latency_s < found.high_s
    assert found.cost_usd / plain.cost_usd == pytest.approx(found.latency_s / plain.latency_s)


def test_without_rotation_the_halves_of_a_decode_have_no_rows() -> None:
    (refusal,) = roofline_rows(llm_spec("decode_attention"), h100(1), replace(pricing(), rotates=False))
    assert isinstance(refusal, Refusal)
    assert "one call alone holds the devices of both halves" in refusal.why
