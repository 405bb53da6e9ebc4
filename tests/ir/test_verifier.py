"""What was verified before is verified again when it, or something in it, changed: always the errors of xDSL's own."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, UnitAttr
from xdsl.ir import Attribute, Block, Operation
from xdsl.utils.exceptions import VerifyException

from ir.dialects.plan import ChooseOp
from ir.dialects.values import JsonType
from ir.pipeline import DEFAULT_PIPELINE
from ir.text import parse
from ir.verifier import Verifier
from orchestrator.graph import Graph
from orchestrator.to_ir import to_ir
from tests.ir.graphs import graphs

JSON = JsonType()


def told(verify: Callable[[], None]) -> str | None:
    """What a verification complains of."""
    try:
        verify()
    except (VerifyException, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def put(attributes: dict[str, Attribute], key: str, value: Attribute | None) -> Callable[[], None]:
    """Write or remove an attribute; what is returned puts it back."""
    before = attributes.pop(key, None)
    if value is not None:
        attributes[key] = value
    return lambda: attributes.__setitem__(key, before) if before is not None else attributes.pop(key, None) and None


def damages(op: Operation) -> Sequence[Callable[[], Callable[[], None]]]:
    """Ways to damage an operation, or to change it without damage, that can be taken back."""
    ways = [
        lambda: put(op.properties, "id", StringAttr("not one")),
        lambda: put(op.properties, "function", None),
        lambda: put(op.properties, "retries", StringAttr("two")),
        lambda: put(op.properties, "where", StringAttr("elsewhere")),
        lambda: put(op.attributes, "cost.visits", UnitAttr()),
        lambda: put(op.attributes, "plan.chosen", StringAttr("nothing")),
        lambda: put(op.attributes, "note", StringAttr("harmless")),
    ]
    if op.operands:
        ways.append(lambda: operand_of_other_block(op))
    return ways


def operand_of_other_block(op: Operation) -> Callable[[], None]:
    """Read a value that is not there."""
    before, elsewhere = tuple(op.operands), Block(arg_types=[JSON])
    op.operands = [elsewhere.args[0], *before[1:]]

    def back() -> None:
        op.operands = before

    return back


@settings(max_examples=60, deadline=None)
@given(graphs(), st.data())
def test_after_any_pass_and_any_damage_it_says_what_xdsl_says(graph: Graph, data: st.DataObject) -> None:
    module, verifier = to_ir(graph), Verifier()
    for each in DEFAULT_PIPELINE:
        each().apply(Context(), module)
        assert told(lambda: verifier.verify(module)) == told(module.verify)
        op = data.draw(st.sampled_from(list(module.walk())[1:]))
        back = data.draw(st.sampled_from(damages(op)))()
        assert told(lambda: verifier.verify(module)) == told(module.verify)
        back()
        assert told(lambda: verifier.verify(module)) is None


FUNCTION = 'function = #agent.function<"a.py", "f", "00">'
TWO_AGENTS = f"""
agent.graph @a(q) {{
^bb0(%q : !agent.json):
  %r = agent.call @r @b(q = %q) : (!agent.json) -> !agent.json
  agent.output %r : !agent.json
}}
agent.graph @b(q) {{
^bb0(%q : !agent.json):
  %f = agent.compute @f(x = %q) {{{FUNCTION}}} : (!agent.json) -> !agent.json
  agent.output %f : !agent.json
}}
"""


def verified(text: str) -> tuple[ModuleOp, Verifier]:
    module, verifier = parse(text), Verifier()
    verifier.verify(module)
    verifier.verify(module)
    return module, verifier


def test_a_call_is_verified_again_when_its_agent_is_gone() -> None:
    module, verifier = verified(TWO_AGENTS)
    first, second = module.ops
    second.detach()
    with pytest.raises(VerifyException, match=r"calls agent @b, which the module does not have"):
        verifier.verify(module)
    module.body.block.add_op(second)
    verifier.verify(module)
    assert first.parent is module.body.block


def test_an_operation_that_moved_is_verified_where_it_is() -> None:
    module, verifier = verified(TWO_AGENTS)
    *_, graph = module.ops
    output = graph.regions[0].block.last_op
    assert output is not None
    output.detach()
    graph.regions[0].block.insert_op_before(output, graph.regions[0].block.first_op or output)
    assert told(lambda: verifier.verify(module)) == told(module.verify)
    assert told(module.verify) is not None


def test_a_known_operation_is_not_verified_again(monkeypatch: pytest.MonkeyPatch) -> None:
    module, verifier = verified(TWO_AGENTS)
    seen: list[str] = []
    original = Operation.verify

    def counted(self: Operation, verify_nested_ops: bool = True) -> None:
        seen.append(self.name)
        original(self, verify_nested_ops)

    monkeypatch.setattr(Operation, "verify", counted)
    verifier.verify(module)
    assert sorted(seen) == ["agent.call", "agent.graph", "agent.graph", "builtin.module"]
    seen.clear()
    compute = next(op for op in module.walk() if op.name == "agent.compute")
    compute.properties["where"] = StringAttr("a.py:3")
    verifier.verify(module)
    assert seen.count("agent.compute") == 1


def test_an_alternative_is_part_of_its_choice() -> None:
    prefill = (
        f'call "answer" models ["llama3.1-8b"] {{{FUNCTION}}} : (!llm.tokens<9>) -> (!llm.kv<"llama3.1-8b", 9, ?>, '
    )
    module, verifier = verified(
        f"""
        agent.graph @a(q) {{
        ^bb0(%q : !agent.json):
          %p = llm.render @p(q = %q) call "answer" {{{FUNCTION}}} : (!agent.json) -> !llm.tokens<9>
          %t = plan.choose @c %p alternative "one" {{
          ^bb1(%x : !llm.tokens<9>):
            %kv, %first = llm.prefill @answer_prefill %x {prefill}!llm.tokens<1>)
            plan.yield %first : !llm.tokens<1>
          }} : (!llm.tokens<9>) -> !llm.tokens<1>
          %r = llm.parse @r %t call "answer" {{{FUNCTION}}} : (!llm.tokens<1>) -> !agent.json
          agent.output %r : !agent.json
        }}
        """
    )
    choice = next(op for op in module.walk() if isinstance(op, ChooseOp))
    choice.attributes["plan.chosen"] = StringAttr("two")
    assert told(lambda: verifier.verify(module)) == told(module.verify)
    assert told(module.verify) is not None
    del choice.attributes["plan.chosen"]
