import json
from pathlib import Path

import pytest

from orchestrator.cli import invoke
from orchestrator.commands.fleet_homogeneous_text import fleet_homogeneous_lines
from placement.shared_evaluate import SharedEvaluation
from placement.shared_homogeneous import SharedHomogeneous

LOADED = (
    *("plan", "examples/voice_agent.py", "--fleet", "examples/fleets/provisioned.yaml"),
    *("--load", "examples/loads/voice.yaml"),
)


def row(usd: float, devices: int, gap: float = 0.0) -> SharedHomogeneous:
    verdict = SharedEvaluation((), (), {"a40": devices}, usd, usd, 1.0, 1.0, (), 0)
    return SharedHomogeneous("a40", devices, 2, gap, verdict, "")


def test_lines_say_price_gap_ratio_and_devices() -> None:
    found = [row(3.0, 3, 0.25), row(2.0, 0), SharedHomogeneous("spyre_1_0", 0, 1, 1.0, None, "cannot run speak of v")]
    assert list(fleet_homogeneous_lines(found, 2.0)) == [
        "only a40: $3 per hour (gap 25.00%), 50.0% dearer, 3 of them though the fleet has 2, all limits kept",
        "only a40: $2 per hour, as cheap, on CPU cores alone, all limits kept",
        "only spyre_1_0: cannot run speak of v",
    ]
    assert next(fleet_homogeneous_lines(found, None)).startswith("only a40: $3 per hour (gap 25.00%), 3 of them")


def test_every_class_stands_beside_the_plan_and_none_is_cheaper(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert invoke([*LOADED, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = {each["device"]: each for each in document["homogeneous"]}
    assert set(rows) == {"a40", "a100_80_sxm", "h100_sxm", "b200_sxm", "gaudi3", "spyre_1_0"}
    for each in rows.values():
        if each["feasible"]:
            assert each["usd_per_hour"] >= document["usd_per_hour"] * (1.0 - document["gap"] - 1e-9)
            assert each["latency_s"]["voice_agent"] <= 4.0
    assert rows["spyre_1_0"]["why"].startswith("misses the SLA of voice_agent p95")
