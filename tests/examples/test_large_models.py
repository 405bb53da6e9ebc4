from pathlib import Path

import pytest

from costmodel.fleet import load_fleet
from orchestrator.agent_files import find_all
from orchestrator.fleet_pipeline import FleetRequest, plan_fleet
from placement.load_document import load_load
from runtime.program import compile


def test_two_large_models_take_turns_on_one_device(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    load = load_load("examples/loads/large-models.yaml")
    fleet = load_fleet("examples/fleets/provisioned.yaml")
    plan = plan_fleet(find_all([Path("examples/large_models.py")]), fleet, load, FleetRequest())
    assert plan.answer is not None
    used = plan.answer.evaluation.devices_used
    assert {device: count for device, count in used.items() if count} == {"xeon_8480p": 1, "a100_80_sxm": 1}
    shared = next(each for each in plan.answer.evaluation.levels if each.switches.share)
    # prompts and tokens 0.01/s of one model and 0.02/s of the other: 1 - (1 + 4) / 9
    assert shared.switches.share == pytest.approx(4 / 9)
    for document in plan.plans:
        (pool,) = (each for each in document.pools if each.loads_s)
        assert pool.start_s is None
        assert {each.model for each in document.operators if each.op in {"llm.prefill", "llm.decode"}} < set(
            pool.loads_s
        )
        assert len(compile(document).operators) == len(document.operators)
