import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from ir.dialects import cost
from ir.dialects.comm import ActivationsOp
from ir.dialects.llm import DecodeAttentionOp, DecodeLinearOp, DecodeOp
from ir.interpreter import InterpretError, interpret
from ir.passes.annotate_demand import AnnotateDemandPass
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.offload_attention import OffloadAttentionPass
from ir.text import parse, to_text

DEMAND: tuple[cost.PerModel, ...] = ("flops", "weight_bytes", "kv_bytes")


def decomposed(models: str = '"llama3.1-8b", "gpt-oss-20b"', sizes: str = "tokens_in 900 tokens_out 200") -> ModuleOp:
    module = parse(
        f"""
        agent.graph @a(q) {{
        ^bb0(%q : !agent.text):
          %r = llm.call @r(q = %q) models [{models}] max_tokens 256 {sizes}
            {{function = #agent.function<"a.py", "r", "00">}} : (!agent.text) -> !agent.json
          agent.output %r : !agent.json
        }}
        """
    )
    DecomposeLlmPass().apply(Context(), module)
    return module


def offloaded(module: ModuleOp) -> ModuleOp:
    OffloadAttentionPass().apply(Context(), module)
    module.verify()
    return module


def test_the_halves_ask_for_what_the_decode_asks_for_and_the_activations() -> None:
    module = offloaded(decomposed())
    AnnotateDemandPass().apply(Context(), module)
    module.verify()
    whole = next(op for op in module.walk() if isinstance(op, DecodeOp))
    halves = [op for op in module.walk() if isinstance(op, DecodeAttentionOp | DecodeLinearOp)]
    for name in DEMAND:
        asked = [cost.per_model(op, name) or (0.0, 0.0) for op in halves]
        assert [sum(pair) for pair in zip(*asked, strict=True)] == pytest.approx(cost.per_model(whole, name), rel=1e-12)
    (exchange,) = [op for op in module.walk() if isinstance(op, ActivationsOp)]
    # 200 steps. llama3.1-8b: 32 layers x (32 + 2 x 8 + 32) heads x 128 x 2 bytes;
    # gpt-oss-20b: 24 layers x (64 + 2 x 8 + 64) heads x 64 x 2 bytes
    assert cost.per_model(exchange, "moved_bytes") == (200 * 32 * 80 * 128 * 2, 200 * 24 * 144 * 64 * 2)
    assert cost.per_model(exchange, "flops") == (0, 0)


def test_unknown_lengths_have_no_demand_and_the_alternative_stays() -> None:
    module = offloaded(decomposed(sizes=""))
    AnnotateDemandPass().apply(Context(), module)
    (exchange,) = [op for op in module.walk() if isinstance(op, ActivationsOp)]
    assert cost.per_model(exchange, "moved_bytes") is None


def test_every_alternative_means_the_same_and_the_pass_runs_once() -> None:
    module = offloaded(decomposed())
    assert interpret(module, {"q": "hi"}, {"r": lambda q: [q]}) == ["hi"]
    text = to_text(module)
    assert to_text(parse(text)) == text
    assert to_text(offloaded(module)) == text


@pytest.mark.parametrize("models", ['"deepseek-v3-r1"', '"granite-4.0-h-small"', '"no-such-model"'])
def test_a_call_whose_attention_cannot_stand_apart_stays(models: str) -> None:
    module = decomposed(models)
    before = to_text(module)
    assert to_text(offloaded(module)) == before


def test_a_name_that_is_taken_is_left_alone() -> None:
    text = to_text(decomposed()).replace("@a(q)", "@a(r_activations)")
    assert "@r_activations_2 " in to_text(offloaded(parse(text)))


F = '{function = #agent.function<"a.py", "r", "00">}'
M = 'call "r" models ["x"]'
KV, FIRST, TEXT = '!llm.kv<"x", ?, ?>', "!llm.tokens<1>", "!llm.tokens<?>"


def test_halves_of_different_prompts_have_no_meaning() -> None:
    module = parse(
        f"""
        agent.graph @a(q, s) {{
        ^bb0(%q : !agent.text, %s : !agent.text):
          %p = llm.render @p(q = %q) call "r" {F} : (!agent.text) -> {TEXT}
          %o = llm.render @o(q = %s) call "r" {F} : (!agent.text) -> {TEXT}
          %kv, %first = llm.prefill @kv %p {M} {F} : ({TEXT}) -> ({KV}, {FIRST})
          %kv_o, %first_o = llm.prefill @kv_o %o {M} {F} : ({TEXT}) -> ({KV}, {FIRST})
          %attended = llm.decode_attention @attended %kv {M} {F} : ({KV}) -> !llm.activations<?>
          %text = llm.decode_linear @text %attended, %first_o {M} max_tokens 8 {F}
            : (!llm.activations<?>, {FIRST}) -> {TEXT}
          %r = llm.parse @r %text call "r" {F} : ({TEXT}) -> !agent.json
          agent.output %r : !agent.json
        }}
        """
    )
    assert interpret(module, {"q": "a", "s": "a"}, {"r": lambda q: q}) == "a"
    with pytest.raises(InterpretError, match="@text decodes activations and a first token of different prompts"):
        interpret(module, {"q": "a", "s": "b"}, {"r": lambda q: q})
