"""Operations on values that do not exist yet build expressions; what needs the value says what to use instead."""

import copy
from pathlib import Path

import pytest

from ir.expression import MAX_DEPTH
from orchestrator.errors import TraceError
from orchestrator.graph import CallTask

HEAD = """
@dataclass
class Doc:
    title: str
    score: float
    tags: list[str]
    good: bool

    def words(self): return []

@compute(latency=0)
def get(x: object = None) -> Doc: ...

@compute(latency=0)
def use(x: object) -> object: ...
"""
FIRST = 1 + HEAD.count("\n")


def traced(written, body):
    text = (
        HEAD + "@agent\ndef a(q: str, n: int, flag: bool, free):\n    d = get(q)\n    " + body + "\n    return use(d)\n"
    )
    return written(text).agents["a"].trace()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("d.score", "get.score"),
        ("d.tags[0]", "get.tags[0]"),
        ("d.tags[n]", "get.tags[n]"),
        ("free.some['key']", "free.some['key']"),
        ("d.score > 0.5", "get.score > 0.5"),
        ("0.5 > d.score", "get.score < 0.5"),
        ("d.score >= n", "get.score >= n"),
        ("d.score <= 1", "get.score <= 1"),
        ("d.title == 'x'", "get.title == 'x'"),
        ("d.title != None", "get.title != None"),
        ("(n > 1) & d.good", "n > 1 and get.good"),
        ("flag | (n == 2)", "flag or n == 2"),
        ("True & flag", "True and flag"),
        ("False | flag", "False or flag"),
        ("~(flag & d.good)", "not (flag and get.good)"),
        ("n + 1", "n + 1"),
        ("1 + n", "1 + n"),
        ("n - d.score", "n - get.score"),
        ("1 - n", "1 - n"),
        ("2 * n", "2 * n"),
        ("n * 2", "n * 2"),
        ("n / 2", "n / 2"),
        ("2 / n", "2 / n"),
        ("n % 2", "n % 2"),
        ("7 % n", "7 % n"),
        ("-n", "-n"),
        ("+n", "n"),
        ("abs(n)", "abs(n)"),
        ("'Q: ' + q", "'Q: ' + q"),
        ("length(d.tags)", "len(get.tags)"),
        ("contains(d.tags, q)", "q in get.tags"),
        ("contains(['a', 'b'], q)", "q in ['a', 'b']"),
        ("[d, {'k': n, 'c': (1, 2.5, None, True)}]", "[get, {'k': n, 'c': [1, 2.5, None, True]}]"),
        ("Doc('t', n, [q], True)", "{'title': 't', 'score': n, 'tags': [q], 'good': True}"),
        ("enum.Enum('E', {'A': 'x'}).A", "'x'"),
        ("enum.IntEnum('E', {'A': 4}).A", "4"),
    ],
)
def test_operations_build_expressions(written, code: str, text: str) -> None:
    graph = traced(written, f"use({code})")
    (task,) = [task for task in graph.body.tasks if task.id == "use"]
    assert isinstance(task, CallTask)
    assert task.inputs == {"x": text}


@pytest.mark.parametrize(
    ("statement", "remedy"),
    [
        ("if d.good: use(1)", "when(condition, then, else_)"),
        ("if d: use(1)", "when(condition, then, else_)"),
        ("while d.score < 1: d = get(q)", "loop(body, init, until="),
        ("use(1 if flag else 2)", "when("),
        ("flag and use(1)", "`&`"),
        ("not flag", "`~`"),
        ("use(0 < n < 5)", "parenthesised comparisons"),
        ("assert d.good", "when("),
        ("for t in d.tags: use(t)", "fanout("),
        ("[use(t) for t in d.tags]", "fanout("),
        ("first, *rest = d.tags", "fanout("),
        ("use(*d.tags)", "fanout("),
        ("list(reversed(d.tags))", "fanout("),
        ("sorted(d.tags)", "fanout("),
        ("max(d.tags)", "fanout("),
        ("sum(d.tags)", "fanout("),
        ("len(d.tags)", "length("),
        ("'a' in d.tags", "contains("),
        ("use(f'{d.title}!')", "@llm or @compute"),
        ("use(f'{d.score:.2f}')", "@llm or @compute"),
        ("use(f'{[d]}')", "@llm or @compute"),
        ("use(f'{q!r}')", "@llm or @compute"),
        ("use('{}'.format(q))", "@llm or @compute"),
        ("use('%s' % q)", "@llm or @compute"),
        ("use(str(n))", "@llm or @compute"),
        ("print(q)", "observe("),
        ("use(repr(q))", "@llm or @compute"),
        ("int(n)", "@compute"),
        ("float(n)", "@compute"),
        ("complex(n)", "@compute"),
        ("round(d.score)", "@compute"),
        ("[1, 2][n]", "fanout("),
        ("range(n)", "loop("),
        ("{d: 1}", "@compute"),
        ("{n}", "@compute"),
        ("hash(q)", "@compute"),
        ("q.upper()", "@compute"),
        ("d.tags.append('x')", "@compute"),
        ("d.tags[1:]", "@compute"),
        ("d.score = 2", "@compute"),
        ("d.tags[0] = 'x'", "@compute"),
        ("del d.tags[0]", "@compute"),
        ("del d.score", "@compute"),
        ("d._hidden", "public"),
        ("n // 2", "@compute"),
        ("2 // n", "@compute"),
        ("n ** 2", "@compute"),
        ("n ^ 2", "@compute"),
        ("n << 2", "@compute"),
        ("divmod(n, 2)", "@compute"),
        ("n @ n", "@compute"),
        ("q & flag", "compare first"),
        ("~n", "compare first"),
        ("5 | flag", "compare first"),
        ("d.titel", "title, score, tags, good"),
        ("d.words()", "title, score, tags, good"),
        ("q.length", "its fields are: none"),
        ("d.tags.first", "its fields are: none"),
        ("open(q)", "@tool"),
        ("use(bytes(q))", "@llm or @compute"),
        ("import pickle; pickle.dumps(q)", "while an agent is traced"),
        ("use({1: d})", "text keys"),
        ("use(object())", "JSON values"),
        ("use({1, 2})", "JSON values"),
        ("use(float('nan'))", "finite"),
        ("use(b'x')", "JSON values"),
        ("use(use)", "call it"),
        ("use('x' * 5000)", "@compute"),
        ("use(10 ** 30)", "@compute"),
        ("exec('x = n\\nfor _ in range(99): x = x + 1')", "@compute"),
        ("exec('x = 1\\nfor _ in range(99): x = [x]\\nuse(x)')", "@compute"),
    ],
)
def test_what_needs_the_value_names_line_and_remedy(written, statement: str, remedy: str) -> None:
    with pytest.raises(TraceError) as caught:
        traced(written, statement)
    error = caught.value
    assert remedy in str(error)
    inside_exec = statement.startswith("exec")
    assert error.where == (
        "<string>:2" if "99): x = x" in statement else error.where if inside_exec else f"agents.py:{FIRST + 4}"
    )


