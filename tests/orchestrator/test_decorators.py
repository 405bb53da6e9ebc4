"""Decorators check their keywords on their own line and return a callable that is otherwise the function."""

import copy
import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator import agent, compute, llm, memory, model, tool
from orchestrator.errors import DecorationError, TraceError
from orchestrator.functions import load_file
from orchestrator.graph_json import graph_from_json, to_json

SAMPLE = Path(__file__).with_name("agents_sample.py")


@pytest.mark.parametrize(
    ("decorator", "problem"),
    [
        ("@llm(model='m')", "max_tokens= is missing"),
        ("@llm(max_tokens=1)", "model=None names no model"),
        ("@llm(model='', max_tokens=1)", "model='' is not a list of different model names"),
        ("@llm(model=[], max_tokens=1)", "model=[] names no model"),
        ("@llm(model=['m', 'm'], max_tokens=1)", "not a list of different model names"),
        ("@llm(model=['m', 3], max_tokens=1)", "not a list of different model names"),
        ("@llm(model='m', max_tokens=0)", "max_tokens=0 must be a whole number of at least 1"),
        ("@llm(model='m', max_tokens=2.5)", "max_tokens=2.5 must be a whole number"),
        ("@llm(model='m', max_tokens=True)", "max_tokens=True must be a whole number"),
        ("@llm(model='m', max_tokens=9, tokens_in=-1)", "tokens_in=-1 must be a finite number that is not negative"),
        ("@llm(model='m', max_tokens=9, tokens_out=-1)", "tokens_out=-1 must be a finite number"),
        ("@llm(model='m', max_tokens=9, tokens_out=10)", "tokens_out=10 exceeds max_tokens=9"),
        ("@llm(model='m', max_tokens=9, prefix_tokens=-1)", "prefix_tokens=-1 must be a whole number of at least 1"),
        ("@llm(model='m', max_tokens=9, prefix_tokens=2.5)", "prefix_tokens=2.5 must be a whole number"),
        ("@llm(model='m', max_tokens=9, tokens_in=5, prefix_tokens=6)", "prefix_tokens=6 exceeds tokens_in=5"),
        ("@llm(model='m', max_tokens=9, tokens_in=float('inf'))", "tokens_in=inf must be a finite number"),
        ("@llm(model='m', max_tokens=9, tokens_in=10**400)", "must be a finite number"),
        ("@llm(model='m', max_tokens=9, token_in=3)", "unknown keyword 'token_in'"),
        ("@llm(model='m', max_tokens=9, latency='1s')", "unknown keyword 'latency'"),
        ("@tool(latency=-1)", "latency=-1"),
        ("@tool(latency='soon')", "latency='soon'"),
        ("@tool(latency='1s', latency_sd='-1s')", "latency_sd='-1s'"),
        ("@tool(cost_usd=-0.1)", "cost_usd=-0.1 must be"),
        ("@tool(cost_usd='free')", "cost_usd='free' must be"),
        ("@tool(tokens_out=-3)", "tokens_out=-3 must be"),
        ("@tool(cpu='2s', latency='1s')", "cpu='2s' exceeds latency='1s'"),
        ("@tool(cpu='2s')", "cpu='2s' exceeds latency=None"),
        ("@tool(timeout=0)", "timeout=0 is not positive"),
        ("@tool(timeout='0ms')", "timeout='0ms' is not positive"),
        ("@tool(retries=-1, idempotent=True)", "retries=-1 must be"),
        ("@tool(retries=2)", "retries=2 on a function that is not idempotent"),
        ("@tool(idempotent=1)", "idempotent=1 is not a bool"),
        ("@tool(stream='yes')", "stream='yes' is not a bool"),
        ("@tool(items=3)", "items=3 with stream=False"),
        ("@tool(stream=True, items=1)", "items=1 with stream=True"),
        ("@tool(pure=1)", "pure=1 is not a bool"),
        ("@tool(pure=True, idempotent=False)", "pure=True on a function that is not idempotent"),
        ("@memory(op='store', pure=True)", "pure=True with op='store'"),
        ("@llm(model='m', max_tokens=9, pure=True)", "unknown keyword 'pure'"),
        ("@tool(k=3)", "unknown keyword 'k'"),
        ("@memory(k=0)", "k=0 must be a whole number of at least 1"),
        ("@memory(op='erase')", "op='erase' is no memory operation"),
        ("@memory(op='store', k=2)", "k=2 with op='store'"),
        ("@memory(op='store', retries=1)", "retries=1 on a function that is not idempotent"),
        ("@model(model='m')", "the size of the input is given by none"),
        ("@model(model='m', tokens=3, images=1)", "the size of the input is given by tokens, images"),
        ("@model(tokens=3)", "model=None names no model"),
        ("@model(model='m', audio_s='-3s')", "audio_s='-3s'"),
        ("@agent(sla='p42=3s')", "sla='p42=3s': unknown SLA statistic 'p42'"),
        ("@agent(sla={'p95': '4s', 'mean': '1s'})", "names exactly one statistic"),
        ("@agent(sla=0)", "the limit must be positive"),
        ("@agent(first_output='1s', sla={'first_output_p95': '1s'})", "state the limit on the first output once"),
        ("@agent(first_output='x')", "first_output='x'"),
        ("@agent(degrade={'colour': 1})", "degrade={'colour': 1}"),
        ("@agent(degrade={})", "degrade={}"),
        ("@agent(degrade={'max_iters': 0})", "max_iters=0 must be a whole number of at least 1"),
        ("@agent(degrade={'model': ''})", "model=''"),
        ("@agent(deadline='4s')", "unknown keyword 'deadline'"),
    ],
)
def test_a_wrong_keyword_is_an_error_on_the_decorators_line(written, decorator: str, problem: str) -> None:
    with pytest.raises(DecorationError) as caught:
        written(f"x = 1\n{decorator}\ndef f(a: int) -> int:\n    return a\n")
    assert problem in str(caught.value)
    assert caught.value.remedy
    assert caught.value.where == "agents.py:4"
    assert "'f'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("tool(lambda x: x)", "lambda", 3),
        ("class C:\n    @tool\n    def f(self): ...", "'C.f' is a method", 4),
        ("class C:\n    @staticmethod\n    @tool\n    def f(): ...", "'C.f' is a method", 4),
        ("@tool\nclass C: ...", "is applied to <class", 3),
        ("tool(3)", "is applied to 3", 3),
        ("tool(len)", "is applied to <built-in function len>", 3),
        ("@tool\n@compute\ndef f(): ...", "decorated twice", 3),
        ("@tool\ndef f():\n    yield 1", "is a generator", 3),
        ("@tool\nasync def f():\n    yield 1", "is a generator", 3),
        ("@agent\nasync def f(): ...", "is async", 3),
        ("@agent\ndef f(*args): ...", "takes *args", 3),
        ("@agent\ndef f(**named): ...", "takes **named", 3),
        ("@agent\ndef f(_hidden): ...", "private parameter '_hidden'", 3),
    ],
)
def test_what_cannot_be_decorated(written, text: str, problem: str, line: int) -> None:
    with pytest.raises(DecorationError) as caught:
        written(text)
    assert problem in str(caught.value)
    assert caught.value.remedy
    assert caught.value.where == f"agents.py:{line}"


