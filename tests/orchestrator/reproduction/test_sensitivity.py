"""The study changes one assumption at a time, and every kind that the issue asks for."""

from dataclasses import fields

from orchestrator.reproduction.findings import FINDINGS
from orchestrator.reproduction.scenario import BASIS, Scenario
from orchestrator.reproduction.sensitivity import SCENARIOS, across, steadiness, table


def changed(scenario: Scenario) -> set[str]:
    names = {each.name for each in fields(Scenario)} - {"name"}
    return {name for name in names if getattr(scenario, name) != getattr(BASIS, name)}


def test_every_kind_is_there_and_names_are_unique() -> None:
    assert {"cost", "FLOPs", "efficiency", "limits"} <= {kind for kind, _ in SCENARIOS}
    assert len({scenario.name for _, scenario in SCENARIOS}) == len(SCENARIOS)
    limits = [scenario.latency for kind, scenario in SCENARIOS if kind == "limits"]
    assert len({limit.ttft_s for limit in limits}) > 2
    assert len({limit.tbt_s for limit in limits}) > 2


def test_one_thing_changes_unless_the_name_says_two() -> None:
    for _, scenario in SCENARIOS[1:]:
        assert len(changed(scenario)) == (
            2 if ", FP16 as printed" in scenario.name or "MI300x, " in scenario.name else 1
        )


def test_the_table_has_a_row_for_each_scenario_and_a_column_for_each_finding() -> None:
    made = table()
    assert len(made.rows) == len(SCENARIOS)
    assert all(len(row) == 2 + len(FINDINGS) for row in made.rows)


def test_steadiness_names_the_extremes() -> None:
    finding = next(each for each in FINDINGS if each.id == "b")
    found = across(finding)
    least = min(each.true_cells / each.cells for each in found.values())
    assert steadiness(finding).startswith(f"from {round(least * 16)} of 16")
