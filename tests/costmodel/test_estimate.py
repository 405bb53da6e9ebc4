from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.catalog import Catalog, load_catalog
from costmodel.errors import CostError
from costmodel.estimate import estimate_llm, estimate_model_run, tensor_parallel_degrees
from costmodel.hardware import Device
from costmodel.models import Model, ModelCatalog, load_models


def test_prefill_of_1000_tokens_on_one_h100(llama: Model, h100: Device) -> None:
    estimate = estimate_llm(llama, "prefill", h100, 1, "fp16", 1, 1000, 200)
    # 13,949,326,848,000 (layers) + 1,050,673,152 (head) + 262,406,144,000 (attention) FLOPs, summed in test_llm, make
    # 14,212,783,665,152; / (989e12 x 0.55) = 26.1289 ms, and 5 ms of the engine
    # memory: (15e9 + 2 x 131,072,000 + 1000 x 4,718,592) / 2.5125e12 = 7.95 ms is hidden
    assert estimate.latency_s == pytest.approx(14_212_783_665_152 / 543.95e12 + 0.005)
    assert estimate.bound_by == "compute"


def test_decode_of_one_token_on_one_h100(llama: Model, h100: Device) -> None:
    estimate = estimate_llm(llama, "decode", h100, 1, "fp16", 1, 1000, 1)
    # 15e9 weights + 131,072,000 cache read + 131,072 written + 2 x 32 x 4 x (4096 + 14336) = 4,718,592 of activations
    # = 15,135,921,664 bytes / (3.35e12 x 0.75) = 6.024247 ms; 5 ms of the engine
    assert estimate.latency_s == pytest.approx(15_135_921_664 / 2.5125e12 + 0.005)
    assert estimate.bound_by == "memory"


def test_decode_sums_steps_that_change_their_bottleneck(llama: Model, core: Device) -> None:
    # On slow arithmetic a step is bound by compute at first and by the growing cache later: the sum of the larger ones
    # is more than the larger of the sums.
    slow = replace(core, flops_per_s={"fp16": 0.185e12}, mem_bytes=1e13)
    estimate = estimate_llm(llama, "decode", slow, 1, "fp16", 256, 1000, 20_000)
    parts = [estimate_llm(llama, "decode", slow, 1, "fp16", 256, 1000 + at, 1) for at in (0, 19_999)]
    assert {part.bound_by for part in parts} == {"compute", "memory"}
    assert estimate.latency_s > max(estimate.terms["compute"], estimate.terms["memory"]) + estimate.terms["overhead"]


def test_no_output_takes_no_decoding(llama: Model, h100: Device) -> None:
    assert estimate_llm(llama, "decode", h100, 1, "fp16", 1, 1000, 0).latency_s == 0


def test_fp8_on_a_device_without_fp8_is_marked(llama: Model, catalog: Catalog) -> None:
    a100 = catalog.device("a100_80_sxm")
    narrow = estimate_llm(llama, "prefill", a100, 1, "fp8", 1, 1000, 1)
    wide = estimate_llm(llama, "prefill", a100, 1, "fp16", 1, 1000, 1)
    assert narrow.latency_s == wide.latency_s
    assert narrow.notes == ("a100_80_sxm has no fp8 units: weights are read as fp8 and computed in fp16",)


def test_more_devices_help_until_communication_eats_the_gain(models: ModelCatalog, h100: Device) -> None:
    model = models.model("llama3.1-8b")
    steps = [estimate_llm(model, "decode", h100, tp, "fp8", 1, 1000, 1).latency_s for tp in (1, 2, 4, 8)]
    assert steps[1] < steps[0]
    assert steps[3] > steps[2]


LARGE = load_catalog("default").device("mi355x")


@given(
    id_=st.sampled_from(["llama3.1-8b", "gpt-oss-20b", "qwen3-30b-a3b", "granite-4.0-h-tiny"]),
    tp=st.sampled_from([1, 2, 4]),
    batch=st.integers(1, 32),
    tokens_in=st.integers(1, 4000),
    tokens_out=st.integers(1, 500),
    more=st.integers(1, 500),
)
def test_time_grows_with_tokens_and_batch(
    id_: str, tp: int, batch: int, tokens_in: int, tokens_out: int, more: int
) -> None:
    model = load_models().model(id_)

    def latency_s(phase: str, batch: int, tokens_in: int, tokens_out: int) -> float:
        assert phase in ("prefill", "decode")
        return estimate_llm(model, phase, LARGE, tp, "fp8", batch, tokens_in, tokens_out).latency_s

    assert latency_s("prefill", batch, tokens_in + more, 1) > latency_s("prefill", batch, tokens_in, 1)
    assert latency_s("decode", batch, tokens_in, tokens_out + more) > latency_s("decode", batch, tokens_in, tokens_out)
    assert latency_s("decode", batch, tokens_in + more, 10) >= latency_s("decode", batch, tokens_in, 10)
    assert latency_s("decode", batch + 1, tokens_in, tokens_out) >= latency_s("decode", batch, tokens_in, tokens_out)


