"""split-encode: a speech model's encoder on a device with fast compute, its decoder on one with cheap memory."""

import pytest

from costmodel.fleet import Fleet, Link
from orchestrator import agent, model
from tests.gains.measure import TOLERANCE, compared, pipeline, planned, simulated_cores, stats_gain_s
from tests.placement.sample_agents import described, fleet, row

ROWS = (
    row("transcribe.run", "hp", 1.000, 0.100),
    row("transcribe.run", "co", 1.200, 0.060),
    row("transcribe.encode", "hp", 0.100, 0.010),
    row("transcribe.decode_encoded", "co", 0.400, 0.020),
)
LINK = Link("hp", "co", 38.4e6, 0.050, 0.0)


@model(model="whisper-large-v3", audio_s=4)
def transcribe(recording: str) -> str: ...


@agent
def listener(recording: str, language: str) -> str:
    return transcribe([recording, language])


@pytest.fixture
def devices() -> Fleet:
    return fleet(simulated_cores(), described("hp", 0.0), described("co", 0.0), links=(LINK,), rows=ROWS)


def test_the_gain_of_the_plan_and_of_stats(devices: Fleet) -> None:
    whole, split = planned(listener, devices, pipeline(without={"split-encode"})), planned(listener, devices)
    # Whole: 1.2 s on CO for 0.060 USD. Split: 0.010 + 0.020 USD; a window of 1500 frames of 1280 values of 2 bytes,
    # 3.84 MB, takes 0.050 + 0.100 s to CO: 0.100 + 0.150 + 0.400 s.
    assert list(split.choices.values()) == ["split"]
    assert (whole.promised.cost_usd, split.promised.cost_usd) == pytest.approx((0.060, 0.030))
    assert (whole.promised.latency_mean_s, split.promised.latency_mean_s) == pytest.approx((1.200, 0.650))
    assert stats_gain_s(listener, devices, "split-encode") == pytest.approx(0.550)
    (move,) = split.transfers
    assert (move.kind, move.size_bytes) == ("encoded", 3_840_000)
    assert {pool.id: pool.phase for pool in split.pools} == {
        "hp/whisper-large-v3/tp1/fp16/encoder": "encode",
        "co/whisper-large-v3/tp1/fp16/decoder": "decode_encoded",
    }


@pytest.mark.ray
def test_the_gain_on_ray(devices: Fleet, local_ray: None) -> None:
    whole, split = planned(listener, devices, pipeline(without={"split-encode"})), planned(listener, devices)
    gain = compared(whole, split, {"recording": "a.wav", "language": "en"})
    # Saved, as above: 1.200 - 0.100 - 0.150 - 0.400 s.
    assert gain.promised_s == pytest.approx(0.550)
    assert gain.measured_s == pytest.approx(0.550, rel=TOLERANCE)
