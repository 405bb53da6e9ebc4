import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from ir import view
from ir.dialects.names import own_id
from ir.interpreter import interpret
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.stream_edges import StreamEdgesPass
from ir.text import IrParseError, parse, to_text

FUNCTION = 'function = #agent.function<"a.py", "{}", "00">'
STREAM = ", stream, items = 8.0 : f64"
OTHER = STREAM.replace("8", "4")
FIRST_ITEM = '%e = agent.expr "h[0]" (h = %h) : (!agent.json) -> !agent.json'


def run(name: str, reads: str, stream: str = "") -> str:
    types = ", ".join(["!agent.json"] * (reads.count(",") + 1))
    properties = f"{{{FUNCTION.format(name)}{stream}}}"
    return f'%{name} = model.run @{name}({reads}) models ["m"] audio_s 4 {properties} : ({types}) -> !agent.json'


def write(name: str, reads: str, stream: str = "") -> str:
    properties = f"{{{FUNCTION.format(name)}{stream}}} : (!agent.json) -> !agent.json"
    return f'%{name} = llm.call @{name}({reads}) models ["m"] max_tokens 8 {properties}'


def module_of(*lines: str) -> ModuleOp:
    body, end = "\n".join(lines), lines[-1].split()[0]
    return parse(f"agent.graph @a(q) {{\n^bb0(%q : !agent.json):\n{body}\nagent.output {end} : !agent.json }}")


def marked(*lines: str) -> tuple[ModuleOp, dict[str, dict[str, float]]]:
    """A module of these operations after the pass, and the streamed inputs by id."""
    module = module_of(*lines)
    for each in (DecomposeLlmPass(), StreamEdgesPass()):
        each.apply(Context(), module)
        module.verify()
    assert to_text(parse(to_text(module))) == to_text(module)
    return module, {own_id(op) or "": view.streams(op) for op in module.walk() if view.streams(op)}


def test_a_text_streams_from_its_decode_through_its_parse_to_a_model() -> None:
    module, marks = marked(write("t", "text = %q", STREAM), run("s", "text = %t"))
    assert marks == {"t": {"text": 8.0}, "s": {"text": 8.0}}
    leaves = {"t": lambda text: [text], "s": lambda text: {"said": text}}
    assert interpret(module, {"q": "x"}, leaves) == {"said": ["x"]}


CASES = {
    "model to model": ((run("h", "a = %q", STREAM), run("s", "a = %h")), {"s": {"a": 8.0}}),
    "items unknown": ((run("h", "a = %q", ", stream"), run("s", "a = %h")), {}),
    "no stream": ((run("h", "a = %q"), run("s", "a = %h")), {}),
    "a prompt is whole": ((run("h", "a = %q", STREAM), write("t", "a = %h")), {}),
    "read twice": ((run("h", "a = %q", STREAM), run("s", "a = %h, b = %h")), {}),
    "read in an expression too": ((run("h", "a = %q", STREAM), FIRST_ITEM, run("s", "a = %h, b = %e")), {}),
    "read in an expression only": ((run("h", "a = %q", STREAM), FIRST_ITEM, run("s", "b = %e")), {}),
    "handed on": (
        (run("h", "a = %q", STREAM), run("g", "a = %h", STREAM), run("f", "a = %g")),
        {"g": {"a": 8.0}, "f": {"a": 8.0}},
    ),
    "handed on in other items": (
        (run("h", "a = %q", STREAM), run("g", "a = %h", OTHER), run("f", "a = %g")),
        {"g": {"a": 8.0}},
    ),
    "two streams of other items": (
        (run("h", "a = %q", STREAM), run("g", "a = %q", OTHER), run("f", "a = %h, b = %g")),
        {},
    ),
    "two streams side by side": (
        (run("h", "a = %q", STREAM), run("g", "a = %q", STREAM), run("f", "a = %h, b = %g, c = %q")),
        {"f": {"a": 8.0, "b": 8.0}},
    ),
}


@pytest.mark.parametrize(("lines", "expected"), CASES.values(), ids=CASES)
def test_only_what_can_begin_with_a_part_is_marked(lines: tuple[str, ...], expected: object) -> None:
    assert marked(*lines)[1] == expected


@pytest.mark.parametrize("stream", [", items = 8.0 : f64", ", stream, items = 1.0 : f64"])
def test_items_go_with_a_stream_and_are_several(stream: str) -> None:
    with pytest.raises(IrParseError, match="items of @h must be more than 1 and go with stream"):
        module_of(run("h", "a = %q", stream))
