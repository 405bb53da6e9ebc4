import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.catalog import load_catalog
from costmodel.errors import CostError
from costmodel.estimate import estimate_llm, estimate_model_run
from costmodel.hardware import Device
from costmodel.models import Model, ModelCatalog, load_models
from costmodel.offload import why_not_offloaded
from costmodel.part import (
    estimate_encoder_part,
    estimate_half,
    part_fits,
    part_kv_capacity_tokens,
)

LARGE = load_catalog("default").device("mi355x")
SPLIT = [model for model in load_models().models.values() if why_not_offloaded(model) is None]


def test_each_half_of_a_step_by_hand(llama: Model, h100: Device) -> None:
    # attention: 1000 tokens of KV read and one written, 131,072 bytes each, at 0.75 x 3.35 TB/s; no engine's time
    attention = estimate_half(llama, "attention", h100, 1, "fp16", 1, 1000, 1)
    assert attention.latency_s == pytest.approx(1001 * 131_072 / 2.5125e12)
    # linear: 15e9 bytes of weights and 4,718,592 of activations, and 5 ms of the engine
    linear = estimate_half(llama, "linear", h100, 1, "fp16", 1, 1000, 1)
    assert linear.latency_s == pytest.approx(15_004_718_592 / 2.5125e12 + 0.005)


@settings(deadline=None)
@given(
    model=st.sampled_from(SPLIT),
    batch=st.integers(1, 32),
    tokens_in=st.integers(1, 3000),
    tokens_out=st.integers(1, 90),
)
def test_the_halves_take_no_less_than_the_whole_and_no_more_than_its_terms(
    model: Model, batch: int, tokens_in: int, tokens_out: int
) -> None:
    device = LARGE
    try:
        whole = estimate_llm(model, "decode", device, 1, "fp16", batch, tokens_in, tokens_out)
    except CostError:
        return
    args = (device, 1, "fp16", batch, tokens_in, tokens_out)
    halves = sum(estimate_half(model, half, *args).latency_s for half in ("attention", "linear"))
    assert whole.latency_s <= halves * (1 + 1e-9)
    assert halves <= (whole.terms["compute"] + whole.terms["memory"] + whole.terms["overhead"]) * (1 + 1e-9)


def test_a_part_needs_memory_for_what_it_holds(models: ModelCatalog, llama: Model, h100: Device) -> None:
    needs = {part: part_fits(llama, part, h100, 2, "fp16", 4, 1000).needed_bytes for part in ("attention", "linear")}
    assert needs == {"attention": 4 * 1000 * 131_072 / 2, "linear": 16.06e9 / 2}
    whisper = models.model("whisper")
    # 32 encoder layers of 4 x 1280^2 + 2 x 1280 x 5120 weights of 2 bytes; the decoder has the rest of 3.1 GB
    encoder = 2 * 32 * (4 * 1280**2 + 2 * 1280 * 5120)
    assert part_fits(whisper, "encoder", h100, 1, "fp16", 1, 0).needed_bytes == encoder
    assert part_fits(whisper, "decoder", h100, 1, "fp16", 1, 0).needed_bytes == 3.1e9 - encoder


def test_only_an_attention_holds_kv(llama: Model, h100: Device) -> None:
    assert part_kv_capacity_tokens(llama, "attention", h100, 1) == int(72e9 / 131_072)
    assert part_kv_capacity_tokens(llama, "linear", h100, 1) == 0


def test_a_long_context_fits_where_no_weights_are(models: ModelCatalog, h100: Device) -> None:
    large = models.model("llama3.1-70b")
    with pytest.raises(CostError, match=r"the linear of llama3\.1-70b needs 141\.2 GB on each of 1 x h100_sxm"):
        estimate_half(large, "linear", h100, 1, "fp16", 1, 1000, 1)
    assert estimate_half(large, "attention", h100, 1, "fp16", 1, 1000, 1).latency_s > 0
    with pytest.raises(CostError, match="does not divide the 32 attention heads"):
        estimate_half(models.model("llama3.1-8b"), "attention", h100, 3, "fp16", 1, 1000, 1)


def test_an_encoder_and_a_decoder_apart_take_what_the_run_takes(models: ModelCatalog, h100: Device) -> None:
    whisper = models.model("whisper")
    whole = estimate_model_run(whisper, h100, 1, "fp16", 1, audio_s=40)
    parts = [estimate_encoder_part(whisper, part, h100, 1, "fp16", 40) for part in ("encoder", "decoder")]
    # the frames are projected after the encoder's end, not beside it, so that together they take no less
    assert whole.latency_s <= sum(part.latency_s for part in parts)
    assert sum(part.terms["memory"] for part in parts) == pytest.approx(whole.terms["memory"])
    assert sum(part.terms["compute"] for part in parts) == pytest.approx(whole.terms["compute"])


def test_spyre_runs_no_part_alone(models: ModelCatalog, llama: Model) -> None:
    card = load_catalog("default").device("spyre_1_0")
    for half in ("attention", "linear"):
        with pytest.raises(
            CostError, match=rf"spyre_1_0 cannot run the {half} of llama3\.1-8b alone; place it on another"
        ):
            estimate_half(llama, half, card, 1, "fp16", 1, 1000, 100)
    for part in ("encoder", "decoder"):
        with pytest.raises(CostError, match=f"Spyre's stack serves whole prefills.* cannot run the {part} of whisper"):
            estimate_encoder_part(models.model("whisper"), part, card, 1, "fp16", 40)
