"""hoist-shared-prefix: the calls of a loop read the same system prompt, whose KV is made once."""

import pytest

from costmodel.fleet import Fleet
from costmodel.llm import token_demand
from costmodel.models import load_models
from orchestrator import agent, llm, loop
from tests.gains.measure import TOLERANCE, compared, pipeline, planned, simulated_cores, simulated_h100, stats_gain_s
from tests.placement.sample_agents import fleet, row

PASS = "hoist-shared-prefix"


@llm(model="llama3.1-8b", prefix_tokens=10_000, tokens_in=12_000, tokens_out=20, max_tokens=30)
def improve(draft: str) -> str:
    """You improve a draft by the rules that follow, all 10,000 tokens of them."""
    return draft


@agent
def editor(draft: str) -> str:
    return loop(improve, draft, until=lambda text: text == "done", max_iters=3, expect=3)


@pytest.fixture
def devices() -> Fleet:
    return fleet(
        simulated_cores(),
        simulated_h100(),
        rows=(row("improve.render", "xeon_8480p", 0.060, 0.0), row("improve.parse", "xeon_8480p", 0.060, 0.0)),
    )


# An H100 computes 0.55 x 989e12 FLOPs a second. 10,000 tokens pass through the layers, and attention looks at
# 10,000 x 10,001 / 2 pairs, 4 x 32 heads x 128 FLOPs each in 32 layers: 0.305 s, saved in two of the three calls.
# Making the prefix is one more step, of 5 ms of the engine's own. 10,000 and 2,000 tokens are both bound by compute.
PREFIX_FLOPS = 10_000 * token_demand(load_models().model("llama3.1-8b")).flops
PREFIX_FLOPS += 10_000 * 10_001 / 2 * 4 * 32 * 128 * 32
SAVED_S = 2 * PREFIX_FLOPS / (0.55 * 989e12) - 0.005


def test_stats_report_the_gain(devices: Fleet) -> None:
    assert pytest.approx(2 * 0.305 - 0.005, rel=0.01) == SAVED_S
    assert stats_gain_s(editor, devices, PASS) == pytest.approx(SAVED_S, rel=1e-9)


@pytest.mark.ray
def test_the_gain_on_ray(devices: Fleet, local_ray: None) -> None:
    gain = compared(planned(editor, devices, pipeline(without={PASS})), planned(editor, devices), {"draft": "a"})
    assert gain.promised_s == pytest.approx(SAVED_S, rel=1e-9)
    assert gain.measured_s == pytest.approx(SAVED_S, rel=TOLERANCE)
