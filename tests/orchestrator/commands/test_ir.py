"""`orchestrator ir`: any stage, or all of them in order."""

from pathlib import Path

import pytest

from ir.pipeline import SOLVED_STAGES, STAGES
from orchestrator.cli import invoke

FILE = "examples/worked_example.py"


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def test_a_call_is_split_on_its_way_down(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", FILE, "--stage", STAGES[0]]) == 0
    captured = capsys.readouterr().out
    assert invoke(["ir", FILE]) == 0
    lowered = capsys.readouterr().out
    assert "llm.call" in captured
    assert "llm.prefill" not in captured
    assert "llm.prefill" in lowered
    assert "llm.call" not in lowered


def test_every_stage_is_printed_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", FILE, "--print-after-all"]) == 0
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("// -----")]
    assert shown == [f"// ----- {stage} -----" for stage in STAGES]


def test_printing_stops_at_the_stage_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", FILE, "--print-after-all", "--stage", STAGES[1]]) == 0
    assert f"// ----- {STAGES[2]}" not in capsys.readouterr().out


def test_an_unknown_stage_names_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", FILE, "--stage", "nonsense"]) == 1
    assert capsys.readouterr().err == f"error: unknown stage 'nonsense'; use one of {', '.join(STAGES)}\n"


def test_other_passes_run_with_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    passes = "decompose-llm,decompose-moe,shard-tensor-parallel{shards=2}"
    assert invoke(["ir", "examples/figure7.py", "--passes", passes]) == 0
    shown = capsys.readouterr().out
    assert "comm.all_reduce" in shown
    assert "tool.invoke" in shown  # decompose-tool is not in the list


def test_passes_that_do_not_fit_are_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", FILE, "--passes", "lower"]) == 1
    assert capsys.readouterr().err.startswith("error: cannot read the passes 'lower': ")
    assert invoke(["ir", FILE, "--passes", "decompose-llm", "--stage", "capture"]) != 0
    assert "give --stage or --passes" in capsys.readouterr().err


def test_statistics_of_each_stage_with_the_best_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", FILE, "--stats", "--fleet", "examples/fleets/hp-co.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "stage"
    assert [line.split()[0] for line in lines[2 : 2 + len(STAGES)]] == list(STAGES)
    # the last stage is what `plan` prices: one call, one choice
    assert lines[1 + len(STAGES)].split()[2:4] == ["1", "1"]
    assert invoke(["ir", FILE, "--fleet", "examples/fleets/hp-co.yaml"]) != 0
    assert "give both" in capsys.readouterr().err


HP_CO = ("--fleet", "examples/fleets/hp-co.yaml")


def test_the_stages_after_the_solve_carry_out_the_decision(capsys: pytest.CaptureFixture[str]) -> None:
    shown: dict[str, str] = {}
    for stage in SOLVED_STAGES:
        assert invoke(["ir", FILE, "--stage", stage, *HP_CO, "--sla", "120ms"]) == 0
        shown[stage] = capsys.readouterr().out
    assert 'plan.chosen = "disaggregated"' in shown["solve"]
    assert [text.count("plan.choose") for text in shown.values()] == [1, 0, 0]
    assert [text.count("llm.prefill @") for text in shown.values()] == [3, 1, 1]
    assert 'plan.device = "hp"' in shown["select-alternatives"]
    assert 'plan.operator = "answer.prefill"' in shown["lower-to-plan"]
    assert invoke(["ir", FILE, "--stage", "solve", *HP_CO, "--print-after-all"]) == 0
    headings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("// -----")]
    assert headings == [f"// ----- {stage} -----" for stage in (*STAGES, "solve")]


@pytest.mark.parametrize("stage", SOLVED_STAGES)
def test_the_limit_that_was_asked_for_stands_in_place_of_the_agents_own(
    stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["ir", FILE, "--stage", stage, *HP_CO]) == 0
    assert 'sla <"worst", 0.12>' in capsys.readouterr().out
    assert invoke(["ir", FILE, "--stage", stage, *HP_CO, "--sla", "mean=2s", "--print-after-all"]) == 0
    shown = capsys.readouterr().out
    assert shown.count('sla <"mean", 2>') == shown.count("agent.graph @")
    assert 'sla <"worst"' not in shown


def test_a_solve_that_cannot_keep_the_limit_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", FILE, "--stage", "solve", *HP_CO, "--sla", "100ms"]) == 2
    assert capsys.readouterr().out.startswith("infeasible (sla): ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--stage", "lower-to-plan"), "stands after the solve: give --fleet"),
        (("--stage", "solve", "--stats", *HP_CO), "--stats tells of the stages before the solve"),
        (("--sla", "1s"), "--sla is for the stages after the solve"),
    ],
)
def test_options_that_do_not_fit_a_stage(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["ir", FILE, *arguments]) == 1
    assert message in " ".join(capsys.readouterr().err.split())
