import pytest

from costmodel.calibration import load_calibration
from costmodel.estimate import estimate_llm
from costmodel.models import load_models
from costmodel.served import predict_point
from placement.service_times import Serving, ServingTimes, Unservable, serving_times
from tests.placement.sample_agents import CATALOG, CORE, H100

LLAMA = load_models().model("llama3.1-8b")
SPYRE = CATALOG.device("spyre_1_0")


def times(serving: Serving) -> ServingTimes:
    (found,) = serving_times([serving], load_calibration())
    assert isinstance(found, ServingTimes)
    return found


def test_a_gpu_takes_what_is_predicted_for_as_many_callers() -> None:
    found = times(Serving(LLAMA, H100, 1, "fp16", 1000, 100, 16))
    served = predict_point(LLAMA, H100, 1, "fp16", 1000, 100, 16)
    assert found.token_s == pytest.approx(served.tpot_s.value)
    assert found.first_s == pytest.approx(served.ttft_s.value)  # 16 callers, 16 at once: nobody queues
    assert found.decode_token_s == pytest.approx(found.token_s - served.parts["prefill of others"])
    assert found.prompt_s < found.first_s
    assert found.source.startswith("calibration ")


def test_without_a_calibration_a_gpu_takes_the_rooflines_time() -> None:
    (found,) = serving_times([Serving(LLAMA, H100, 1, "fp16", 1000, 100, 1)])
    assert isinstance(found, ServingTimes)
    assert found.prompt_s == estimate_llm(LLAMA, "prefill", H100, 1, "fp16", 1, 1000, 100).latency_s
    assert found.source == "roofline"


def test_an_unmeasured_device_says_so() -> None:
    found = times(Serving(LLAMA, CATALOG.device("gaudi3"), 1, "fp16", 1000, 100, 4))
    assert any("gaudi3" in note for note in found.notes)


def test_cores_alone_take_the_rooflines_time_and_share_prompts_with_others() -> None:
    prompt_s = estimate_llm(LLAMA, "prefill", CORE, 8, "fp16", 1, 100, 20).latency_s
    alone = times(Serving(LLAMA, CORE, 8, "fp16", 100, 20, 1))
    assert (alone.first_s, alone.prompt_s) == (prompt_s, prompt_s)
    assert alone.token_s * 20 == pytest.approx(estimate_llm(LLAMA, "decode", CORE, 8, "fp16", 1, 100, 20).latency_s)
    four = times(Serving(LLAMA, CORE, 8, "fp16", 100, 20, 4))
    decode_s = estimate_llm(LLAMA, "decode", CORE, 8, "fp16", 4, 100, 20).latency_s
    # 20 tokens, and three prompts of the three others while they are made
    assert four.token_s * 20 == pytest.approx(decode_s + 3 * prompt_s)
    assert four.decode_token_s * 20 == pytest.approx(decode_s)


def test_a_spyre_prompt_alternates_with_decode_steps() -> None:
    # 1,500 tokens are 24 blocks of 64 = 1,536 tokens: 3 chunks of 512, 2 decode steps between them
    found = times(Serving(LLAMA, SPYRE, 4, "fp16", 1500, 100, 8))
    assert found.first_s == pytest.approx(found.prompt_s + 2 * found.decode_token_s)
    assert any("simulated Spyre" in note for note in found.notes)


def test_what_cannot_be_served_says_why() -> None:
    (spyre, long) = serving_times(
        [Serving(LLAMA, SPYRE, 2, "fp16", 100, 10, 1), Serving(LLAMA, H100, 1, "fp16", 1e6, 100, 1)]
    )
    assert isinstance(spyre, Unservable)
    assert "known on 1, 4 cards" in spyre.why
    assert isinstance(long, Unservable)
    assert "at most 131,072 tokens" in long.why
