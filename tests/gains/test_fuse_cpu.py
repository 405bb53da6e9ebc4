"""fuse-cpu: computes in a row are one dispatch, and a run waits for the orchestrator that much less often."""

from collections.abc import Callable
from typing import Any

import pytest

from costmodel.fleet import Fleet
from ir.interpreter import interpret
from ir.pipeline import run_passes
from orchestrator import agent, compute, loop
from orchestrator.call_function import CallFunction
from orchestrator.commands.ir_stats import StageRow, changes, stage_row
from orchestrator.to_ir import to_ir
from tests.gains.measure import TOLERANCE, pipeline, planned, reports, simulated_cores
from tests.placement.sample_agents import cores, fleet

PASS = "fuse-cpu"


@compute(latency="200ms", cost_usd=0)
def split(text: str) -> dict[str, list[str]]:
    return {"words": text.split()}


@compute(latency="300ms", cost_usd=0)
def count(words: list[str], text: str) -> list[tuple[str, int]]:
    return [(word, text.count(word)) for word in words]


@compute(latency="250ms", cost_usd=0)
def tell(counts: list[tuple[str, int]]) -> str:
    return ", ".join(f"{word}: {number}" for word, number in counts)


@compute(latency="100ms", cost_usd=0)
def longer(text: str) -> str:
    return f"{text}+"


@compute(latency="100ms", cost_usd=0)
def doubled(text: str) -> str:
    return f"{text} {text}"


@agent
def counter(text: str) -> str:
    return tell(count(split(text)["words"], text))


@agent
def repeater(text: str) -> str:
    return loop(lambda value: doubled(longer(value)), text, until=lambda value: False, max_iters=3, expect=3)


INPUTS = {"text": "to be or not to be"}


def leaf(function: CallFunction[..., Any]) -> Callable[..., Any]:
    return lambda **arguments: function.invoke_json(arguments)


@pytest.fixture
def devices() -> Fleet:
    return fleet(simulated_cores())


@pytest.mark.parametrize(
    ("of", "saved"),
    # three computes in a row: one dispatch for three; two in a body that runs three times: 3 x 1 for 3 x 2
    [(counter, 3 - 1), (repeater, 3 * 2 - 3 * 1)],
)
def test_stats_report_the_dispatches_that_are_saved(of: Any, saved: int, devices: Fleet) -> None:
    rows: list[StageRow] = []
    run_passes(to_ir(of.trace()), None, lambda stage, now: rows.append(stage_row(stage, now, devices, None)))
    found = {change.name: change.amounts for change in changes(rows)}
    assert found[PASS]["dispatches"] == -saved
    # nothing else that is predicted changes: the work is the same, on the same cores
    assert {name for name in found[PASS] if name.startswith("best_")} == set()
    assert "dispatches" not in found["annotate-demand"], "and none comes back"


@pytest.mark.ray
@pytest.mark.parametrize(
    ("of", "before", "after", "work_s"),
    # 0.200 + 0.300 + 0.250 s; three times 0.100 + 0.100 s
    [(counter, 3, 1, 0.750), (repeater, 6, 3, 0.600)],
)
def test_the_gain_on_ray(of: Any, before: int, after: int, work_s: float, devices: Fleet, local_ray: None) -> None:
    apart, together = planned(of, devices, pipeline(without={PASS})), planned(of, devices)
    # no promise counts the orchestrator's own time, so both promise the sum of the work
    assert apart.promised.latency_mean_s == together.promised.latency_mean_s == pytest.approx(work_s)
    plans = ((apart, before), (together, after))
    found = [(plan, calls, report) for plan, calls in plans for report in reports(plan, INPUTS)]
    for _, calls, report in found:
        assert len(report.attempts) == calls, "a dispatch for each"
        # the hand formula: what a run takes beside its work is the orchestrator's own time of each dispatch
        overhead_s = sum(attempt.overhead_s for attempt in report.attempts)
        assert report.latency_s == pytest.approx(work_s + overhead_s, abs=1e-9)
    assert len({report.value for _, _, report in found}) == 1
    for taken_by in (apart, together):
        fastest_s = min(report.latency_s for plan, _, report in found if plan is taken_by)
        assert fastest_s == pytest.approx(work_s, rel=TOLERANCE)


@pytest.mark.ray
def test_eager_execution_the_interpreter_and_ray_agree(local_ray: None) -> None:
    """Really run on cores: an expression lies between two computes, and tuples become lists between them."""
    eager = counter(**INPUTS)
    leaves = {each.__name__: leaf(each) for each in (split, count, tell)}
    assert interpret(run_passes(to_ir(counter.trace())), INPUTS, leaves) == eager
    plan = planned(counter, fleet(cores()))
    (operator,) = plan.operators
    assert (operator.op, [call.id for call in operator.calls]) == ("agent.fused", ["split", "count", "tell"])
    for report in reports(plan, INPUTS):
        assert report.value == eager
        (told,) = report.operators
        assert [part.id for part in told.parts] == ["split", "count", "tell"]
        assert all(part.measured_s is not None and part.measured_s > 0 for part in told.parts)
        assert sum(part.measured_s or 0.0 for part in told.parts) <= (told.measured_s or 0.0)
