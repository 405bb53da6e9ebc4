"""The network claim by reading of the equations."""

from costmodel.models import load_models
from orchestrator.reproduction.equations import EIGHT, ONE, READINGS, STEADY, claim, longest, needs


def test_a_chassis_divides_the_need_by_eight() -> None:
    found = needs(load_models().model("llama3.1-8b"), "fp16", 4096)
    # KV 0.5369 GB: 4.295 Gbit / 0.02 s = 214.7 Gbit/s into one device
    assert round(found[ONE].gbps, 1) == 214.7
    assert found[EIGHT].gbps * 8 == found[ONE].gbps


def test_the_claim_holds_for_a_steady_flow_and_not_for_one_device() -> None:
    assert claim(400, STEADY).word == claim(200, STEADY).word == "holds"
    assert claim(400, ONE).word == "holds up to 512 tokens only"


def test_the_longest_input_by_hand() -> None:
    # 70B FP16 needs 537 Gbit/s at 32768 tokens into eight devices, so half at 16384 (268) and a quarter at 8192 (134)
    assert longest(400, EIGHT)["llama3.1-70b", "fp16"] == 16384
    assert longest(200, EIGHT)["llama3.1-70b", "fp16"] == 8192


def test_a_faster_network_is_enough_for_no_less() -> None:
    for reading in READINGS:
        slow, fast = longest(200, reading), longest(400, reading)
        assert all(slow[key] <= fast[key] for key in slow)
