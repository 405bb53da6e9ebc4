"""A report as text: what was promised beside what happened, what was simulated, and why a run failed."""

from dataclasses import replace

import pytest

from orchestrator.commands.run_text import failure_text, run_text
from runtime.failure import Failure
from runtime.trace import Mark, OperatorReport, PartReport, RunReport

OPERATOR = OperatorReport(
    id="answer.decode",
    name="answer",
    op="llm.decode",
    device="h100_sxm",
    pool="p",
    model="llama3.1-8b",
    simulated=True,
    promised_s=0.5,
    measured_s=0.25,
    mean_queued_s=0.0,
    mean_overhead_s=0.002,
    count=3,
    promised_visits=2.0,
    failures=1,
)

REPORT = RunReport(
    run_id="run-1",
    agent="assistant",
    status="success",
    value={"text": "hello"},
    error=None,
    operators=(OPERATOR, replace(OPERATOR, id="search", simulated=False, measured_s=None, count=0, failures=0)),
    attempts=(),
    latency_s=1.5,
    promised_latency_s=2.0,
    promised_latency_mean_s=1.0,
    promised_latency_worst_s=3.0,
    sla_stat="p95",
    limit_s=4.0,
    verdict="met",
    loop_capped=True,
    marks=(Mark("loop_capped", "revise_loop", 3, 1.0),),
    simulated=True,
    simulated_operators=("answer.decode",),
    questions={},
    results={},
    wall_s=0.2,
    time_scale=0.1,
    notes=("the plan has 4 CPU cores, this machine 2",),
)

FAILED = replace(
    REPORT,
    status="error",
    value=None,
    error=Failure("raised", "ValueError", "boom", 'Traceback\n  File "agent.py", line 3, in search\n', "search[2]"),
    verdict="none",
)


def test_every_operator_shows_promise_and_measurement() -> None:
    lines = [" ".join(line.split()) for line in run_text(REPORT).splitlines()]
    assert "operator kind device promised measured calls remarks" in lines
    assert "answer.decode llm.decode h100_sxm 500 ms 250 ms 3 simulated, 1 failed" in lines
    assert "search llm.decode h100_sxm 500 ms - 0" in lines


def test_a_stream_shows_when_its_first_item_was_out() -> None:
    streamed = replace(REPORT, operators=(replace(OPERATOR, mean_first_item_s=0.125, failures=0),))
    assert "3 simulated, first item after 125 ms" in " ".join(run_text(streamed).split())
    reads = replace(REPORT, operators=(replace(OPERATOR, reads_stream=True, failures=0),))
    assert "3 simulated, with waits for items" in " ".join(run_text(reads).split())


def test_the_run_shows_its_answer_latency_and_verdict() -> None:
    text = run_text(REPORT)
    assert text.startswith('assistant: success\nanswer (simulated devices took part):\n{\n  "text": "hello"\n}\n')
    assert "latency: promised 2 s (p95), 1 s (mean); measured 1.5 s\n" in text
    assert "the run took 200 ms on the clock at time scale 0.1\n" in text
    assert "SLA p95 <= 4 s: met\n" in text
    assert "loop_capped: revise_loop at 1 s: 3\n" in text


def test_an_answer_of_text_is_shown_as_it_is() -> None:
    assert run_text(replace(REPORT, value="plain", simulated=False)).startswith("assistant: success\nanswer:\nplain\n")


def test_what_was_simulated_says_so() -> None:
    notes = [line for line in run_text(REPORT).splitlines() if line.startswith("note: ")]
    assert notes[0] == "note: the plan has 4 CPU cores, this machine 2"
    assert notes[1] == "note: simulated: answer.decode"
    assert "the plan's prediction, not a measurement" in notes[2]
    assert "no model was asked" in notes[3]
    assert "really took 0.1 of their time" in notes[4]


def test_nothing_simulated_needs_no_note() -> None:
    text = run_text(replace(REPORT, simulated=False, simulated_operators=(), notes=(), time_scale=1.0))
    assert "note:" not in text
    assert "time scale" not in text


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"verdict": "missed"}, "SLA p95 <= 4 s: missed"),
        ({"status": "error", "verdict": "none"}, "SLA p95 <= 4 s: no verdict on a run that ended as error"),
        ({"sla_stat": None, "limit_s": None, "verdict": "none"}, "SLA: none"),
    ],
)
def test_every_verdict(changes: dict[str, object], line: str) -> None:
    assert line in run_text(replace(REPORT, **changes)).splitlines()


def test_a_failure_shows_the_users_traceback_and_then_the_message() -> None:
    assert failure_text(FAILED) == (
        'Traceback\n  File "agent.py", line 3, in search\nerror: search[2]: ValueError: boom'
    )
    assert run_text(FAILED).startswith("assistant: error\n\n")


def test_a_failure_without_traceback_is_one_line() -> None:
    timeout = replace(FAILED, status="timeout", error=Failure("deadline", "Timeout", "4 s are used up"))
    assert failure_text(timeout) == "error: Timeout: 4 s are used up"


def test_a_run_that_waits_tells_for_what() -> None:
    waiting = replace(REPORT, status="interrupted", value=None, questions={"ask": "really?"})
    assert failure_text(waiting) == "error: the run waits for an answer: ask: really?"
    assert failure_text(replace(waiting, status="cancelled", questions={})) == "error: the run ended as cancelled"


def test_fused_functions_stand_below_their_operator() -> None:
    parts = (PartReport("one", "f", "agent.compute", 0.5, 0.25), PartReport("two", "g", "agent.compute", 1.5, None))
    fused = replace(OPERATOR, id="two_fused", op="agent.fused", simulated=False, parts=parts)
    lines = [" ".join(line.split()) for line in run_text(replace(REPORT, operators=(fused,))).splitlines()]
    start = lines.index("two_fused agent.fused h100_sxm 500 ms 250 ms 3 1 failed")
    assert lines[start + 1 : start + 3] == [
        "one agent.compute 500 ms 250 ms fused",
        "two agent.compute 1.5 s - fused",
    ]
