import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from ir.build import integer
from ir.interpreter import interpret
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.split_encode import SplitEncodePass
from ir.passes.stream_edges import STREAMS, StreamEdgesPass
from ir.text import parse, to_text


def hearing(stream: str) -> ModuleOp:
    return parse(
        f"""
        agent.graph @a(q) {{
        ^bb0(%q : !agent.json):
          %t = model.run @t(audio = %q) models ["whisper-large-v3"] audio_s 4
            {{function = #agent.function<"a.py", "hear", "00">{stream}}} : (!agent.json) -> !agent.json
          %r = llm.call @r(other = %q, text = %t) models ["llama3.1-8b"] max_tokens 8
            {{function = #agent.function<"a.py", "answer", "00">}} : (!agent.json, !agent.json) -> !agent.json
          agent.output %r : !agent.json
        }}
        """
    )


def marks(module: ModuleOp) -> dict[str, list[object]]:
    """The streamed operands by operation."""
    found = {op.name: op.attributes[STREAMS] for op in module.walk() if STREAMS in op.attributes}
    return {name: list(positions) for name, positions in found.items()}


@pytest.mark.parametrize("passes", [(), (SplitEncodePass(),)])
def test_the_reader_of_a_stream_is_marked_also_behind_a_choice(passes: tuple[SplitEncodePass, ...]) -> None:
    module = hearing(", stream")
    for each in (*passes, DecomposeLlmPass(), StreamEdgesPass()):
        each.apply(Context(), module)
        module.verify()
    # the render reads what was heard as its second operand; nothing within a call is marked
    assert marks(module) == {"llm.render": [integer(1)]}
    leaves = {"hear": lambda audio: [audio], "answer": lambda other, text: {other: text}}
    assert interpret(module, {"q": "x"}, leaves) == {"x": ["x"]}
    text = to_text(module)
    assert to_text(parse(text)) == text


def test_nothing_streams_where_no_call_says_so() -> None:
    module = hearing("")
    before = to_text(module)
    StreamEdgesPass().apply(Context(), module)
    assert to_text(module) == before