def test_a_decorated_function_keeps_name_doc_signature_and_value() -> None:
    def double(x: int, *, by: int = 2) -> int:
        """Doubles."""
        return x * by

    for decorated in (tool(double), tool(latency="1s")(double), compute(double), memory(double), compute()(double)):
        assert decorated(3) == 6
        assert decorated(3, by=3) == 9
        assert decorated.__name__ == "double"
        assert decorated.__doc__ == "Doubles."
        assert decorated.__module__ == __name__
        assert decorated.__wrapped__ is double
        assert inspect.signature(decorated) == inspect.signature(double)


def test_wrong_arguments_of_an_ordinary_call_are_pythons_own_error() -> None:
    @compute
    def double(x: int) -> int:
        return 2 * x

    with pytest.raises(TypeError, match="unexpected keyword"):
        double(y=3)  # pyright: ignore[reportCallIssue]  # wrong on purpose


def test_nested_functions_run_but_cannot_be_traced() -> None:
    @compute
    def one() -> int:
        return 1

    @agent
    def nested() -> int:
        return one()

    assert nested() == 1
    with pytest.raises(TraceError, match="defined inside a function"):
        nested.trace()


def test_a_function_typed_at_a_prompt_runs_but_cannot_be_traced() -> None:
    names: dict[str, object] = {"compute": compute, "agent": agent, "__name__": "prompt"}
    exec("@compute\ndef one() -> int: return 1\n@agent\ndef outer() -> int: return one()", names)
    outer = names["outer"]
    assert outer() == 1  # pyright: ignore[reportCallIssue]
    with pytest.raises(TraceError, match=r"put it into a \.py file"):
        outer.trace()  # pyright: ignore[reportAttributeAccessIssue]


def test_options_give_a_copy() -> None:
    @llm(model="small", max_tokens=10, tokens_out=5, timeout="1s")
    def write(x: str) -> str:
        return x

    other = write.options(model=["large", "small"], tokens_out=7)
    assert (other.models, other.tokens_out, other.max_tokens) == (("large", "small"), 7, 10)
    assert (other.execution.timeout_s, write.models, write.tokens_out) == (1.0, ("small",), 5)
    assert other.options(timeout=None).execution.timeout_s is None
    assert other.__wrapped__ is write.__wrapped__


def test_options_check_like_the_decorator() -> None:
    @tool
    def look(x: str) -> str:
        return x

    with pytest.raises(DecorationError, match="unknown keyword 'speed'"):
        look.options(speed=3)  # pyright: ignore[reportCallIssue]  # wrong on purpose
    with pytest.raises(DecorationError, match="not idempotent"):
        look.options(retries=1)


