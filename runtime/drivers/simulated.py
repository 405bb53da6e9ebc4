"""The driver of devices that are not there: takes the predicted time, and gives what `simulate=` says or a labelled
placeholder.

A call sleeps its predicted time times the time scale and reports it unscaled. A language model's prefill gives a
handle that stands for the KV, its decode text. User code that a plan places here (a render, a parse, a tool) really
runs, in a process of its own, but its time too is the predicted one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from math import inf
from time import perf_counter
from typing import cast

from placement.plan import PlanOperator
from runtime.drivers.cpu import CpuDriver
from runtime.drivers.driver import Call, CallFailed, DriverSettings, PartTime, Result, arrived
from runtime.drivers.kept_turns import KeptTurns
from runtime.drivers.user_code import failure_of
from runtime.events import Json
from runtime.failure import Failure
from runtime.flow import Flow
from runtime.functions import SimulatedModel, TextGenerator, load, simulated_model, text_generator


class SimulatedDriver:
    """Sleeps instead of a device."""

    simulated = True

    def __init__(self, settings: DriverSettings) -> None:
        self._settings = settings
        self._user_code: CpuDriver | None = None
        self._loaded: str | None = None
        self._turns = KeptTurns(settings.slots + (settings.pool.keeps or settings.slots))
        self.wall_s_per_virtual_s = settings.time_scale

    async def start(self) -> None:
        """Load the functions. Raises `FunctionError` for code that cannot be loaded."""
        operators = self._settings.operators.values()
        for operator in operators:
            for function in operator.functions:
                load(function, self._settings.root)
        if any(operator.op not in _MODEL_OPS for operator in operators):
            self._user_code = CpuDriver(self._settings)
            await self._user_code.start()

    async def run(self, call: Call, operator: PlanOperator, limit_s: float | None, flow: Flow) -> Result:
        """Make the value while the predicted time passes; a prediction beyond `limit_s` is a timeout.

        What reads a stream ends by the formula of `costmodel.stream`: no earlier than its share for one item after the
        last. The first item of what gives one is out after its share of the predicted time. A model that is not loaded,
        where models take turns, is loaded first.
        """
        predicted_s, begun = self._predicted_s(operator), perf_counter()
        load_s = self._load_s(operator)
        duration_s, items = load_s + predicted_s, min(call.streams.values(), default=1.0)
        try:
            async with asyncio.timeout(None if limit_s is None else limit_s * self.wall_s_per_virtual_s):
                if call.items is not None:
                    first_s = load_s + predicted_s / call.items
                    await self._until(begun, first_s)
                    flow.tell_first(first_s)
                if call.streams:
                    call, late_s = await arrived(call, flow)
                    duration_s = max(duration_s, late_s + predicted_s / items)
                if limit_s is not None and duration_s > limit_s:
                    await asyncio.sleep(inf)
        except TimeoutError:
            message = f"{operator.id} is predicted to take {load_s + predicted_s:g} s, its limit is {limit_s:g} s"
            raise CallFailed(Failure("timeout", "Timeout", message), limit_s or 0.0) from None
        value = await self._value(call, operator)
        await self._until(begun, duration_s)
        parts = [PartTime(part.call.id, part.latency_s) for part in operator.parts if part.call is not None]
        return Result(value, duration_s, tuple(parts))

    def _predicted_s(self, operator: PlanOperator) -> float:
        """What a call takes in this pool, where the operator has several; else what is promised."""
        here = (route.mean_s for route in operator.routes if route.pool == self._settings.pool.id)
        return next((mean_s for mean_s in here if mean_s is not None), operator.promised.mean_s)

    def _load_s(self, operator: PlanOperator) -> float:
        """Seconds to load the operator's model, where the pool's models take turns and another was here before."""
        model, loads_s = operator.model, self._settings.pool.loads_s
        if model is None or model not in loads_s or model == self._loaded:
            return 0.0
        self._loaded = model
        return loads_s[model]

    async def _until(self, begun: float, after_s: float) -> None:
        """Sleep until so many virtual seconds after the real time `begun`."""
        await asyncio.sleep(max(0.0, after_s * self.wall_s_per_virtual_s - (perf_counter() - begun)))

    async def close(self) -> None:
        """End the processes of user code."""
        if self._user_code is not None:
            await self._user_code.close()

    async def _value(self, call: Call, operator: PlanOperator) -> Json:
        make = _MODEL_OPS.get(operator.op)
        if make is None:
            assert self._user_code is not None, "start() has seen every operator of this pool"
            return (await self._user_code.perform(call, operator, operator.timeout_s)).value
        try:
            async with asyncio.timeout(operator.timeout_s):
                value = await asyncio.to_thread(make, call, operator, self._settings)
        except Exception as error:
            raise CallFailed(failure_of(error, operator.function, self._settings.root), 0.0) from None
        if operator.continues:
            handle = cast("dict[str, Json]", value)
            return {**handle, "found": self._turns.next_turn(call, cast("list[Json]", handle["messages"]))}
        return value


def _prefill(call: Call, operator: PlanOperator, settings: DriverSettings) -> Json:
    """A handle that stands for the KV of a prompt, with the messages that it was made of, and the prefix that it found.

    A prefix elsewhere is not there: raises `ValueError`.
    """
    prompt = cast(dict[str, Json], call.arguments["prompt"])
    handle = {"kv": call.key, "pool": settings.pool.id, "simulated": True, "messages": prompt["messages"]}
    prefix = cast("dict[str, Json] | None", call.arguments.get("prefix"))
    if prefix is None:
        return handle
    if prefix["pool"] != settings.pool.id:
        raise ValueError(f"the KV of the prefix is in {prefix['pool']!r}, the prefill runs in {settings.pool.id!r}")
    return {**handle, "prefix": prefix["kv"]}


def _prefix(call: Call, operator: PlanOperator, settings: DriverSettings) -> Json:
    """A handle that stands for the KV with which several prompts begin."""
    return {"kv": call.key, "pool": settings.pool.id, "simulated": True}


def _decode_attention(call: Call, operator: PlanOperator, settings: DriverSettings) -> Json:
    """A handle that stands for what the attention tells the linear layers, with the messages behind its KV."""
    kv = cast(dict[str, Json], call.arguments["kv"])
    return {"attended": call.key, "pool": settings.pool.id, "simulated": True, "messages": kv["messages"]}


def _decode(call: Call, operator: PlanOperator, settings: DriverSettings) -> Json:
    """The text, or the turn with tool calls, that the user's `simulate=` gives; else a placeholder."""
    held = cast(dict[str, Json], call.arguments["attended" if operator.op == "llm.decode_linear" else "kv"])
    arguments = cast(dict[str, Json], call.arguments["arguments"])
    function = cast(TextGenerator, _function(operator, settings, text_generator))
    said = function.simulate_json(arguments, held["messages"])
    return function.placeholder_text(_model(operator)) if said is None else said


