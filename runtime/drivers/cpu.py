"""The driver of CPU cores: really runs the user's function, in a process that can be killed.

Times are measured, from the moment at which a process takes the call to the moment at which its answer is here.
"""

from __future__ import annotations

from time import perf_counter

from placement.plan import PlanOperator
from runtime.drivers.driver import Call, CallFailed, DriverSettings, PartTime, Result, arrived
from runtime.drivers.worker_pool import WorkerPool
from runtime.drivers.worker_process import WorkerDied
from runtime.errors import FunctionError
from runtime.failure import Failure
from runtime.flow import Flow


class CpuDriver:
    """Worker processes for the slots of one replica."""

    simulated = False
    wall_s_per_virtual_s = 1.0

    def __init__(self, settings: DriverSettings) -> None:
        named = [function for operator in settings.operators.values() for function in operator.functions]
        functions = {(function.source, function.qualname): function for function in named}
        self._workers = WorkerPool(settings.root, list(functions.values()), settings.max_result_bytes)
        self._slots = settings.slots

    async def start(self) -> None:
        """Start the processes. Raises `FunctionError` for code that cannot be loaded."""
        await self._workers.start(self._slots)

    async def run(self, call: Call, operator: PlanOperator, limit_s: float | None, flow: Flow) -> Result:
        """Run the call once all of its arguments are there; a process that is not done after `limit_s` is killed.

        The parse of a plain text passes on what it gets, so its first item is out at once.
        """
        if call.streams and operator.op == "llm.parse":
            flow.tell_first(0.0)
        call, late_s = await arrived(call, flow)
        try:
            result = await self.perform(call, operator, None if limit_s is None else max(0.0, limit_s - late_s))
        except CallFailed as error:
            raise CallFailed(error.failure, late_s + error.duration_s) from None
        return Result(result.value, late_s + result.duration_s, result.parts)

    async def perform(self, call: Call, operator: PlanOperator, limit_s: float | None) -> Result:
        """Run the user's function of a call in a process, and measure it."""
        if not operator.functions:
            message = f"operator {operator.id!r} names no function, so there is nothing to run on a CPU; plan again"
            raise CallFailed(Failure("refused", "FunctionError", message), 0.0)
        message = {
            "op": operator.op,
            "function": None if operator.function is None else operator.function.model_dump(),
            "calls": [call.model_dump() for call in operator.calls],
            "arguments": call.arguments,
            "rest": call.rest,
            "in_turn": call.in_turn,
        }
        begun = perf_counter()
        try:
            answer, took_s = await self._workers.request(message, limit_s)
        except TimeoutError:
            failure = Failure("timeout", "Timeout", f"{operator.id} did not end within {limit_s:g} s and was killed")
            raise CallFailed(failure, limit_s or 0.0) from None
        except WorkerDied as error:
            failure = Failure("lost", "ProcessDied", f"the process that ran {operator.id} ended {error}")
            raise CallFailed(failure, perf_counter() - begun) from None
        except FunctionError as error:
            raise CallFailed(Failure("refused", "FunctionError", str(error)), perf_counter() - begun) from None
        if "failure" in answer:
            raise CallFailed(Failure(**answer["failure"]), took_s)
        return Result(answer["value"], took_s, tuple(PartTime(*part) for part in answer.get("parts", ())))

    async def close(self) -> None:
        """End the processes."""
        await self._workers.close()
