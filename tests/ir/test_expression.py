"""Expressions mean what Python means on plain data, survive the way to text and back, and refuse everything else."""

import ast
import math
import operator
import warnings
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ir.expression import (
    MAX_DEPTH,
    MAX_INTEGER,
    MAX_TEXT_LENGTH,
    OPERATIONS,
    Apply,
    Const,
    DictOf,
    Expression,
    ExpressionError,
    Field,
    Item,
    ListOf,
    Ref,
    apply,
    evaluate,
    is_name,
    parse,
    references,
    rename,
    to_text,
    walk,
)

NAMES = ("a", "b", "plan", "d_2", "len", "é")
VALUES = {
    "a": 3,
    "b": [1, 2.5, 4],
    "plan": {"hard": True, "queries": ["x", "yy"], "score": 0.25},
    "d_2": None,
    "len": 7,
    "é": "text",
}


class Record(dict[str, object]):
    """A mapping whose keys Python's own attribute syntax reads, for comparison with `eval`."""

    def __getattr__(self, name: str) -> object:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error


constants = st.builds(
    Const,
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER + 1, MAX_INTEGER - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
)
names = st.sampled_from(NAMES)


def _larger(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.one_of(
        st.builds(Field, children, st.sampled_from(("hard", "queries", "score"))),
        st.builds(Item, children, children),
        st.builds(lambda items: ListOf(tuple(items)), st.lists(children, max_size=3)),
        st.builds(
            lambda items: DictOf(tuple(items.items())), st.dictionaries(st.text(max_size=4), children, max_size=3)
        ),
        st.builds(apply, st.sampled_from(("not", "neg", "len", "abs", "sum", "any", "all")), children),
        st.builds(
            apply,
            st.sampled_from(("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in")),
            children,
            children,
        ),
        st.builds(
            lambda op, parts: apply(op, *parts),
            st.sampled_from(("and", "or", "min", "max")),
            st.lists(children, min_size=2, max_size=3),
        ),
    )


expressions = st.recursive(constants | st.builds(Ref, names), _larger, max_leaves=12)


@given(expressions)
@example(Item(Const(-1), Const(0)))
@example(Field(Const(-0.0), "score"))
@example(Field(Const(7), "score"))
@example(Apply("and", (Apply("and", (Ref("a"), Ref("b"))), Ref("plan"))))
@example(Apply("<", (Apply("<", (Ref("a"), Ref("b"))), Ref("plan"))))
@example(Apply("neg", (Const(-1),)))
@example(Const('it\'s "quoted"\n\\ \ud800'))
def test_text_is_read_back_as_the_same_expression(expression: Expression) -> None:
    assert repr(parse(to_text(expression))) == repr(expression)  # repr: Const(1) == Const(True) in Python


@given(expressions)
def test_evaluation_agrees_with_python(expression: Expression) -> None:
    assume(Ref("len") not in walk(expression))  # Python has one name for a value and a function
    names = {name: Record(value) if isinstance(value, dict) else value for name, value in VALUES.items()}
    names.pop("len")
    got, refused = _attempt(lambda: evaluate(expression, VALUES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # Python's compiler remarks on `None[0]`
        expected, failed = _attempt(lambda: eval(to_text(expression), {"__builtins__": {}, **FUNCTIONS}, names))
    if refused is None:
        assert (repr(got), None) == (repr(expected), failed)
    else:
        narrower = "numbers expected" in refused or "not finite" in refused  # stricter than Python on purpose
        assert failed is not None or narrower


FUNCTIONS = {f.__name__: f for f in (len, min, max, sum, abs, any, all)}


def _attempt(call: Callable[[], object]) -> tuple[object, str | None]:
    try:
        return call(), None
    except (ExpressionError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
        return None, str(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plan.hard and len(plan.queries) > 1", True),
        ("plan['queries'][a - 2]", "yy"),
        ("not plan.hard or 'x' in plan.queries", True),
        ("{'n': a * 2, 'all': [a, b]}", {"n": 6, "all": [3, [1, 2.5, 4]]}),
        ("min(a, 2) + max(b) % 3", 3),  # 2 + 4 % 3 = 2 + 1
        ("-a / 2", -1.5),
        ("d_2 == None", True),
        ("abs(-a) + sum(b)", 10.5),  # 3 + 1 + 2.5 + 4
        ("'é' + é", "étext"),
        ("any(b) != all([])", False),
    ],
)
def test_known_values(text: str, expected: object) -> None:
    assert evaluate(parse(text), VALUES) == expected


def test_and_or_do_not_evaluate_what_is_decided() -> None:
    assert evaluate(parse("plan.hard or nothing.at.all"), VALUES) is True
    assert evaluate(parse("a == 4 and nothing"), VALUES) is False


def test_fields_of_objects() -> None:
    assert evaluate(parse("x.score"), {"x": SimpleNamespace(score=2)}) == 2


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nobody", "nobody"),
        ("plan.missing", "missing"),
        ("b[9]", "b[9]"),
        ("plan['no']", "plan['no']"),
        ("a / 0", "a / 0"),
        ("a < é", "a < é"),
        ("é * 1000", "numbers expected"),
        ("é % 3", "numbers expected"),
        ("len(a)", "len(a)"),
        ("min([])", "min([])"),
        ("1e308 * 10", "not finite"),
        ("1e308 + 1e308", "not finite"),
        ("é.upper", "upper"),
        ("b.append", "append"),
        ("sum(1, 2, 3)", "sum(1, 2, 3)"),
    ],
)
def test_what_has_no_value_names_the_part(text: str, named: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(parse(text), VALUES)
    assert named in str(caught.value)


def test_private_attributes_of_objects_are_out_of_reach() -> None:
    with pytest.raises(ExpressionError):
        evaluate(Field(Ref("x"), "__class__"), {"x": SimpleNamespace()})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a +",
        "f(a)",
        "a.b()",
        "len(x=a)",
        "len()",
        "[x for x in a]",
        "lambda: a",
        "a if b else 1",
        "a := 1",
        "a[1:2]",
        "a[1, 2]",
        "a < b < 1",
        "a is None",
        "a not in b",
        "a ** b",
        "a // b",
        "~a",
        "a & b",
        "+a",
        "(a, b)",
        "{a}",
        "{**a}",
        "{1: a}",
        "[*a]",
        "f'{a}'",
        "f\"{'x'!r:>{a}}\"",
        "b'bytes'",
        "1j",
        "...",
        "1e999",
        str(MAX_INTEGER),
        "0x" + "f" * 3000,
        "_private",
        "a.__class__",
        "a\x00b",
        "\ud800",
        "yield",
        "await a",
    ],
)
def test_text_outside_the_subset_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "a" * (MAX_TEXT_LENGTH + 1),
        "-" * 3900 + "1",
        "not " * 900 + "a",
        "(" * 1900 + "a" + ")" * 1900,
        "a" + ".a" * 1900,
        "a" + "[0]" * 1300,
        "f(a" + ".a" * 1900 + ")",
        "[" * 150 + "]" * 150,
        "a" + "+a" * (MAX_DEPTH + 1),
    ],
)
def test_hostile_size_and_depth_are_refused_with_a_short_message(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert len(str(caught.value)) < 400


@given(st.text(max_size=200))
@example("'\\d'")
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except ExpressionError:
        return
    except (SyntaxWarning, DeprecationWarning):
        return


@given(
    st.recursive(
        st.sampled_from(("a", "1", "'x'")),
        lambda inner: inner.map(lambda t: f"[{t}]") | inner.map(lambda t: f"-{t}"),
        max_leaves=5,
    )
)
def test_python_reads_the_same_tree(text: str) -> None:
    assert ast.dump(ast.parse(to_text(parse(text)))) == ast.dump(ast.parse(text))


@pytest.mark.parametrize("name", ["a b", "a + b", "class", "None", "", "_x", "1a", "ﬁ"])
def test_a_name_that_text_cannot_say_is_refused_when_written(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(ExpressionError):
        to_text(Ref(name))
    with pytest.raises(ExpressionError):
        to_text(Field(Ref("a"), name))


@pytest.mark.parametrize("value", [math.inf, math.nan, MAX_INTEGER, -MAX_INTEGER, b"x", (1,)])
def test_a_literal_that_is_no_json_is_refused_when_written(value: object) -> None:
    with pytest.raises(ExpressionError):
        to_text(Const(value))  # pyright: ignore[reportArgumentType]  # wrong on purpose


def test_very_deep_expressions_are_refused_when_written() -> None:
    deep: Expression = Ref("a")
    for _ in range(20_000):
        deep = Field(deep, "x")
    with pytest.raises(ExpressionError):
        to_text(deep)


def test_unknown_operation() -> None:
    assert "pow" not in OPERATIONS
    with pytest.raises(ExpressionError, match="pow"):
        apply("pow", Ref("a"), Ref("b"))


def test_negation_of_a_number_is_a_number() -> None:
    assert apply("neg", Const(2)) == Const(-2)
    assert isinstance(apply("neg", Const(True)), Apply)


@given(expressions)
def test_references_are_the_names_that_python_reads(expression: Expression) -> None:
    tree = ast.parse(to_text(expression), mode="eval")
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}
    assert references(expression) == read


@given(expressions)
def test_renaming_replaces_every_reference(expression: Expression) -> None:
    renamed = rename(expression, {name: Field(Ref("outer"), "hard") for name in NAMES})
    assert references(renamed) <= {"outer"}
    assert rename(expression, {}) == expression


def test_renaming_substitutes_expressions() -> None:
    renamed = rename(parse("d.score > limit and d.ok"), {"d": parse("plan[0]")})
    assert to_text(renamed) == "plan[0].score > limit and plan[0].ok"


def test_operators_mean_the_same_as_pythons() -> None:
    for name, call in {"+": operator.add, "<=": operator.le, "!=": operator.ne}.items():
        assert evaluate(apply(name, Const(2), Const(3)), {}) == call(2, 3)