@given(batch=st.integers(1, 64), tokens_in=st.integers(1, 2000), tokens_out=st.integers(1, 500))
def test_decode_is_bounded_by_bandwidth(batch: int, tokens_in: int, tokens_out: int) -> None:
    model = load_models().model("llama3.1-8b")
    estimate = estimate_llm(model, "decode", LARGE, 1, "fp16", batch, tokens_in, tokens_out)
    # Each step reads at least 7.5e9 weights of 2 bytes and 131,072 bytes for each cached token.
    bytes_read = tokens_out * (15e9 + batch * tokens_in * 131_072)
    assert estimate.latency_s >= bytes_read / LARGE.mem_bytes_per_s


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tp": 3}, "tp=3 does not divide the 32 attention heads"),
        ({"tp": 16}, r"above the scale-up domain of h100_sxm \(8 devices\)"),
        ({"tp": 0}, "starts at 1, got 0"),
        ({"phase": "chat"}, "prefill or decode, got 'chat'"),
        ({"batch": 0}, "got batch=0"),
        ({"tokens_in": -5}, "tokens_in=-5"),
        ({"tokens_out": -1}, "tokens_out=-1"),
        ({"tokens_in": 131_000}, "at most 131,072 tokens of context, got 131,000 in and 200 out"),
        ({"batch": 4096}, "needs .* GB on each of 1 x h100_sxm, which may use 72.0 GB"),
        ({"precision": "fp12"}, "a precision is one of fp16, fp8, int8, fp4, got 'fp12'"),
    ],
)
def test_what_cannot_run_says_why(llama: Model, h100: Device, changes: dict[str, object], message: str) -> None:
    asked: dict[str, object] = {
        "phase": "decode",
        "device": h100,
        "tp": 1,
        "precision": "fp16",
        "batch": 1,
        "tokens_in": 1000,
        "tokens_out": 200,
    }
    with pytest.raises(CostError, match=message):
        estimate_llm(llama, **{**asked, **changes})


def test_a_model_that_generates_no_text_has_no_prefill(models: ModelCatalog, h100: Device) -> None:
    with pytest.raises(CostError, match=r"whisper-large-v3 \(stt\) generates no text"):
        estimate_llm(models.model("whisper"), "prefill", h100, 1, "fp16", 1, 10, 10)


def test_a_model_run_adds_its_phases(models: ModelCatalog, h100: Device) -> None:
    estimate = estimate_model_run(models.model("whisper"), h100, 1, "fp16", 1, audio_s=30)
    # compute: 2.57064960e12 / 543.95e12 = 4.73 ms; then 150 steps that read 800,391,680 x 2 bytes of weights,
    # (1500 + 75) x 163,840 of cache, write 163,840 and move 32 x 4 x 6400 x 2 of activations:
    # 1,860,633,600 bytes / 2.5125e12 = 0.7406 ms
    encode_s = 2_570_649_600_000 / 543.95e12
    step_s = (800_391_680 * 2 + 1576 * 163_840 + 1_638_400) / 2.5125e12
    assert estimate.latency_s == pytest.approx(encode_s + 150 * step_s + 151 * 0.005)
    assert estimate.bound_by == "overhead"


@pytest.mark.parametrize(
    "id_", ["whisper-large-v3", "kokoro-82m", "orpheus-3b-tts", "all-minilm-l6-v2", "sdxl-base-1.0"]
)
def test_a_model_run_is_faster_on_an_accelerator_than_on_a_core(
    models: ModelCatalog, h100: Device, core: Device, id_: str
) -> None:
    model = models.model(id_)
    size: dict[str, float] = {"stt": {"audio_s": 10.0}, "image": {"images": 1.0}}.get(model.modality, {"tokens": 100.0})
    times = [estimate_model_run(model, device, 1, "fp16", 1, **size).latency_s for device in (h100, core)]
    assert times[0] < times[1]


def test_more_cores_are_faster(models: ModelCatalog, core: Device) -> None:
    whisper = models.model("whisper")
    times = [
        estimate_model_run(whisper, core, tp, "fp16", 1, audio_s=10).latency_s
        for tp in tensor_parallel_degrees(whisper, core, 56)
    ]
    assert times == sorted(times, reverse=True)


def test_a_model_run_that_cannot_be_split_says_why(models: ModelCatalog, h100: Device) -> None:
    with pytest.raises(CostError, match="kokoro-82m has no attention heads to split"):
        estimate_model_run(models.model("kokoro"), h100, 2, "fp16", 1, audio_s=1)
