import pytest

from ir.answer_tokens import answer_tokens
from ir.dialects import control, cost, llm
from ir.pipeline import run_passes
from ir.text import parse
from ir.view import turn_of

FUNCTION = 'function = #agent.function<"a.py", "f", "00">'


def model(name: str, arguments: str, tokens_in: int, tokens_out: int) -> str:
    sizes = f"tokens_in {tokens_in} tokens_out {tokens_out}"
    count = arguments.count("=") + ("," in arguments)
    types = ", ".join(["!agent.json"] * count)
    return (
        f'%{name} = llm.call @{name}({arguments}) models ["llama3.1-8b"] max_tokens 64 {sizes} {{{FUNCTION}}} : '
        f"({types}) -> !agent.json"
    )


def compute(name: str, tokens_out: float | None) -> str:
    size = "" if tokens_out is None else f", tokens_out = {tokens_out:.1f} : f64"
    return f"%{name} = agent.compute @{name}() {{{FUNCTION}{size}}} : () -> !agent.json"


def react_of(tool: str, value: str) -> control.ReactOp:
    """A react of three turns, prompt 10 and answers of 20 tokens, whose tool does `tool` and answers `value`."""
    module = parse(
        f"""
        agent.graph @a(q) {{
        ^bb0(%q : !agent.json):
          %r = agent.react @r(messages, arguments) max_turns 5 expect 3 turn {{
          ^bb0(%m : !agent.json):
            {model("ask", "q = %q, %m", 10, 20)}
            agent.yield %ask : !agent.json
          }} tool "t" {{
          ^bb0(%x : !agent.json):
            {tool}
            agent.yield {value} : !agent.json
          }} : !agent.json
          agent.output %r : !agent.json
        }}
        """
    )
    run_passes(module)
    (found,) = (op for op in module.walk() if isinstance(op, control.ReactOp))
    return found


BRANCH = f"""%w = agent.when @w %x p 0.25 then {{
  {compute("one", 8)}
  agent.yield %one : !agent.json
}} orelse {{
  {compute("other", 4)}
  agent.yield %other : !agent.json
}} : (!agent.json) -> !agent.json"""
WIDE = f"""%f = agent.fanout @f(i = %x) max 8 expect 2.5 overflow "error" on_error "fail" do {{
^bb0(%i : !agent.json):
  {compute("each", 6)}
  agent.yield %each : !agent.json
}} : (!agent.json) -> !agent.json"""
AGAIN = f"""%l = agent.loop @l(v = %x) max_iters 3 expect 2 until {{
^bb0(%v : !agent.json):
  agent.yield %v : !agent.json
}} do {{
^bb0(%v : !agent.json):
  {compute("next", 9)}
  agent.yield %next : !agent.json
}} : (!agent.json) -> !agent.json"""
BOTH = f"""{compute("one", 8)}
{compute("other", 4)}
%e = agent.expr "[one, other]" (one = %one, other = %other) : (!agent.json, !agent.json) -> !agent.json"""


@pytest.mark.parametrize(
    ("tool", "value", "tokens"),
    [
        (compute("c", 7), "%c", 7.0),
        (compute("c", None), "%c", None),
        ("", "%x", None),  # what the model gave
        (model("inner", "x = %x", 50, 30), "%inner", 30.0),
        (BRANCH, "%w", 5.0),  # 0.25 * 8 + 0.75 * 4
        (WIDE, "%f", 15.0),  # 2.5 * 6
        (AGAIN, "%l", 9.0),
        (BOTH, "%e", 12.0),  # 8 + 4
    ],
)
def test_the_length_of_an_answer_follows_from_what_makes_it(tool: str, value: str, tokens: float | None) -> None:
    react = react_of(tool, value)
    assert answer_tokens(react.tools[0]) == tokens
    renders = [op for op in react.turn.block.ops if isinstance(op, llm.RenderOp)]
    # Before turn k of 0, 1, 2 the model has spoken k times and a tool has answered k times: 10 + (0 + 1 + 2) / 3 * sum.
    expected = None if tokens is None else 10 + 1 * (20 + tokens)
    assert [cost.amount(op, "tokens_in") for op in renders] == [expected]


def test_a_model_inside_a_tool_is_no_step_of_the_turn() -> None:
    react = react_of(model("inner", "x = %x", 50, 30), "%inner")
    first, second = (op for op in react.walk() if isinstance(op, llm.RenderOp))
    assert (turn_of(first), turn_of(second)) == (react, None)
    prefills = [op for op in react.walk() if isinstance(op, llm.PrefillOp)]
    # the prompt of the turn grows: 10 + 20 + 30; that of the model in the tool does not
    assert [cost.amount(op, "tokens_in") for op in prefills] == [60, 60, 60, 60, 50, 50, 50]
