"""chunk-prefill: what steps of bounded length cost, and how much of the KV's way they hide.

In a run alone chunks gain nothing: each reads the weights again and is a step of its own. What they are for, steps of
others that need not wait, no metered plan promises (`docs/decisions/0012-chunks-on-request.md`).
"""

import pytest

from costmodel.chunk import prefill_chunks
from costmodel.fleet import Fleet, Link
from costmodel.models import load_models
from ir.passes.chunk_prefill import ChunkPrefillPass
from orchestrator import agent, llm
from orchestrator.pipeline import PlanRequest, plan_agent
from placement.plan import Plan
from tests.gains.measure import TOLERANCE, compared, pipeline, planned, simulated_cores, simulated_h100, stats_gain_s
from tests.placement.sample_agents import H100, described, fleet, row

TOKENS, CHUNK = 4000, 128
PASSES = f"chunk-prefill{{tokens={CHUNK}}}"
PAIRS = [("xeon_8480p", "h100_sxm"), ("h100_sxm", "xeon_8480p"), ("xeon_8480p", "co"), ("co", "xeon_8480p")]
ROWS = (
    row("answer.decode", "co", 0.300, 0.0, tokens_in=TOKENS, tokens_out=50.0),
    row("answer.render", "xeon_8480p", 0.060, 0.0),
    row("answer.parse", "xeon_8480p", 0.060, 0.0),
)
STEP_S, MFU, MBU = 0.005, 0.55, 0.75
"""What the engine takes in a step, and what a kernel gets of a device's peaks (`costmodel/roofline.py`)."""


@llm(model="llama3.1-8b", tokens_in=TOKENS, tokens_out=50, max_tokens=60)
def answer(question: str) -> str:
    return question


@agent
def asker(question: str) -> str:
    return answer(question)


@pytest.fixture
def devices() -> Fleet:
    """Prefill on the one H100, decode on another class behind a link of 1 GB/s."""
    links = (Link("h100_sxm", "co", 1.0e9, 0.002, 0.0), *(Link(a, b, None, 0.0, 0.0) for a, b in PAIRS))
    return fleet(simulated_cores(), simulated_h100(1), described("co", 0.0), links=links, rows=ROWS)


def layers_s(chunk_tokens: int) -> list[float]:
    """[chunk] the larger of its arithmetic and its bytes, each at what a kernel gets of the peak."""
    model = load_models().model("llama3.1-8b")
    found: list[float] = []
    for work in prefill_chunks(model, TOKENS, chunk_tokens):
        moved = work.weight_bytes + work.kv_read_bytes + work.kv_write_bytes + work.activation_bytes
        flops_per_s, bytes_per_s = H100.flops_per_s["fp16"], H100.mem_bytes_per_s
        found.append(max(work.flops / (MFU * flops_per_s), moved / (MBU * bytes_per_s)))
    return found


WHOLE_S, CHUNKS_S = layers_s(TOKENS), layers_s(CHUNK)
# 31 chunks of 128 tokens and one of 32. Each reads 15 GB of weights in 6.0 ms, more than its arithmetic takes, and is a
# step of 5 ms: 0.362 s against 0.110 + 0.005 s.
COST_S = sum(CHUNKS_S) + 32 * STEP_S - (sum(WHOLE_S) + STEP_S)
# 131,072 bytes a token: 0.524 s at 1 GB/s, 16.8 ms a chunk, so the link is behind from the first layer of the first
# chunk on. All that is computed after that layer hides its share of the way.
HIDDEN_S = sum(CHUNKS_S) - CHUNKS_S[0] / 32


def on_request(devices: Fleet) -> Plan:
    """As `orchestrator plan --passes` makes it."""
    found = plan_agent(asker.trace(), devices, PlanRequest(passes=PASSES, calibration="none")).plan
    assert found is not None
    return found


def test_the_plan_says_how_much_prefill_reads_at_a_time(devices: Fleet) -> None:
    operators = {operator.id: operator for operator in on_request(devices).operators}
    assert operators["answer.prefill"].demand["chunk_tokens"] == CHUNK
    assert operators["answer.prefill"].promised.mean_s == pytest.approx(sum(CHUNKS_S) + 32 * STEP_S)
    assert "chunk_tokens" not in operators["answer.decode"].demand


def test_stats_report_what_the_chunks_cost(devices: Fleet) -> None:
    passes = pipeline(without={"overlap-transfer"}, plus={"decompose-llm": ChunkPrefillPass(tokens=CHUNK)})
    assert stats_gain_s(asker, devices, ChunkPrefillPass.name, passes) == pytest.approx(-COST_S)


def test_stats_report_what_of_the_way_the_chunks_hide(devices: Fleet) -> None:
    passes = pipeline(plus={"decompose-llm": ChunkPrefillPass(tokens=CHUNK)})
    assert stats_gain_s(asker, devices, "overlap-transfer", passes) == pytest.approx(HIDDEN_S)


@pytest.mark.ray
def test_the_cost_on_ray(devices: Fleet, local_ray: None) -> None:
    """Without overlap, so that only prefill itself differs."""
    whole = planned(asker, devices, pipeline(without={"overlap-transfer"}))
    passes = pipeline(without={"overlap-transfer"}, plus={"decompose-llm": ChunkPrefillPass(tokens=CHUNK)})
    cost = compared(planned(asker, devices, passes), whole, {"question": "what"})
    assert cost.promised_s == pytest.approx(COST_S)
    assert cost.measured_s == pytest.approx(COST_S, rel=TOLERANCE)


@pytest.mark.ray
def test_the_kv_of_a_chunk_leaves_while_the_next_ones_run(devices: Fleet, local_ray: None) -> None:
    after = planned(
        asker,
        devices,
        pipeline(without={"overlap-transfer"}, plus={"decompose-llm": ChunkPrefillPass(tokens=CHUNK)}),
    )
    gain = compared(after, on_request(devices), {"question": "what"})
    assert gain.promised_s == pytest.approx(HIDDEN_S)
    assert gain.measured_s == pytest.approx(HIDDEN_S, rel=TOLERANCE)
