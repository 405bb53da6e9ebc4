"""A plan made again from the levels that others used is never dearer, and is offered those levels alone."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from costmodel.fleet import Fleet, load_fleet
from orchestrator.agent_files import find_all
from orchestrator.fleet_pipeline import FleetRequest
from placement.load_document import load_load


@pytest.fixture
def plans(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(project / "benchmarks"))
    monkeypatch.delitem(sys.modules, "fleet_rounds", raising=False)
    return importlib.import_module("fleet_rounds")


@pytest.fixture
def asked(project: Path, plans: Any) -> Any:
    graphs = find_all([project / "examples/voice_agent.py"])
    return plans.Asked(graphs, load_load(project / "examples/loads/voice.yaml"), FleetRequest(time_limit_s=2.0), 1000)


@pytest.fixture
def fleet(project: Path) -> Fleet:
    return load_fleet(project / "examples/fleets/provisioned.yaml")


def test_a_class_alone_keeps_the_cores(plans: Any, fleet: Fleet) -> None:
    found = {tuple(each.id for each in one.classes) for one in plans.classes_alone(fleet)}
    assert ("xeon_8480p", "a40") in found
    assert len(found) == len(fleet.classes) - 1


def test_again_offers_the_levels_that_were_used_at_every_cap(plans: Any, asked: Any, fleet: Fleet) -> None:
    whole = plans.first(asked, fleet)
    assert whole is not None
    known = whole.shared.problem.levels
    used = {level.pool.id for level, n in zip(known, whole.solution.placement.replicas, strict=True) if n}
    better = plans.again(asked, fleet, [whole])
    assert better is not None
    offered = {level.pool.id for level in better.shared.problem.levels}
    assert used <= offered
    assert {one.rpartition("/u")[0] for one in offered} == {one.rpartition("/u")[0] for one in used}
    assert better.usd_per_hour <= whole.usd_per_hour * (1 + 1e-9)


def test_the_first_of_all_rounds_is_the_cheapest(plans: Any, asked: Any, fleet: Fleet) -> None:
    small = next(each for each in plans.classes_alone(fleet) if each.classes[-1].id == "a40")
    whole = plans.first(asked, small)
    found = plans.rounds(asked, small, whole)
    assert found[0].usd_per_hour == min(each.usd_per_hour for each in found)
    assert plans.rounds(asked, small, None)