def test_what_belongs_to_the_function_is_no_option() -> None:
    @memory(k=2)
    def recall(x: str) -> list[str]:
        return [x]

    @llm(model="m", max_tokens=1)
    def write(x: str) -> str:
        return x

    with pytest.raises(DecorationError, match="cannot change one call"):
        recall.options(k=3)
    with pytest.raises(DecorationError, match="cannot change one call"):
        write.options(simulate="x")


def test_a_model_takes_another_size() -> None:
    @model(model="m", tokens=3)
    def embed(x: str) -> list[float]: ...

    assert embed.options(images=2).size == {"images": 2.0}
    assert embed.options(timeout="1s").size == {"tokens": 3.0}


def test_defaults_of_idempotence_follow_what_a_kind_does() -> None:
    def f() -> int:
        return 1

    assert compute(f).execution.idempotent
    assert memory(f).execution.idempotent
    assert not memory(op="store")(f).execution.idempotent
    assert not tool(f).execution.idempotent
    assert llm(model="m", max_tokens=1)(f).execution.idempotent
    assert model(model="m", tokens=1)(f).execution.idempotent


def test_what_changes_nothing_by_default() -> None:
    def f() -> int:
        return 1

    calls = (tool, tool(pure=True), compute, compute(pure=False), compute(idempotent=False), memory, memory(op="load"))
    assert [each(f).execution.pure for each in calls] == [False, True, True, False, False, True, True]
    assert memory(op="store")(f).execution.pure is False
    assert tool(pure=True)(f).execution.idempotent, "what changes nothing may run twice"
    assert tool(pure=True)(f).options(pure=False).execution.pure is False


def test_priors_are_kept_in_seconds_and_a_written_zero_differs_from_nothing() -> None:
    def f() -> int:
        return 1

    known = tool(latency="300ms", latency_sd="0.1s", cpu=0.005, cost_usd=0, tokens_out=40)(f).prior
    assert (known.latency_s, known.latency_sd_s, known.cpu_s, known.cost_usd, known.tokens_out) == (
        0.3,
        0.1,
        0.005,
        0,
        40,
    )
    assert (tool(f).prior.latency_s, tool(f).prior.cost_usd, tool(f).prior.cpu_s) == (None, None, None)


def test_decorated_functions_are_copied_and_pickled_by_name() -> None:
    module = load_file(SAMPLE).module
    for function in (module.plan, module.search, module.assistant):
        assert pickle.loads(pickle.dumps(function)) is function
        assert copy.deepcopy(function) is function
    changed = pickle.loads(pickle.dumps(module.plan.options(max_tokens=64)))
    assert (changed.max_tokens, changed.__wrapped__) == (64, module.plan.__wrapped__)


def test_importing_the_package_is_light() -> None:
    code = "import sys, orchestrator; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded & {"pydantic", "ray", "xdsl", "highspy", "networkx", "numpy", "fastapi", "typer", "asyncio"} == set()


def test_a_name_that_leads_elsewhere_cannot_be_traced(written) -> None:
    text = "def body(x: int) -> int:\n    return x\nstep = compute(body)\n@agent\ndef a(q: int):\n    return step(q)\n"
    file = written(text)
    assert file.agents["a"](3) == 3
    with pytest.raises(TraceError, match="is not what its module calls 'body'") as caught:
        file.agents["a"].trace()
    assert caught.value.where == "agents.py:3"


def test_annotations_of_steps_are_read_when_their_agent_is_traced(written) -> None:
    text = "class Thing: ...\n@compute\ndef step(x: Thing) -> int: ...\n@agent\ndef a(q: int):\n    return step(q)\n"
    with pytest.raises(TraceError, match="'step': its arguments have no JSON form") as caught:
        written(text).agents["a"].trace()
    assert caught.value.where == "agents.py:4"


def test_wrapped_functions_are_followed_to_their_source(written) -> None:
    text = """
    import functools

    def logged(function):
        @functools.wraps(function)
        def inner(*args):
            return function(*args)
        return inner

    @tool(latency=0)
    @logged
    async def step(x: int) -> int:
        return x + 1

    @agent
    def _hidden(q: int) -> int:
        return step(q)
    """
    file = written(text)
    assert file.module.step(1) == 2
    assert file.module.step.invoke_json({"x": 1}) == 2
    graph = file.agents["_hidden"].trace()
    assert graph.body.tasks[0].function.qualname == "step"
    assert graph_from_json(to_json(graph)) == graph


@pytest.mark.parametrize(
    ("simulate", "fits"),
    [
        ("lambda x, n: x", True),
        ("lambda *all: all", True),
        ("lambda x, n, messages: x", True),
        ("lambda x, n=2, extra=3: x", True),
        ("len", False),
        ("lambda: 'x'", False),
        ("lambda x: x", False),
        ("lambda x, n, other: x", False),
        ("'text'", True),
    ],
)
def test_simulate_must_take_the_functions_arguments(written, simulate: str, fits: bool) -> None:
    text = f"@llm(model='m', max_tokens=9, simulate={simulate})\ndef f(x: str, n: int = 1) -> str:\n    return x\n"
    if fits:
        written(text)
        return
    with pytest.raises(DecorationError, match="simulate= cannot take its arguments"):
        written(text)
