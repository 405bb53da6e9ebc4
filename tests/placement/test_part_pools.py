import pytest

from costmodel.hardware import Device
from costmodel.models import load_models
from placement.operators import Phase
from placement.part_pools import phase_fits, phase_pool
from tests.placement.sample_agents import H100, cores, described, h100, llm_spec

SMALL, LARGE = (load_models().model(name) for name in ("llama3.1-8b", "llama3.1-70b"))
WHISPER = load_models().model("whisper-large-v3")


@pytest.mark.parametrize(
    ("phase", "pool", "kv_place"),
    [
        ("prefill", "h100_sxm/llama3.1-8b/tp1/fp8", "h100_sxm/llama3.1-8b"),
        ("decode", "h100_sxm/llama3.1-8b/tp1/fp8", "h100_sxm/llama3.1-8b"),
        # the KV is in fp16 whatever the weights are, and where it is there are no weights
        ("decode_attention", "h100_sxm/llama3.1-8b/tp1/fp16/attention", "h100_sxm/llama3.1-8b/attention"),
        ("decode_linear", "h100_sxm/llama3.1-8b/tp1/fp8", "h100_sxm/llama3.1-8b"),
        ("encode", "h100_sxm/llama3.1-8b/tp1/fp8/encoder", "h100_sxm/llama3.1-8b/encoder"),
        ("decode_encoded", "h100_sxm/llama3.1-8b/tp1/fp8/decoder", "h100_sxm/llama3.1-8b/decoder"),
    ],
)
def test_a_part_has_a_pool_of_its_own(phase: Phase, pool: str, kv_place: str) -> None:
    found = phase_pool(llm_spec(phase), h100(), SMALL, 1, "fp8", 1)
    assert (found.id, found.kv_place, found.place) == (pool, kv_place, "h100_sxm")


def test_linear_layers_are_with_the_whole_model_only_where_its_kv_fits_too() -> None:
    # 141.2 GB of weights on two of 72 GB leave 1.4 GB each; 100 x 1200 tokens of 327,680 bytes take 19.7 GB each
    near, apart = (phase_pool(llm_spec("decode_linear"), h100(), LARGE, 2, "fp16", batch) for batch in (1, 100))
    assert (near.part, apart.part) == (None, "linear")
    assert phase_fits(llm_spec("decode_linear"), H100, LARGE, 2, "fp16", 100).ok
    assert not phase_fits(llm_spec("decode"), H100, LARGE, 2, "fp16", 100).ok


def test_a_class_that_only_a_profile_describes_has_room_for_the_whole() -> None:
    assert phase_pool(llm_spec("decode_linear"), described("hp"), LARGE, 1, "fp16", 100).part is None


@pytest.mark.parametrize(
    ("phase", "needed_bytes"),
    [("decode_attention", 4 * 1200 * 131_072), ("decode_linear", 16.06e9), ("decode", 16.06e9 + 4 * 1200 * 131_072)],
)
def test_what_a_part_needs(phase: Phase, needed_bytes: float) -> None:
    assert phase_fits(llm_spec(phase), H100, SMALL, 1, "fp16", 4).needed_bytes == pytest.approx(needed_bytes)


def test_an_encoder_and_a_decoder_need_together_what_the_run_does() -> None:
    device: Device = cores().device or H100
    needs = [phase_fits(llm_spec(phase), device, WHISPER, 1, "fp16", 1).needed_bytes for phase in _SPLIT]
    assert sum(needs) == pytest.approx(3.1e9)


_SPLIT: tuple[Phase, Phase] = ("encode", "decode_encoded")
