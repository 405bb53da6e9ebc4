import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.parser import Parser

from ir import text
from ir.text import IrParseError, context, parse, plain_text, to_text

MODULE = """
agent.graph @a(q) sla <"p95", 4>
    attributes {description = "caf\\C3\\A9 \\22quoted\\22", degrade = #agent.degrade<?, 2>} {
^bb0(%q : !agent.text):
  %c = agent.expr "q + 'x'" (q = %q) : (!agent.text) -> !agent.json
  %r = agent.react @r(messages, arguments) max_turns 4 expect 1.5 turn {
  ^bb0(%m : !agent.json):
    %t = llm.call @t("gr\\C3\\B6\\C3\\9Fe" = %q, %m) models ["x"] max_tokens 8 tokens_in 1048577
      {function = #agent.function<"a.py", "f", "00">, timeout_s = 1048577.0 : f64}
      : (!agent.text, !agent.json) -> !agent.json
    agent.yield %t : !agent.json
  } tool "find" {
  ^bb0(%m : !agent.json):
    %t = tool.invoke @find(%m) {cost.visits = #cost.amount<1.5e-07>, function = #agent.function<"a.py", "f", "00">}
      : (!agent.json) -> !agent.json
    agent.yield %t : !agent.json
  } : !agent.json
  agent.output %r : !agent.json
}
"""


def refused(source: str | bytes) -> str:
    """The message of the one error that a text may raise."""
    with pytest.raises(IrParseError) as caught:
        parse(source)
    return str(caught.value)


def test_a_module_prints_as_it_was_read_with_readable_numbers_and_all_letters() -> None:
    printed = to_text(parse(MODULE))
    assert to_text(parse(printed)) == printed
    assert to_text(parse(printed.encode())) == printed
    for part in ("tokens_in 1048577 ", "expect 1.5 ", "#cost.amount<1.5e-07>", 'sla <"p95", 4>', "<?, 2>"):
        assert part in printed


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("agent.graph @a(q) {", "line 1: "),
        ("\n\nnonsense", "line 3: Operation nonsense is not registered"),
        ("func.func @f() { func.return }", "line 1: Operation func.func is not registered"),
        (b"\xff\xfe", "not a module: UnicodeDecodeError"),
        (
            MODULE.replace("max_tokens 8", "max_tokens 0"),
            "malformed module: max_tokens of @t must be at least 1, got 0",
        ),
        ("{" * 41, "line 1: nested deeper than 40"),
        ("builtin.module {" * 30, "line 1: "),
        ("builtin.module attributes {a = dense<0> : tensor<999999999xi64>} {}", "'dense' has no place"),
        ("builtin.module attributes {a = dense // =\n<0> : tensor<999999999xi64>} {}", "'dense' has no place"),
        ("builtin.module attributes {a = 1 : i9999999999} {}", "'i9999999999' has no place"),
        (f"builtin.module attributes {{a = {'9' * 5000} : index}} {{}}", "has no place"),
        (f"builtin.module attributes {{a = affine_map<(d) -> ({'-' * 9000}d)>}} {{}}", "not a module: RecursionError"),
    ],
)
def test_what_is_no_module_is_refused_with_one_kind_of_error(source: str | bytes, message: str) -> None:
    assert message in refused(source)


def test_a_value_of_a_region_is_unknown_after_it() -> None:
    leaked = MODULE.replace("agent.output %r", "agent.output %t")
    assert "%t" in refused(leaked)


def test_a_scope_is_shared_and_not_copied_where_a_region_begins() -> None:
    scope = text._Scope({"a": ()})  # pyright: ignore[reportPrivateUsage]  # what the parser copies at every region
    outer = scope.copy()
    scope["b"] = ()
    inner = scope.copy()
    scope["c"] = ()
    assert (set(outer), set(inner), set(scope)) == ({"a"}, {"a", "b"}, {"a", "b", "c"})
    assert outer.maps[-1] is inner.maps[-1] is scope.maps[-1]


def test_stock_xdsl_reads_letters_beyond_ascii() -> None:
    module = parse(MODULE.replace(" \\22quoted\\22", ""))
    for printed in (plain_text(module), to_text(module)):
        assert '"größe"' in printed
        assert '"café"' in printed
        Parser(context(), printed).parse_module().verify()


def test_a_function_that_several_operations_name_stands_once() -> None:
    printed = to_text(parse(MODULE))
    assert printed.startswith('#function_0 = #agent.function<"a.py", "f", "00">\n')
    assert (printed.count("#agent.function<"), printed.count("function = #function_0")) == (1, 2)
    assert to_text(parse(printed)) == printed
    alone = to_text(parse(MODULE.replace('"a.py", "f", "00"', '"a.py", "g", "00"', 1)))
    assert "#function_0" not in alone


def test_a_literal_without_an_end_is_refused_at_once() -> None:
    began = time.perf_counter()
    assert "End of file reached before closing string literal" in refused(
        'builtin.module attributes {a = "' + "x" * 9999
    )
    assert time.perf_counter() - began < 5


def test_a_text_over_the_limit_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MAX_TEXT_LENGTH", 10)
    assert refused("builtin.module {}") == "a text of 17 characters; the limit is 10"


def test_names_that_builtin_attributes_also_have_are_legal() -> None:
    module = parse(
        """
        agent.graph @dense(dense) {
        ^bb0(%dense : !agent.json):
          %i10000 = agent.observe @sparse %dense : !agent.json -> !agent.json
          %e = agent.expr "dense" (dense = %i10000) : (!agent.json) -> !agent.json
          agent.output %e : !agent.json
        }
        """
    )
    assert to_text(parse(to_text(module))) == to_text(module)


def check_total(source: str | bytes) -> None:
    """A text is read or refused, in bounded time."""
    began = time.perf_counter()
    try:
        module = parse(source)
    except IrParseError:
        pass
    else:
        assert to_text(parse(to_text(module))) == to_text(module)
    assert time.perf_counter() - began < 10


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_arbitrary_texts_are_read_or_refused(source: str | bytes) -> None:
    check_total(source)


PIECES = [MODULE[start : start + 12] for start in range(0, len(MODULE), 12)]
TOKENS = [
    "{",
    "}",
    "(",
    ")",
    "<",
    ">",
    "[",
    "]",
    '"',
    "%q",
    "@a",
    "-1",
    "1e999",
    "?",
    "|",
    "!agent.json",
    "#",
    "0x",
    "^bb0",
    ":",
]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(PIECES)), st.sampled_from(["", *PIECES, *TOKENS]), st.booleans()), max_size=4)
)
def test_damaged_modules_are_read_or_refused(damages: list[tuple[int, str, bool]]) -> None:
    pieces = list(PIECES)
    for place, piece, replaces in damages:
        pieces[place : place + (1 if replaces else 0)] = [piece]
    check_total("".join(pieces))