def test_an_error_that_the_author_swallows_still_ends_the_trace(written) -> None:
    with pytest.raises(TraceError, match="length"):
        traced(written, "try: len(q)\n    except Exception: pass")


def test_a_symbol_is_labelled_after_the_trace_and_refused_in_eager_calls(written) -> None:
    file = written(HEAD + "kept = []\n@agent\ndef a(q: str):\n    kept.append(q)\n    return get(q)\n")
    file.agents["a"].trace()
    (symbol,) = file.module.kept
    assert repr(symbol) == "<symbolic q>"
    assert copy.deepcopy(symbol) is copy.copy(symbol) is symbol
    with pytest.raises(TraceError, match="after its agent was traced"):
        file.module.use(symbol)
    with pytest.raises(TraceError, match="length"):
        len(symbol)


def test_a_symbol_of_another_trace_is_refused(written) -> None:
    file = written(
        HEAD + "kept = []\n@agent\ndef a(q: str):\n    kept.append(q)\n    return get(q)\n"
        "@agent\ndef b(q: str):\n    return get(kept[0])\n"
    )
    file.agents["a"].trace()
    with pytest.raises(TraceError, match="belongs to the trace of another agent"):
        file.agents["b"].trace()


def test_depth_limit_is_that_of_the_reader(written) -> None:
    levels = MAX_DEPTH - 1
    graph = traced(written, f"x = n\n    for _ in range({levels}): x = -x\n    use(x)")
    assert graph.body.tasks[1].inputs["x"] == "-" * levels + "n"


def test_parameters_know_the_fields_of_dataclasses_models_and_typed_dictionaries(written) -> None:
    file = written(
        """
        from pydantic import BaseModel, computed_field
        from typing import Annotated
        from typing_extensions import TypedDict

        class Model(BaseModel):
            name: str
            @computed_field
            @property
            def size(self) -> int: return 1

        class Typed(TypedDict):
            part: Model

        @compute(latency=0)
        def use(x: object) -> object: ...

        @agent
        def good(t: Annotated[list[Typed], "many"], m: dict[str, Model]):
            return [t[0].part.name, t[0].part.size, m["k"].name]

        @agent
        def bad(t: list[Typed]):
            return use(t[0].part.nam)

        @agent
        def worse(m: dict[str, Model]):
            return use(m["k"].part)
        """
    )
    assert file.agents["good"].trace().body.result == "[t[0].part.name, t[0].part.size, m['k'].name]"
    with pytest.raises(TraceError, match="its fields are: name, size"):
        file.agents["bad"].trace()
    with pytest.raises(TraceError, match="its fields are: name, size"):
        file.agents["worse"].trace()


@pytest.mark.parametrize(
    "statement",
    [
        "if q is None: use(1)",
        "use(isinstance(d, Doc))",
        "use(type(d.title))",
        "lam = lambda x: x is not None\n    use(1)",
    ],
)
def test_identity_tests_would_lie_and_are_refused(written, statement: str) -> None:
    with pytest.raises(TraceError, match="== None") as caught:
        traced(written, statement)
    assert caught.value.where == f"agents.py:{FIRST + 4}"


def test_identity_tests_on_module_values_are_allowed(written) -> None:
    text = HEAD + "DEBUG = None\n@agent\ndef a(q: str):\n    return get(q) if DEBUG is None else use(q)\n"
    assert written(text).agents["a"].trace().body.result == "get"


def test_the_working_directory_shortens_places(written, tmp_path: Path) -> None:
    graph = traced(written, "use(n)")
    assert [task.where for task in graph.body.tasks] == [f"agents.py:{FIRST + n}" for n in (3, 4, 5)]
