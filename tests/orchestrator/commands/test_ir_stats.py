"""`orchestrator ir --stats`: what each pass changed, against sums by hand on the paper's worked example."""

import json
from pathlib import Path
from typing import Any

import pytest

from ir.pipeline import STAGES
from ir.stats import Demand, Stats
from orchestrator.cli import invoke
from orchestrator.commands.ir_stats import Best, StageRow, changes
from orchestrator.commands.ir_stats_text import stats_text

FILE = "examples/worked_example.py"
HP_CO = ("--fleet", "examples/fleets/hp-co.yaml")


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


@pytest.fixture
def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The worked example with its limit of 120 ms."""
    assert invoke(["ir", FILE, "--stats", *HP_CO, "--sla", "120ms", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_best_plan_before_and_after_a_pass(document: dict[str, Any]) -> None:
    stages = {each["stage"]: each for each in document["stages"]}
    assert list(stages) == list(STAGES)
    before, after = stages["eliminate-common-calls"]["best"], stages["decompose-llm"]["best"]
    # One pool for both phases within 120 ms is HP's: 80 + 25 ms for 0.08 + 0.03 USD. Apart: 80 ms on HP, 10 ms for the
    # KV and 30 ms on CO for 0.08 + 0.005 + 0.01 USD.
    assert before["stat"] == "worst"
    assert (before["latency_s"], before["cost_usd"]) == pytest.approx((0.105, 0.11))
    assert (after["latency_s"], after["latency_mean_s"], after["cost_usd"]) == pytest.approx((0.120, 0.120, 0.095))
    for best in (before, after):
        assert best["critical_path"][-2:] == ["answer.prefill", "answer.decode"]


def test_a_pass_is_told_by_what_it_changed(document: dict[str, Any]) -> None:
    changed = {each["pass"]: each["amounts"] for each in document["changes"]}
    assert list(changed) == list(STAGES[1:])
    assert changed["drop-unused"] == changed["inline-agents"] == {}
    # agent.output and llm.call become agent.output, render, choose, parse, and two alternatives of prefill, decode and
    # yield, one with a transfer: 4 + 3 + 4 - 2 operations more. KV of 1000 tokens takes the link: 131,072 bytes each.
    expected = {
        "ops": 9,
        "choices": 1,
        "best_latency_s": 0.015,
        "best_latency_mean_s": 0.015,
        "best_cost_usd": -0.015,
        "best_link_bytes": 1000 * 131072,
    }
    assert changed["decompose-llm"] == pytest.approx(expected)


def test_the_text_has_both_tables_and_each_path_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", FILE, "--stats", *HP_CO, "--sla", "120ms"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "stage"
    assert [line.split()[0] for line in lines[2 : 2 + len(STAGES)]] == list(STAGES)
    (changed,) = [line for line in lines if line.startswith("decompose-llm") and "+9" in line]
    assert changed.split()[-3:] == ["+0.015", "+0.015", "-$0.015"]
    assert [line.partition(":")[0] for line in lines if line.startswith("critical path")] == [
        "critical path at capture, worst 105 ms",
        "critical path at decompose-llm, worst 120 ms",
    ]


def test_without_devices_only_demand_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", FILE, "--stats", "--json", "--stage", "drop-unused"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["best"] for each in document["stages"]] == [None] * 3
    assert invoke(["ir", FILE, "--stats"]) == 0
    assert "critical path" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--json",), "--json is a form of --stats"),
        (("--stats", "--json", "--print-after-all"), "--json is one document"),
        (("--stats", "--sla", "1s"), "--sla is for the stages after the solve"),
    ],
)
def test_options_that_do_not_fit(arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", FILE, *arguments]) == 1
    assert message in " ".join(capsys.readouterr().err.split())


def a_row(stage: str, best: Best | None, **demand: float) -> StageRow:
    return StageRow(stage, Stats({"agent": 1}, 1, 1, 0, Demand(**demand)), best)


def test_what_only_one_side_has_is_no_change() -> None:
    best = Best("worst", 1.0, 1.0, ("a",), 0.0, 0.5)
    rows = [a_row("capture", None, flops=3.0), a_row("one", best, flops=1.0), a_row("two", best, flops=1.0)]
    assert [(each.name, dict(each.amounts)) for each in changes(rows)] == [("one", {"flops": -2.0}), ("two", {})]
    assert "at capture no placement keeps the limits" in stats_text(rows, is_priced=True)
