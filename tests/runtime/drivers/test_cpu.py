"""The cpu driver with real processes: values, tracebacks, kills, limits."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runtime.drivers.cpu import CpuDriver
from runtime.drivers.driver import CallFailed, DriverSettings, Result
from runtime.errors import FunctionError
from runtime.flow import Flow, Whole

Settings = Callable[..., DriverSettings]


def on_driver(settings: DriverSettings, use: Callable[[CpuDriver], Awaitable[Any]]) -> Any:
    """Start a driver, use it, close it."""

    async def go() -> Any:
        driver = CpuDriver(settings)
        await driver.start()
        try:
            return await use(driver)
        finally:
            await driver.close()

    return asyncio.run(go())


def run_one(settings: DriverSettings, call: Any, limit_s: float | None = None) -> Result:
    operator = settings.operators[call.operator]
    return on_driver(settings, lambda driver: driver.run(call, operator, limit_s, Flow()))


def failure_of(settings: DriverSettings, call: Any, limit_s: float | None = None) -> Any:
    with pytest.raises(CallFailed) as error:
        run_one(settings, call, limit_s)
    return error.value.failure


def test_a_function_runs_in_another_process_and_its_time_is_measured(settings: Settings, call: Any) -> None:
    result = run_one(settings("pid"), call("pid"))
    assert result.value != os.getpid()
    assert 0 < result.duration_s < 10


def test_an_async_function_runs_too(settings: Settings, call: Any) -> None:
    assert run_one(settings("later"), call("later", a=[1, {"b": None}])).value == [1, {"b": None}]


def test_a_process_serves_one_call_after_the_other(settings: Settings, call: Any) -> None:
    made = settings("pid")

    async def twice(driver: CpuDriver) -> list[Any]:
        return [(await driver.run(call("pid"), made.operators["pid"], None, Flow())).value for _ in range(2)]

    first, second = on_driver(made, twice)
    assert first == second


def test_more_calls_at_once_than_processes_start_further_ones(settings: Settings, call: Any) -> None:
    made = settings("pid", slots=1)

    async def together(driver: CpuDriver) -> list[Any]:
        runs = [driver.run(call("pid"), made.operators["pid"], None, Flow()) for _ in range(3)]
        return [result.value for result in await asyncio.gather(*runs)]

    assert len(set(on_driver(made, together))) == 3


def test_an_exception_comes_back_with_the_users_frames(settings: Settings, call: Any, user_code: Any) -> None:
    failure = failure_of(settings("divide"), call("divide", a=1, b=0))
    assert (failure.kind, failure.type, failure.message) == ("raised", "ZeroDivisionError", "division by zero")
    frames = [line.split(", ") for line in failure.traceback.splitlines() if line.startswith("  File")]
    assert {file for file, _, _ in frames} == {f'  File "{user_code.root / "user_file.py"}"'}
    assert [function for _, _, function in frames] == ["in invoke_json", "in divide", "in inner"]
    assert "return a / b" in failure.traceback


def test_leaving_the_program_is_a_failure_like_any_other(settings: Settings, call: Any) -> None:
    made = settings("leave", "add")

    async def then_add(driver: CpuDriver) -> Any:
        with pytest.raises(CallFailed, match="SystemExit: leaving"):
            await driver.run(call("leave"), made.operators["leave"], None, Flow())
        return await driver.run(call("add", a=1), made.operators["add"], None, Flow())

    assert on_driver(made, then_add).value == 2


def test_a_timeout_kills_the_process_and_its_children_and_the_next_call_has_a_new_one(
    settings: Settings, call: Any, tmp_path: Path, processes: Any
) -> None:
    made, path = settings("hang", "pid"), tmp_path / "pids"

    async def hang_then_go_on(driver: CpuDriver) -> Any:
        with pytest.raises(CallFailed) as error:
            await driver.run(call("hang", path=str(path)), made.operators["hang"], 3.0, Flow())
        after = await driver.run(call("pid"), made.operators["pid"], None, Flow())
        return error.value, after.value

    error, after = on_driver(made, hang_then_go_on)
    assert (error.failure.kind, error.duration_s) == ("timeout", 3.0)
    assert error.failure.message == "hang did not end within 3 s and was killed"
    hanging, child = map(int, path.read_text().split())
    assert after != hanging
    assert processes.ended(hanging)
    assert processes.ended(child)


def test_cancelling_a_call_kills_its_process(settings: Settings, call: Any, tmp_path: Path, processes: Any) -> None:
    made, path = settings("hang"), tmp_path / "pids"

    async def cancel(driver: CpuDriver) -> None:
        task = asyncio.create_task(driver.run(call("hang", path=str(path)), made.operators["hang"], None, Flow()))
        await processes.until(lambda: path.exists() and len(path.read_text().split()) == 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    on_driver(made, cancel)
    assert all(processes.ended(int(pid)) for pid in path.read_text().split())


def test_closing_the_driver_leaves_no_process(settings: Settings, call: Any, processes: Any) -> None:
    made = settings("pid", slots=2)

    async def pid(driver: CpuDriver) -> int:
        return (await driver.run(call("pid"), made.operators["pid"], None, Flow())).value

    assert processes.ended(on_driver(made, pid))


def test_a_process_that_dies_is_a_loss_and_is_replaced(settings: Settings, call: Any) -> None:
    made = settings("die", "add")

    async def then_add(driver: CpuDriver) -> Any:
        with pytest.raises(CallFailed) as error:
            await driver.run(call("die"), made.operators["die"], None, Flow())
        return error.value.failure, await driver.run(call("add", a=1), made.operators["add"], None, Flow())

    failure, result = on_driver(made, then_add)
    assert (failure.kind, failure.message) == ("lost", "the process that ran die ended with exit code 7")
    assert result.value == 2


def test_a_result_that_is_too_large_is_refused(settings: Settings, call: Any) -> None:
    assert run_one(settings("large"), call("large", size=900)).value == "x" * 900
    failure = failure_of(settings("large"), call("large", size=1000))
    # {"value": "xxx"} has 13 characters around the text.
    assert (failure.kind, failure.type) == ("refused", "ResultTooLarge")
    assert failure.message.startswith("the result has 1013 bytes as JSON, the limit is 1000; return a reference")


def test_a_result_that_is_no_json_is_a_failure(settings: Settings, call: Any) -> None:
    assert "set is not JSON serializable" in failure_of(settings("no_json"), call("no_json")).message


def test_arguments_that_a_model_chose_and_that_do_not_fit(settings: Settings, call: Any) -> None:
    made = settings("argued")
    assert run_one(made, call("argued", rest={"a": 4})).value == 4
    for rest in ({"b": 4}, [4]):
        assert failure_of(made, call("argued", rest=rest)).kind == "arguments"


def test_an_operator_without_a_function_is_refused(settings: Settings, call: Any, plans: Any) -> None:
    made = settings(operators={"a": plans.operator("a")})
    assert "names no function" in failure_of(made, call("a")).message


def test_code_that_cannot_be_loaded_is_told_at_the_start(settings: Settings, plans: Any, user_code: Any) -> None:
    changed = user_code.function("add").model_copy(update={"sha256": "0" * 64})
    made = settings(operators={"add": plans.operator("add", function=changed)})
    with pytest.raises(FunctionError, match="changed since it was planned"):
        on_driver(made, lambda driver: asyncio.sleep(0))


def test_what_a_function_prepares_is_done_before_the_first_call(settings: Settings, call: Any) -> None:
    assert run_one(settings("prepared"), call("prepared")).value == "ready"


def test_a_preparation_that_fails_is_told_at_the_start(settings: Settings) -> None:
    with pytest.raises(FunctionError, match="bad annotation"):
        on_driver(settings("unprepared"), lambda driver: asyncio.sleep(0))


def test_a_process_that_dies_while_it_loads_is_told(settings: Settings, plans: Any, tmp_path: Path) -> None:
    text = "import os\nos._exit(3)\n"
    (tmp_path / "dies.py").write_text(text)
    function = {"source": "dies.py", "qualname": "f", "sha256": hashlib.sha256(text.encode()).hexdigest()}
    made = settings(operators={"f": plans.operator("f", function=function)}, root=tmp_path)
    with pytest.raises(FunctionError, match="loads the user's code ended with exit code 3"):
        on_driver(made, lambda driver: asyncio.sleep(0))


def test_a_models_work_is_not_user_code(settings: Settings, call: Any) -> None:
    failure = failure_of(settings("ask", op="llm.decode"), call("ask"))
    assert "llm.decode is a language model's work" in failure.message


def test_fused_functions_run_in_one_call_and_each_time_is_measured(settings: Settings, call: Any, fused: Any) -> None:
    operator = fused("both", add={"a": "x"}, pair={"a": "add", "b": "x"})
    result = run_one(settings(operators={"both": operator}), call("both", x=1))
    assert result.value == [2, 1]
    assert [part.id for part in result.parts] == ["add", "pair"]
    assert 0 < sum(part.duration_s for part in result.parts) <= result.duration_s


def test_a_failure_of_a_fused_function_names_it(settings: Settings, call: Any, fused: Any) -> None:
    operator = fused("both", add={"a": "x"}, divide={"a": "add", "b": "0"})
    failure = failure_of(settings(operators={"both": operator}), call("both", x=1))
    assert (failure.type, failure.instance) == ("ZeroDivisionError", "divide")
    assert "in divide" in failure.traceback


def test_fused_functions_that_cannot_be_loaded_are_refused_at_the_start(
    settings: Settings, call: Any, fused: Any
) -> None:
    with pytest.raises(FunctionError, match="bad annotation"):
        run_one(settings(operators={"both": fused("both", add={"a": "1"}, unprepared={})}), call("both"))


def test_the_parse_of_a_stream_passes_its_first_item_on_and_parses_the_whole_when_it_is_there(
    settings: Settings, call: Any
) -> None:
    made = settings("told", op="llm.parse")
    reading = replace(call("told"), streams={"text": 4.0}, items=4.0)

    async def use(driver: CpuDriver) -> tuple[float, Result]:
        flow = Flow(started_at=2.0)
        running = asyncio.create_task(driver.run(reading, made.operators["told"], None, flow))
        first_s = await flow.first
        flow.give_whole(Whole({"text": "hello"}, 5.0))
        return first_s, await running

    first_s, result = on_driver(made, use)
    plain = run_one(made, call("told", text="hello"))
    assert (first_s, result.value) == (0.0, plain.value)
    assert 3.0 < result.duration_s < 13.0  # the rest of the text is there 5 s - 2 s after its start
