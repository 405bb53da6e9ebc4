"""The simulated driver: predicted times, what stands for a model's work, and its limits."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from placement.plan import Promise
from runtime.drivers.driver import CallFailed, DriverSettings, PartTime, Result
from runtime.drivers.simulated import SimulatedDriver
from runtime.flow import Flow, Whole

Settings = Callable[..., DriverSettings]

KV = {"kv": "k", "messages": [{"role": "user", "content": "Q: x"}]}


def run_one(settings: DriverSettings, call: Any, limit_s: float | None = None) -> Result:
    async def go() -> Result:
        driver = SimulatedDriver(settings)
        await driver.start()
        try:
            return await driver.run(call, settings.operators[call.operator], limit_s, Flow())
        finally:
            await driver.close()

    return asyncio.run(go())


def predicted(settings: DriverSettings, name: str, mean_s: float) -> None:
    promised = Promise(mean_s=mean_s, cost_usd=0.0, source="test")
    settings.operators[name] = settings.operators[name].model_copy(update={"promised": promised})


def test_it_sleeps_the_scaled_and_reports_the_predicted_time(settings: Settings, call: Any) -> None:
    made = settings("hear", op="model.run", time_scale=0.01)
    predicted(made, "hear", 5.0)
    begun = time.perf_counter()
    assert run_one(made, call("hear", audio="")) == Result("[simulated hear]", 5.0)
    assert 0.05 <= time.perf_counter() - begun < 4  # 5 s x 0.01 = 50 ms at least, far from unscaled


def test_a_prefill_gives_a_handle_and_a_decode_the_text_for_it(settings: Settings, call: Any) -> None:
    prompt = {"messages": KV["messages"]}
    handle = run_one(settings("told", op="llm.prefill"), call("told", prompt=prompt)).value
    assert handle == {"kv": "run/told#1", "pool": "cpu", "simulated": True, "messages": prompt["messages"]}
    decode = call("told", kv=handle, arguments={"question": "x"})
    assert run_one(settings("told", op="llm.decode"), decode).value == "1 messages about x"


def test_a_prefill_after_a_prefix_is_handed_its_kv(settings: Settings, call: Any) -> None:
    prefix = run_one(settings("told", op="llm.prefix_prefill"), call("told")).value
    assert prefix == {"kv": "run/told#1", "pool": "cpu", "simulated": True}
    prompt = {"messages": KV["messages"]}
    handle = run_one(settings("told", op="llm.prefill"), call("told", prompt=prompt, prefix=prefix)).value
    assert (handle["messages"], handle["prefix"]) == (prompt["messages"], prefix["kv"])
    with pytest.raises(CallFailed) as error:
        run_one(settings("told", op="llm.prefill"), call("told", prompt=prompt, prefix={**prefix, "pool": "other"}))
    assert error.value.failure.message == "the KV of the prefix is in 'other', the prefill runs in 'cpu'"


def test_an_attention_hands_on_the_messages_to_the_linear_layers(settings: Settings, call: Any) -> None:
    attended = run_one(settings("told", op="llm.decode_attention"), call("told", kv=KV)).value
    assert attended == {"attended": "run/told#1", "pool": "cpu", "simulated": True, "messages": KV["messages"]}
    linear = call("told", attended=attended, arguments={"question": "x"})
    assert run_one(settings("told", op="llm.decode_linear"), linear).value == "1 messages about x"


def test_a_decoder_gives_the_value_of_the_run_whose_input_was_encoded(settings: Settings, call: Any) -> None:
    whole = run_one(settings("hear", op="model.run"), call("hear", audio="a.wav")).value
    encoded = run_one(settings("hear", op="model.encode"), call("hear", audio="a.wav")).value
    assert encoded == {"encoded": "run/hear#1", "pool": "cpu", "simulated": True, "arguments": {"audio": "a.wav"}}
    assert run_one(settings("hear", op="model.decode"), call("hear", encoded=encoded)).value == whole


def test_a_decode_without_simulate_is_a_placeholder_of_its_model(settings: Settings, call: Any) -> None:
    made = settings("ask", op="llm.decode")
    made.operators["ask"] = made.operators["ask"].model_copy(update={"model": "llama3.1-8b"})
    decode = call("ask", kv=KV, arguments={"question": "x"})
    assert run_one(made, decode).value == "[simulated llama3.1-8b]"


def test_a_decode_may_call_tools(settings: Settings, call: Any) -> None:
    decode = call("agentic", kv=KV, arguments={"question": "x"})
    value = run_one(settings("agentic", op="llm.decode"), decode).value
    assert value == {"content": None, "tool_calls": [{"name": "add", "arguments": {"a": 2, "b": 3}}]}


def test_a_prediction_beyond_the_limit_is_a_timeout_at_the_limit(settings: Settings, call: Any) -> None:
    made = settings("hear", op="model.run")
    predicted(made, "hear", 5.0)
    with pytest.raises(CallFailed) as error:
        run_one(made, call("hear", audio=""), limit_s=2.0)
    assert (error.value.failure.kind, error.value.duration_s) == ("timeout", 2.0)
    assert error.value.failure.message == "hear is predicted to take 5 s, its limit is 2 s"


def test_a_simulate_that_raises_fails_with_the_users_frames(settings: Settings, call: Any) -> None:
    decode = call("told", kv=KV, arguments={})
    with pytest.raises(CallFailed) as error:
        run_one(settings("told", op="llm.decode"), decode)
    assert error.value.failure.type == "KeyError"
    assert "arguments['question']" in error.value.failure.traceback


def test_other_user_code_really_runs_but_takes_the_predicted_time(settings: Settings, call: Any) -> None:
    made = settings("add", op="agent.compute")
    predicted(made, "add", 3.0)
    assert run_one(made, call("add", a=1)) == Result(2, 3.0)


def test_fused_functions_really_run_and_report_the_predicted_times(settings: Settings, call: Any, fused: Any) -> None:
    made = settings(operators={"both": fused("both", add={"a": "x"}, pair={"a": "add", "b": "x"})})
    predicted(made, "both", 0.5)
    result = run_one(made, call("both", x=1))
    parts = (PartTime("add", 0.25), PartTime("pair", 0.25))
    assert result == Result([2, 1], 0.5, parts)


@pytest.mark.parametrize(
    ("arrived_at", "expected_s"),
    [(3.0, 6.0), (9.0, 8.5)],  # its own 6 s, or 9 s less the start at 2 s and 6/4 s for the last of 4 items
)
def test_a_reader_of_a_stream_ends_by_the_formula(
    settings: Settings, call: Any, arrived_at: float, expected_s: float
) -> None:
    made = settings("hear", op="model.run", time_scale=0.001)
    predicted(made, "hear", 6.0)

    async def go() -> tuple[float, Result]:
        driver, flow = SimulatedDriver(made), Flow(started_at=2.0)
        await driver.start()
        reading = replace(call("hear"), streams={"audio": 4.0}, items=4.0)
        running = asyncio.create_task(driver.run(reading, made.operators["hear"], None, flow))
        first_s = await flow.first
        assert not running.done()
        flow.give_whole(Whole({"audio": "abc"}, arrived_at))
        return first_s, await running

    first_s, result = asyncio.run(go())
    assert first_s == 6.0 / 4
    assert result == Result("[simulated hear]", expected_s)


def test_a_stream_that_does_not_come_in_time_is_a_timeout(settings: Settings, call: Any) -> None:
    made = settings("hear", op="model.run", time_scale=0.001)
    predicted(made, "hear", 6.0)
    with pytest.raises(CallFailed, match="Timeout") as error:
        run_one(made, replace(call("hear"), streams={"audio": 4.0}), 7.0)
    assert (error.value.failure.kind, error.value.duration_s) == ("timeout", 7.0)


def test_models_that_take_turns_are_loaded_where_another_was_there(settings: Settings, call: Any) -> None:
    made = settings("hear", op="model.run")
    made.operators["again"] = made.operators["hear"]
    made = replace(made, pool=made.pool.model_copy(update={"loads_s": {"m1": 2.0, "m2": 3.0}}))
    for name, model in (("hear", "m1"), ("again", "m2")):
        predicted(made, name, 0.5)
        made.operators[name] = made.operators[name].model_copy(update={"model": model})

    async def go() -> list[float]:
        driver = SimulatedDriver(made)
        await driver.start()
        try:
            calls = [call(name, audio="") for name in ("hear", "hear", "again", "hear")]
            return [(await driver.run(one, made.operators[one.operator], None, Flow())).duration_s for one in calls]
        finally:
            await driver.close()

    # nothing is loaded at first: 2 + 0.5; then 0.5; m2 takes 3 + 0.5, and m1 is to load again
    assert asyncio.run(go()) == [2.5, 0.5, 3.5, 2.5]
