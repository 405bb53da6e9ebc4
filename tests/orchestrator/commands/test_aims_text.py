"""`plan --objective` and `plan --margin` of one agent, as text, as JSON, and refused."""

import json
from pathlib import Path

import pytest

from orchestrator.cli import invoke
from tests.orchestrator.commands.test_plan import FILE, FLEET

VOICE = ("plan", "examples/voice_agent.py", "--fleet", "examples/fleets/mixed.yaml")


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def shown(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    assert invoke(arguments) == code
    out, err = capsys.readouterr()
    return out if code != 1 else err.replace("\n", " ")


def test_the_aim_and_what_others_reach_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, 0, *VOICE, "--objective", "energy", "--what-if", "sla=2s")
    assert "\nobjective: least energy (J/run)\nreached: energy " in text
    assert "\nbound: $" not in text
    assert "runner-up" not in text
    (a40,) = (line for line in text.splitlines() if line.startswith("only a40: "))
    assert "; energy " in a40
    assert a40.endswith("% more")
    (changed,) = (line for line in text.splitlines() if line.startswith("what if sla=2s: "))
    assert "; energy " in changed
    assert "J/run (+" in changed


def test_json_has_each_aim(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(shown(capsys, 0, *VOICE, "--objective", "cost,carbon", "--json"))
    cost, carbon = found["objective"]["reached"]
    assert (cost["aim"], cost["unit"], carbon["aim"], carbon["unit"]) == ("cost", "$/run", "carbon", "gCO2e/run")
    assert cost["value"] == pytest.approx(found["cost_usd"])
    assert cost["bound"] == pytest.approx(found["bound_usd"])
    assert {len(row["reached"]) for row in found["homogeneous"] if row["cost_usd"] is not None} == {2}
    plain = json.loads(shown(capsys, 0, *VOICE, "--json"))
    assert "objective" not in plain
    assert "margin" not in plain


def test_the_margin_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    plan = ("plan", FILE, *FLEET, "--sla", "148ms", "--margin", "1.25")
    text = shown(capsys, 0, *plan)
    assert "SLA worst <= 148 ms: 120 ms, slack 500 us; critical path" in text
    assert "margin: every limit holds although each time is 1.25 times its estimate: 147.5 ms with it; slacks" in text
    assert "only hp: $0.11 per run, 15.8% dearer, 131.2 ms, 1 of them" in text
    assert "margin 1.25: times are with it" in shown(capsys, 0, *plan, "--explain", "answer.decode")
    assert "margin 1.25: times are with it" in shown(capsys, 0, *plan, "--explain", "limits")
    document = json.loads(shown(capsys, 0, *plan, "--json"))
    assert document["margin"] == 1.25
    assert document["held_latency_s"] == pytest.approx(0.1475)
    assert document["latency_s"] == pytest.approx(0.120)
    assert "margin: every limit" in shown(capsys, 2, "plan", FILE, *FLEET, "--sla", "120ms", "--margin", "1.25")


def test_each_time_by_its_own_interval(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(shown(capsys, 0, *VOICE, "--margin", "interval", "--json"))
    assert found["held_latency_s"] == pytest.approx(found["latency_high_s"])
    assert found["held_latency_s"] <= 4.0
    text = shown(capsys, 1, *VOICE, "--margin", "interval", "--calibration", "none")
    assert "without a calibration nobody knows how far off" in text


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--objective", "energy", "--explain", "converse.decode"), "the objective is 'energy'; leave one out"),
        (("--objective", "energy", "--explain", "limits"), "the objective is 'energy'; leave one out"),
        (("--objective", "energy", "--soft", "1"), "a soft SLA is paid in dollars"),
        (("--objective", "throughput"), "give --load"),
        (("--margin", "0.5"), "--margin '0.5' is no margin; give a number from 1 to 10, or interval"),
        (("--margin", "wide"), "--margin 'wide' is no margin"),
    ],
)
def test_what_does_not_go_together_is_told(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], why: str
) -> None:
    assert why in shown(capsys, 1, *VOICE, *arguments)


def test_a_load_has_its_own_margin(capsys: pytest.CaptureFixture[str]) -> None:
    load = ("--load", "examples/loads/voice.yaml")
    assert "--margin and --load do not go together" in shown(capsys, 1, *VOICE, *load, "--margin", "1.5")