def _run_model(call: Call, operator: PlanOperator, settings: DriverSettings) -> Json:
    """The value that the user's `simulate=` gives; else a placeholder."""
    return _simulated_run(call.arguments, operator, settings)


def _encode(call: Call, operator: PlanOperator, settings: DriverSettings) -> Json:
    """A handle that stands for an encoder's output, with the arguments that it was made of."""
    return {"encoded": call.key, "pool": settings.pool.id, "simulated": True, "arguments": dict(call.arguments)}


def _decode_encoded(call: Call, operator: PlanOperator, settings: DriverSettings) -> Json:
    """The value of the run whose input was encoded."""
    encoded = cast(dict[str, Json], call.arguments["encoded"])
    return _simulated_run(cast(dict[str, Json], encoded["arguments"]), operator, settings)


def _simulated_run(arguments: Mapping[str, Json], operator: PlanOperator, settings: DriverSettings) -> Json:
    function = cast(SimulatedModel, _function(operator, settings, simulated_model))
    said = function.simulate_json(arguments)
    return json.loads(function.placeholder_text(_model(operator))) if said is None else said


def _function(operator: PlanOperator, settings: DriverSettings, kind: Callable[..., object]) -> object:
    assert operator.function is not None, "a model's operator names the function that it stands for"
    return kind(load(operator.function, settings.root))


def _model(operator: PlanOperator) -> str:
    return operator.model or operator.name


_MODEL_OPS: dict[str, Callable[[Call, PlanOperator, DriverSettings], Json]] = {
    "llm.prefix_prefill": _prefix,
    "llm.prefill": _prefill,
    "llm.decode": _decode,
    "llm.decode_attention": _decode_attention,
    "llm.decode_linear": _decode,
    "model.run": _run_model,
    "model.encode": _encode,
    "model.decode": _decode_encoded,
}
