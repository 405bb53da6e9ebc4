from xdsl.context import Context

from ir.dialects.comm import KvTransferOp
from ir.interpreter import interpret
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.overlap_transfer import OverlapTransferPass
from ir.text import parse, to_text


def test_every_transfer_of_a_decomposed_call_is_overlapped_and_means_the_same() -> None:
    module = parse(
        """
        agent.graph @a(q) {
        ^bb0(%q : !agent.text):
          %r = llm.call @r(q = %q) models ["llama3.1-8b"] max_tokens 8 {function = #agent.function<"a.py", "r", "00">}
            : (!agent.text) -> !agent.json
          %s = llm.call @s(q = %r) models ["llama3.1-8b"] max_tokens 8 {function = #agent.function<"a.py", "s", "00">}
            : (!agent.json) -> !agent.json
          agent.output %s : !agent.json
        }
        """
    )
    DecomposeLlmPass().apply(Context(), module)
    before = interpret(module, {"q": "hi"}, {"r": lambda q: [q], "s": lambda q: {"of": q}})
    assert [op.layerwise for op in module.walk() if isinstance(op, KvTransferOp)] == [None, None]
    OverlapTransferPass().apply(Context(), module)
    module.verify()
    assert all(op.layerwise is not None for op in module.walk() if isinstance(op, KvTransferOp))
    assert interpret(module, {"q": "hi"}, {"r": lambda q: [q], "s": lambda q: {"of": q}}) == before == {"of": ["hi"]}
    once = to_text(module)
    OverlapTransferPass().apply(Context(), module)
    assert to_text(module) == once
