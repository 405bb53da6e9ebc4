"""What a simulated replica keeps between the turns of a react."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from runtime.drivers.driver import Call, DriverSettings
from runtime.drivers.kept_turns import KeptTurns
from runtime.drivers.simulated import SimulatedDriver
from runtime.flow import Flow

Q, A, T = ({"role": role, "content": role} for role in ("user", "assistant", "tool"))
Calls = Callable[..., Call]


def at(call: Calls, instance: str, run: str = "run", **arguments: Any) -> Call:
    return replace(call("think", **arguments), instance=instance, run=run)


def test_a_turn_finds_the_kv_of_the_turn_before(call: Calls) -> None:
    kept = KeptTurns(4)
    assert kept.next_turn(at(call, "r[0]/think.prefill"), [Q]) is None
    assert kept.next_turn(at(call, "r[1]/think.prefill"), [Q, A, T]) == "run/r[0]/think.prefill#1"
    assert kept.next_turn(at(call, "r[2]/think.prefill"), [Q, A, T, A, T]) == "run/r[1]/think.prefill#1"


def test_other_runs_and_other_reacts_have_their_own(call: Calls) -> None:
    kept = KeptTurns(4)
    kept.next_turn(at(call, "items[0]/r[0]/think.prefill"), [Q])
    assert kept.next_turn(at(call, "items[1]/r[1]/think.prefill"), [Q, A, T]) is None
    assert kept.next_turn(at(call, "items[0]/r[1]/think.prefill", run="other"), [Q, A, T]) is None
    assert kept.next_turn(at(call, "items[0]/r[1]/think.prefill"), [Q, A, T]) == "run/items[0]/r[0]/think.prefill#1"


def test_a_prompt_that_begins_otherwise_finds_nothing(call: Calls) -> None:
    kept = KeptTurns(4)
    kept.next_turn(at(call, "r[0]/think.prefill"), [Q])
    assert kept.next_turn(at(call, "r[1]/think.prefill"), [T, A, T]) is None
    assert kept.next_turn(at(call, "r[2]/think.prefill"), [T, A, T]) is None


def test_the_kv_that_was_not_used_for_longest_goes(call: Calls) -> None:
    kept = KeptTurns(2)
    for name in ("a", "b"):
        kept.next_turn(at(call, f"{name}[0]/think.prefill"), [Q])
    assert kept.next_turn(at(call, "a[1]/think.prefill"), [Q, A, T]) is not None
    kept.next_turn(at(call, "c[0]/think.prefill"), [Q])
    assert kept.next_turn(at(call, "b[1]/think.prefill"), [Q, A, T]) is None


def test_the_handle_of_a_turn_tells_what_it_found(settings: Callable[..., DriverSettings], call: Calls) -> None:
    made = settings("told", op="llm.prefill")
    made.operators["told"] = made.operators["told"].model_copy(update={"continues": True})

    async def go() -> list[Any]:
        driver = SimulatedDriver(made)
        await driver.start()
        found: list[Any] = []
        for turn, messages in enumerate(([Q], [Q, A, T])):
            each = replace(call("told", prompt={"messages": messages}), instance=f"r[{turn}]/told")
            found.append((await driver.run(each, made.operators["told"], None, Flow())).value)
        await driver.close()
        return found

    first, second = asyncio.run(go())
    assert (first["found"], second["found"]) == (None, first["kv"])
