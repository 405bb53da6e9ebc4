"""Tables in points: joules and grams by device seconds, dollars by weight."""

from dataclasses import replace

import pytest

from placement.problem import Edge, OpNode, Option, Placement, Transfer
from placement.run_aims import AimError, PerSecond, RunAim, amount, in_points
from tests.placement.problems import FREE, chain, operator, pool, problem

USES = {"x": PerSecond(100.0, 0.02), "y": PerSecond(700.0, 0.01)}


def two_places() -> tuple[Option, Option]:
    return Option(0, 2.0, 0.5, device_s=3.0), Option(1, 0.5, 1.5, device_s=0.25)


def table():
    first = replace(operator("a", visits=2.0), options=two_places())
    second = replace(operator("b"), options=two_places())
    move = {("x", "x"): FREE, ("y", "y"): FREE, ("x", "y"): Transfer(0.1, 0.25)}
    return problem(
        (first, second),
        chain(OpNode(0), OpNode(1)),
        pools=(pool("x"), pool("y")),
        edges=(Edge(0, 1, "place", 1.0, 1.0, move),),
    )


@pytest.mark.parametrize(
    ("aim", "reached"),
    [
        (RunAim(usd=1.0), 2 * 0.5 + 1.5 + 0.25),
        (RunAim(joules=1.0), 2 * 3.0 * 100.0 + 0.25 * 700.0),
        (RunAim(gco2e=1.0), 2 * 3.0 * 0.02 + 0.25 * 0.01),
        (RunAim(seconds=1.0), 2.0 + 0.1 + 0.5),
        (RunAim(usd=1.0, joules=0.01, seconds=3.0), 2.75 + 0.01 * 775.0 + 3.0 * 2.6),
    ],
)
def test_what_a_placement_reaches(aim: RunAim, reached: float) -> None:
    # a on x twice, b on y once, with one move of $0.25 and 0.1 s between them.
    assert amount(table(), USES, aim, Placement((0, 1), ())) == pytest.approx(reached)


def test_what_nobody_says_is_named() -> None:
    with pytest.raises(AimError, match="a may run on y, and nobody says what a device of it uses; minimise cost or"):
        in_points(table(), {"x": USES["x"]}, RunAim(joules=1.0))
    held = replace(table(), operators=(operator("a", (0, 1.0, 1.0)), table().operators[1]))
    with pytest.raises(AimError, match="a may run on x, and nobody says for how long a call holds it"):
        in_points(held, USES, RunAim(gco2e=1.0))
    assert in_points(held, {}, RunAim(usd=2.0)).operators[0].options[0].cost_usd == 2.0
