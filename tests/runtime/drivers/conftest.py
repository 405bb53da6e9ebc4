"""Calls and driver settings for tests of drivers."""

from collections.abc import Callable
from typing import Any

import pytest

from placement.plan import OperatorPart, PartCall, PlanOperator
from runtime.drivers.driver import Call, DriverSettings


@pytest.fixture
def call() -> Callable[..., Call]:
    """`call("add", a=1)` is a call of that operator."""

    def make(operator: str, rest: Any = None, **arguments: Any) -> Call:
        return Call(
            run="run",
            instance=operator,
            attempt=1,
            operator=operator,
            arguments=arguments,
            rest=rest,
            in_turn=False,
            origin_s=0.0,
            arrived_at=0.0,
            transfer_s=0.0,
            remaining_s=None,
        )

    return make


@pytest.fixture
def fused(plans: Any, user_code: Any) -> Callable[..., PlanOperator]:
    """`fused("a_b", add={"a": "x"}, double={"a": "add"})` runs these functions one after another, 0.25 s each."""

    def make(id: str, **inputs: dict[str, str]) -> PlanOperator:
        calls = [
            PartCall(id=name, name=name, function=user_code.function(name), inputs=read)
            for name, read in inputs.items()
        ]
        parts = [OperatorPart(op="agent.compute", latency_s=0.25, call=call) for call in calls]
        return plans.operator(id, op="agent.fused", parts=parts)

    return make


@pytest.fixture
def settings(plans: Any, user_code: Any) -> Callable[..., DriverSettings]:
    """Settings for operators of the user's file; every operator has the name of its function."""

    def make(*names: str, op: str = "tool.compute", driver: str = "cpu", **changes: Any) -> DriverSettings:
        operators = {name: plans.operator(name, op=op, function=user_code.function(name)) for name in names}
        fields: dict[str, Any] = {
            "root": user_code.root,
            "pool": plans.pool(driver=driver),
            "operators": operators,
            "slots": 1,
            "time_scale": 0.001,
            "max_result_bytes": 1000,
        }
        return DriverSettings(**{**fields, **changes})

    return make
