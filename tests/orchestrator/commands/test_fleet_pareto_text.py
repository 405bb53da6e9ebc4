"""The front of a load as table, JSON and figure."""

import json
from pathlib import Path

import pytest

from orchestrator.cli import invoke

LOADED = (
    *("plan", "examples/voice_agent.py", "--fleet", "examples/fleets/provisioned.yaml"),
    *("--load", "examples/loads/voice.yaml"),
)


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def test_the_front_as_json_is_undominated_and_every_point_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*LOADED, "--pareto", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    points = document["pareto"]["points"]
    assert document["pareto"]["agents"] == ["voice_agent"]
    assert len(points) >= 3
    shares, costs = ([point[key] for point in points] for key in ("share_of_sla", "usd_per_hour"))
    assert shares == sorted(shares)
    assert costs == sorted(costs, reverse=True)
    assert len(set(costs)) == len(costs)
    within = [point for point in points if point["share_of_sla"] <= 1.0]
    assert within[-1]["usd_per_hour"] <= document["usd_per_hour"] * (1.0 + 1e-6)
    for point in points:
        assert point["latency_s"]["voice_agent"] == pytest.approx(4.0 * point["share_of_sla"])
        assert point["bound_usd_per_hour"] == pytest.approx(point["usd_per_hour"] * (1.0 - point["gap"]))


def test_the_front_as_a_table_and_a_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    figure = tmp_path / "front.png"
    assert invoke([*LOADED, "--agent", "voice_agent", "--figure", str(figure)]) == 0
    lines = capsys.readouterr().out.splitlines()
    title = "cost per hour against the latency of voice_agent: of no plan below is another both cheaper and faster"
    table = lines[lines.index(title) + 1 :]
    assert table[0].split() == ["of", "SLA", "slowest", "latency", "cost/hour", "bound", "gap", "devices"]
    assert sum(line.startswith("*") for line in table) == 1
    assert figure.stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pareto", "--agent", "nobody"], "--agent names 'nobody'"),
        (["--agent", "voice_agent"], "--agent and --load do not go together"),
    ],
)
def test_what_has_no_front_is_refused(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*LOADED, *options]) == 1
    assert message in capsys.readouterr().err
