import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from ir.dialects import cost
from ir.dialects.model import DecodeEncodedOp, EncodeOp, RunOp
from ir.interpreter import InterpretError, interpret
from ir.passes.annotate_demand import AnnotateDemandPass
from ir.passes.split_encode import SplitEncodePass
from ir.text import parse, to_text

F = '{function = #agent.function<"a.py", "f", "00">}'


def run(model: str = "whisper-large-v3", size: str = "audio_s 40") -> ModuleOp:
    return parse(
        f"""
        agent.graph @a(q, e) {{
        ^bb0(%q : !agent.json, %e : !agent.json):
          %t = model.run @t(audio = %q, hint = %q) models ["{model}"] {size} {F}
            : (!agent.json, !agent.json) -> !agent.json
          agent.output %t : !agent.json
        }}
        """
    )


def split(module: ModuleOp) -> ModuleOp:
    SplitEncodePass().apply(Context(), module)
    module.verify()
    return module


def heard(**arguments: object) -> object:
    return arguments


def test_the_parts_ask_for_what_the_run_asks_for_and_the_frames_move() -> None:
    module = split(run())
    AnnotateDemandPass().apply(Context(), module)
    (whole,) = [op for op in module.walk() if isinstance(op, RunOp)]
    encode, decode = [op for op in module.walk() if isinstance(op, EncodeOp | DecodeEncodedOp)]
    amounts: tuple[cost.PerModel, ...] = ("flops", "weight_bytes")
    for name in amounts:
        asked = [cost.per_model(op, name) or () for op in (encode, decode)]
        assert tuple(map(sum, zip(*asked, strict=True))) == cost.per_model(whole, name)
    # 40 s are two windows of 1500 frames of 1280 values of 2 bytes
    assert cost.per_model(encode, "moved_bytes") == (2 * 1500 * 1280 * 2,)


def test_both_alternatives_mean_the_same() -> None:
    module = split(run())
    assert interpret(module, {"q": "a", "e": 0}, {"f": heard}) == {"audio": "a", "hint": "a"}
    text = to_text(module)
    assert to_text(parse(text)) == text
    assert to_text(split(module)) == text


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("whisper-large-v3", "tokens 9"),
        ("all-minilm-l6-v2", "tokens 9"),
        ("xtts-v2", "audio_s 9"),
        ("what", "audio_s 9"),
    ],
)
def test_a_run_without_an_encoder_and_a_decoder_stays(model: str, size: str) -> None:
    module = run(model, size)
    before = to_text(module)
    assert to_text(split(module)) == before


def test_a_name_that_is_taken_is_left_alone() -> None:
    text = to_text(run()).replace("@a(q, e)", "@a(q, t_encode)")
    assert "model.encode @t_encode_2(" in to_text(split(parse(text)))


def test_a_decoder_of_another_call_has_no_meaning() -> None:
    text = to_text(split(run()))
    start = text.index("model.decode")
    module = parse(text[:start] + text[start:].replace("#function_0", '#agent.function<"a.py", "g", "00">', 1))
    with pytest.raises(InterpretError, match="@t decodes what its call did not encode"):
        interpret(module, {"q": "a", "e": 0}, {"f": heard, "g": heard})
