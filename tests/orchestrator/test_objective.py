import pytest

from orchestrator.objective import ObjectiveError, aim_of, parse_objective
from placement.shared_surrogate import Aim


@pytest.mark.parametrize(
    ("text", "aims", "meaning", "unit"),
    [
        ("cost", [{"cost": 1.0}], "least cost ($/h)", "$/h"),
        ("energy", [{"energy": 1.0}], "least energy (W)", "W"),
        (
            "cost, carbon",
            [{"cost": 1.0}, {"carbon": 1.0}],
            "least cost ($/h), then least carbon (gCO2e/h) within 1% of it",
            "gCO2e/h",
        ),
        (
            "cost+0.5*carbon",
            [{"cost": 1.0, "carbon": 0.5}],
            "least cost ($/h) + 0.5 x carbon (gCO2e/h)",
            "",
        ),
        ("throughput", [], "most throughput: by what factor all rates can grow", ""),
    ],
)
def test_what_may_be_asked_for(text: str, aims: list[dict[str, float]], meaning: str, unit: str) -> None:
    found = parse_objective(text)
    assert list(found.aims) == aims
    assert (found.meaning, found.unit) == (meaning, unit)
    assert found.is_cost == (text == "cost")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("speed", "names 'speed'; use cost, latency, energy, carbon or throughput"),
        ("", "names ''; use cost"),
        ("cost,2*carbon", "both an order and weights"),
        ("cost,energy+carbon", "both an order and weights"),
        ("cost,cost", "names an aim twice"),
        ("cost+2*cost", "names 'cost' twice"),
        ("-1*cost", "a weight is a number over 0"),
        ("nan*cost", "a weight is a number over 0"),
        ("x*cost", "a weight is a number over 0"),
        ("cost,throughput", "ask for throughput alone"),
    ],
)
def test_what_says_nothing_is_told(text: str, why: str) -> None:
    with pytest.raises(ObjectiveError) as got:
        parse_objective(text)
    assert why in str(got.value)


def test_weights_are_those_of_the_aim() -> None:
    assert aim_of({"cost": 1.0, "latency": 2.0}) == Aim(usd=1.0, watts=0.0, gco2e=0.0, latency=2.0)
    assert aim_of({"energy": 1.0}) == Aim(usd=0.0, watts=1.0)
