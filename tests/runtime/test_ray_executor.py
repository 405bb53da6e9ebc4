"""Plans on a real, local Ray: both drivers, failures of code and of replicas, deadlines, scaled time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from placement.plan import FanoutNode, InterruptNode, PlanSla, PlanTransfer, Promise, ReactNode, Route
from runtime.errors import FunctionError, InputError, ProgramError, SessionError
from runtime.event_log import MemoryEventLog
from runtime.ray_executor import RayExecutor, run
from runtime.ray_session import open_session, ray
from runtime.run_options import RunOptions

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module", autouse=True)
def local_ray() -> Iterator[None]:
    """One Ray for all tests of this file; each executor shares it."""
    session = open_session({"cpu_core": 4, "h100_sxm": 8}, RunOptions())
    yield
    session.close()


@pytest.fixture
def options(user_code: Any) -> RunOptions:
    return RunOptions(root=user_code.root, time_scale=0.01)


@pytest.fixture
def step(plans: Any, user_code: Any) -> Any:
    """`step("add")` is an operator that runs that function on a CPU."""

    def operator(qualname: str, id: str | None = None, **changes: Any) -> Any:
        fields = {"op": "tool.compute", "function": user_code.function(qualname), **changes}
        return plans.operator(id or qualname, **fields)

    return operator


@pytest.fixture
def llm(plans: Any, user_code: Any) -> Any:
    """The four operators of an llm: 10 ms of prefill and 40 ms of decode on a simulated H100."""

    def operators(qualname: str) -> list[Any]:
        def phase(name: str, op: str, pool: str, mean_s: float) -> Any:
            return plans.operator(
                f"{qualname}.{name}",
                op=op,
                function=user_code.function(qualname),
                model="llama3.1-8b" if pool == "h100_sxm/llama" else None,
                routes=[Route(pool=pool, share=1.0)],
                promised=Promise(mean_s=mean_s, cost_usd=0.0, source="test"),
            )

        return [
            phase("render", "llm.render", "cpu", 0.001),
            phase("prefill", "llm.prefill", "h100_sxm/llama", 10.0),
            phase("decode", "llm.decode", "h100_sxm/llama", 40.0),
            phase("parse", "llm.parse", "cpu", 0.001),
        ]

    return operators


def llm_nodes(plans: Any, qualname: str, rest: str | None = None) -> list[Any]:
    """The nodes of one call, as placement writes them."""
    return [
        plans.op(f"{qualname}_render", rest, f"{qualname}.render", question="question"),
        plans.op(f"{qualname}_prefill", None, f"{qualname}.prefill", prompt=f"{qualname}_render"),
        plans.op(
            f"{qualname}_decode",
            rest,
            f"{qualname}.decode",
            kv=f"{qualname}_prefill",
            arguments="{'question': question}",
        ),
        plans.op(qualname, None, f"{qualname}.parse", text=f"{qualname}_decode"),
    ]


@pytest.fixture
def h100(plans: Any) -> list[Any]:
    gpu = plans.pool(
        "h100_sxm/llama", device="h100_sxm", driver="simulated", tp=2, batch=4, replicas=1, engine="continuous"
    )
    return [plans.pool(), gpu]


def test_the_cpu_driver_runs_the_users_functions(plans: Any, step: Any, options: RunOptions) -> None:
    nodes = [
        plans.op("add", a="x"),
        plans.op("later", a="add"),
        plans.op("twice", a="add", b="later", operator="twice"),
    ]
    operators = [step("add"), step("later"), step("add", "twice")]
    report = run(plans.plan(nodes, "twice", "x", operators=operators), {"x": 20}, options)
    assert (report.status, report.value, report.simulated) == ("success", 42, False)  # (20 + 1) + (20 + 1)
    assert report.results == {"add": 21, "later": 21, "twice": 42}
    assert [(o.id, o.device, o.count, o.promised_s) for o in report.operators] == [
        ("add", "cpu_core", 1, 1.0),
        ("later", "cpu_core", 1, 1.0),
        ("twice", "cpu_core", 1, 1.0),
    ]
    took_s = [o.measured_s for o in report.operators]
    assert all(time_s is not None and 0 < time_s < 1 for time_s in took_s)
    on_the_way_s = sum(attempt.overhead_s for attempt in report.attempts)
    assert report.latency_s == pytest.approx(sum(took_s) + on_the_way_s), "one after the other, without queueing"


def test_the_simulated_driver_takes_the_predicted_time_unscaled(
    plans: Any, llm: Any, h100: Any, options: RunOptions
) -> None:
    plan = plans.plan(
        llm_nodes(plans, "told"),
        "told",
        "question",
        operators=llm("told"),
        pools=h100,
        transfers=[
            PlanTransfer(src="told.prefill", dst="told.decode", kind="kv", size_bytes=1e6, latency_s=5.0, cost_usd=0.0)
        ],
        sla=PlanSla(stat="worst", limit_s=60.0),
    )
    report = run(plan, {"question": "x"}, replace(options, time_scale=0.01))
    assert (report.status, report.value) == ("success", "1 messages about x")
    assert (report.simulated, report.simulated_operators) == (True, ("told.prefill", "told.decode"))
    measured = {o.id: o.measured_s for o in report.operators}
    assert (measured["told.prefill"], measured["told.decode"]) == (10.0, 40.0)
    assert measured["told.render"] is not None
    assert measured["told.render"] < 1, "a real time is reported as measured, whatever the scale"
    (decode,) = [attempt for attempt in report.attempts if attempt.operator == "told.decode"]
    assert (decode.transfer_s, decode.driver, decode.replica) == (pytest.approx(5.0), "simulated", "h100_sxm/llama/0")
    assert 55 < report.latency_s < 56  # 10 + 5 + 40, and render and parse
    assert report.verdict == "met"
    assert 0.55 < report.wall_s < 5  # a hundredth of the predicted time was slept


def test_a_model_calls_tools(plans: Any, llm: Any, step: Any, h100: Any, options: RunOptions) -> None:
    react = ReactNode(
        id="agentic_react",
        turn=plans.block(llm_nodes(plans, "agentic", "messages"), "agentic", "messages"),
        tools={"add": plans.block([plans.op("add", "arguments")], "add", "arguments")},
        max_turns=3,
    )
    plan = plans.plan([react], "agentic_react", "question", operators=[*llm("agentic"), step("add")], pools=h100)
    report = run(plan, {"question": "2 + 3?"}, options)
    assert (report.status, report.value) == ("success", "it is 5")
    assert report.results["agentic_react[0][0]/add"] == 5


def test_a_function_that_raises_ends_the_run_and_keeps_the_results(
    plans: Any, step: Any, user_code: Any, options: RunOptions
) -> None:
    nodes = [plans.op("add", a="x"), plans.op("divide", a="add", b="0")]
    report = run(plans.plan(nodes, "divide", "x", operators=[step("add"), step("divide")]), {"x": 1}, options)
    assert (report.status, report.value, report.verdict) == ("error", None, "none")
    assert report.results == {"add": 2}
    assert report.error is not None
    assert (report.error.instance, report.error.type, report.error.message) == (
        "divide",
        "ZeroDivisionError",
        "division by zero",
    )
    assert "return inner(a, b)" in report.error.traceback
    assert "return a / b" in report.error.traceback
    assert "runtime" not in report.error.traceback, "only the user's frames"
    (failed,) = [o for o in report.operators if o.id == "divide"]
    assert (failed.count, failed.failures, failed.measured_s) == (0, 1, None)


def test_a_changed_source_is_refused_before_anything_starts(
    plans: Any, step: Any, user_code: Any, tmp_path: Path, options: RunOptions
) -> None:
    text = (user_code.root / "user_file.py").read_text()
    (tmp_path / "user_file.py").write_text(text + "\n# changed\n")
    plan = plans.plan([plans.op("add", a="1")], "add", operators=[step("add")])
    with pytest.raises(FunctionError, match=r"user_file.py was changed since it was planned: 'add' .* plan again"):
        run(plan, {}, replace(options, root=tmp_path))


def test_a_missing_device_is_told_before_any_actor_is_made(plans: Any, step: Any, options: RunOptions) -> None:
    pools = [plans.pool("gaudi", device="gaudi3", driver="simulated", replicas=3, tp=2, engine="continuous")]
    plan = plans.plan([plans.op("add", a="1")], "add", operators=[step("add", routes=[Route(pool="gaudi", share=1)])])
    executor = RayExecutor(plan.model_copy(update={"pools": pools}), options)
    with pytest.raises(SessionError, match="the plan needs 6 gaudi3"):
        executor.start()
    assert ray.util.list_named_actors(all_namespaces=True) == []


def test_devices_that_another_executor_holds_are_told(
    plans: Any, step: Any, options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.ray_session.RELEASE_LIMIT_S", 0.1)
    plan = plans.plan([plans.op("add", a="1")], "add", operators=[step("add")], pools=[plans.pool(replicas=3)])
    first, second = RayExecutor(plan, options), RayExecutor(plan, options)
    first.start()
    try:
        with pytest.raises(SessionError, match=r"other actors hold devices .* 3 cpu_core \(1 free\)"):
            second.start()
    finally:
        first.close()


def test_an_unknown_driver_is_told(plans: Any, step: Any, options: RunOptions) -> None:
    plan = plans.plan([plans.op("add", a="1")], "add", operators=[step("add")], pools=[plans.pool(driver="magic")])
    with pytest.raises(ProgramError, match="asks for the driver 'magic'; there are cpu, simulated"):
        run(plan, {}, options)


def test_broken_code_is_told_when_starting(plans: Any, tmp_path: Path, options: RunOptions) -> None:
    import hashlib

    (tmp_path / "broken.py").write_text("import no_such_module\n")
    function = {
        "source": "broken.py",
        "qualname": "f",
        "sha256": hashlib.sha256(b"import no_such_module\n").hexdigest(),
    }
    plan = plans.plan([plans.op("f")], "f", operators=[plans.operator("f", function=function)])
    with pytest.raises(FunctionError, match=r"importing broken\.py raised ModuleNotFoundError"):
        run(plan, {}, replace(options, root=tmp_path))


@pytest.mark.parametrize(("idempotent", "status"), [(True, "success"), (False, "error")])
def test_a_killed_replica_is_replaced(
    plans: Any, step: Any, options: RunOptions, tmp_path: Path, processes: Any, idempotent: bool, status: str
) -> None:
    """The first attempt never ends; its replica is killed while it runs. The second attempt finds the file and ends.

    The process of the first attempt ends with its replica.
    """
    operator = step("wait_once", idempotent=idempotent, retries=1)
    executor = RayExecutor(
        plans.plan([plans.op("wait_once", path="x")], "wait_once", "x", operators=[operator]), options
    )
    flag = tmp_path / "begun"

    async def go() -> Any:
        under_way = asyncio.create_task(executor.execute({"x": str(flag)}))
        await processes.until(flag.exists)
        ray.kill(executor._replicas["cpu"][0].actor)
        report = await under_way
        await processes.until(lambda: processes.ended(int(flag.read_text())))
        return report

    executor.start()
    try:
        report = asyncio.run(go())
        assert report.status == status
        names = [entry["name"] for entry in ray.util.list_named_actors(all_namespaces=True)]
        assert "cpu_core/cpu/0 (2)" in names
    finally:
        executor.close()
    assert [attempt.error is None for attempt in report.attempts] == ([False, True] if idempotent else [False])
    assert "died" in (report.attempts[0].error or "")
    if not idempotent:
        assert (report.error.kind, report.error.instance) == ("lost", "wait_once")


def test_a_deadline_ends_the_run_as_timeout(plans: Any, llm: Any, h100: Any, options: RunOptions) -> None:
    plan = plans.plan(llm_nodes(plans, "told"), "told", "question", operators=llm("told"), pools=h100)
    report = run(plan, {"question": "x"}, replace(options, deadline_s=20.0, on_miss="cancel"))
    assert (report.status, report.latency_s, report.verdict) == ("timeout", 20.0, "missed")
    assert list(report.results) == ["told.render", "told.prefill"], "what was done is kept"


def test_waiting_for_a_slot_is_time_of_the_run(plans: Any, user_code: Any, h100: Any, options: RunOptions) -> None:
    # Six calls of 10 s on a replica with four slots: two of them wait 10 s.
    operator = plans.operator(
        "hear",
        op="model.run",
        model="whisper",
        function=user_code.function("hear"),
        routes=[Route(pool="h100_sxm/llama", share=1.0)],
        promised=Promise(mean_s=10.0, cost_usd=0.0, source="test"),
    )
    body = plans.block([plans.op("hear", audio="a")], "hear", "a")
    fan = FanoutNode(id="fan", items="xs", body=body, max=6)
    plan = plans.plan([fan], "fan", "xs", operators=[operator], pools=h100)
    report = run(plan, {"xs": list("abcdef")}, options)
    assert sorted(attempt.started_at_s for attempt in report.attempts) == [0, 0, 0, 0, 10, 10]
    assert report.latency_s == max(attempt.finished_at_s + attempt.overhead_s for attempt in report.attempts)
    assert max(attempt.finished_at_s for attempt in report.attempts) == 20.0
    (measured,) = report.operators[:1]
    assert (measured.measured_s, measured.count) == (10.0, 6)
    assert measured.mean_queued_s == pytest.approx(20 / 6)


def test_many_runs_share_a_warm_executor(plans: Any, step: Any, options: RunOptions) -> None:
    log = MemoryEventLog()
    plan = plans.plan([plans.op("add", a="x")], "add", "x", operators=[step("add")])
    executor = RayExecutor(plan, options, log)
    seen: list[str] = []

    async def go() -> list[Any]:
        runs = [executor.execute({"x": i}, run_id=f"r{i}", on_event=lambda r: seen.append(r.kind)) for i in range(5)]
        return await asyncio.gather(*runs)

    executor.start()
    try:
        reports = asyncio.run(go())
        assert [(report.run_id, report.value) for report in reports] == [(f"r{i}", i + 1) for i in range(5)]
        with pytest.raises(InputError, match=r"the agent takes \['x'\]"):
            asyncio.run(executor.execute({"y": 1}))
    finally:
        executor.close()
    of_first = [(record.number, record.kind) for record in log.records if record.run == "r0"]
    assert of_first == [(0, "submitted"), (1, "dispatched"), (2, "started"), (3, "succeeded"), (4, "finished")]
    assert len(seen) == 25


def test_a_question_is_answered_from_the_options_or_ends_the_run(plans: Any, step: Any, options: RunOptions) -> None:
    nodes = [InterruptNode(id="sure", question="x"), plans.op("add", a="sure")]
    plan = plans.plan(nodes, "add", "x", operators=[step("add")])
    answered = run(plan, {"x": "how many?"}, replace(options, answers={"sure": 4}))
    assert (answered.status, answered.value) == ("success", 5)
    open_question = run(plan, {"x": "how many?"}, options)
    assert (open_question.status, open_question.questions) == ("interrupted", {"sure": "how many?"})


def test_a_waiting_run_goes_on_with_an_answer_and_another_is_cancelled(
    plans: Any, step: Any, options: RunOptions
) -> None:
    nodes = [InterruptNode(id="sure", question="x"), plans.op("add", a="sure")]
    plan = plans.plan(nodes, "add", "x", operators=[step("add")])
    executor = RayExecutor(plan, replace(options, on_question="wait"))

    async def go() -> tuple[Any, Any]:
        asked = asyncio.Event()
        hears = lambda record: asked.set() if record.kind == "asked" else None  # noqa: E731
        one = asyncio.create_task(executor.execute({"x": "?"}, run_id="one", on_event=hears))
        await asked.wait()
        executor.answer("one", "sure", 9)
        asked.clear()
        two = asyncio.create_task(executor.execute({"x": "?"}, run_id="two", on_event=hears))
        await asked.wait()
        executor.cancel("two")
        return await one, await two

    executor.start()
    try:
        answered, cancelled = asyncio.run(go())
    finally:
        executor.close()
    assert (answered.status, answered.value) == ("success", 10)
    assert (cancelled.status, cancelled.verdict) == ("cancelled", "none")
