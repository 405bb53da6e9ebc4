"""What the parts of a mixture-of-experts call mean, and which of them do not fit together."""

import pytest

from ir.interpreter import InterpretError, interpret
from ir.text import parse

F = '{function = #agent.function<"a.py", "f", "00">}'
M = 'call "f" models ["x"]'
KV, FIRST, TEXT = '!llm.kv<"x", ?, ?>', "!llm.tokens<1>", "!llm.tokens<?>"


def shard(index: int, whole: str) -> str:
    return f"!comm.shard<{index}, 2, {whole}>"


def prefill(index: int, prompt: str, routes: str) -> str:
    """One shard of prefill, named after its prompt and its part."""
    outputs = f"{shard(index, KV)}, {shard(index, '!moe.outputs<1>')}"
    name = f"{prompt}{index}"
    return f"""
    %kv_{name}, %part_{name} = moe.expert_prefill @experts_{name} %{prompt}, %{routes} {M} {F}
      : ({TEXT}, !moe.routes<?>) -> ({outputs})
    %sum_{name} = moe.merge @merge_{name} %part_{name} phase "prefill" {M} {F}
      : ({shard(index, "!moe.outputs<1>")}) -> {shard(index, FIRST)}"""


BODY = f"""
    %p = llm.render @p(x = %q) call "f" {F} : (!agent.json) -> {TEXT}
    %o = llm.render @o(x = %one) call "f" {F} : (!agent.json) -> {TEXT}
    %rp = moe.gate @rp %p phase "prefill" {M} {F} : ({TEXT}) -> !moe.routes<?>
    %ro = moe.gate @ro %o phase "prefill" {M} {F} : ({TEXT}) -> !moe.routes<?>
    {prefill(0, "p", "ROUTES")}
    {prefill(1, "p", "rp")}
    {prefill(0, "o", "ro")}
    {prefill(1, "o", "ro")}
    %first = comm.all_reduce @first %sum_p0, %SECOND phase "prefill" {M} {F}
      : ({shard(0, FIRST)}, {shard(1, FIRST)}) -> {FIRST}
    %other = comm.all_reduce @other %sum_o0, %sum_o1 phase "prefill" {M} {F}
      : ({shard(0, FIRST)}, {shard(1, FIRST)}) -> {FIRST}
    %rf = moe.gate @rf %GATED phase "decode" {M} {F} : ({FIRST}) -> !moe.routes<?>
    %d0 = moe.expert_decode @d0 %DECODED, %first, %rf {M} max_tokens 8 {F}
      : ({shard(0, KV)}, {FIRST}, !moe.routes<?>) -> {shard(0, "!moe.outputs<?>")}
    %d1 = moe.expert_decode @d1 %kv_p1, %first, %rf {M} max_tokens 8 {F}
      : ({shard(1, KV)}, {FIRST}, !moe.routes<?>) -> {shard(1, "!moe.outputs<?>")}
    %m0 = moe.merge @m0 %d0 phase "decode" {M} {F} : ({shard(0, "!moe.outputs<?>")}) -> {shard(0, TEXT)}
    %m1 = moe.merge @m1 %d1 phase "decode" {M} {F} : ({shard(1, "!moe.outputs<?>")}) -> {shard(1, TEXT)}
    %text = comm.all_reduce @text %m0, %m1 phase "decode" {M} {F} : ({shard(0, TEXT)}, {shard(1, TEXT)}) -> {TEXT}
    %r = llm.parse @r %text call "f" {F} : ({TEXT}) -> !agent.json"""

RIGHT = {"ROUTES": "rp", "SECOND": "sum_p1", "GATED": "first", "DECODED": "kv_p0"}


def run(**wrong: str) -> object:
    """What the graph answers to 41 with some values taken from the other prompt, which is 1."""
    body = BODY
    for name, value in (RIGHT | wrong).items():
        body = body.replace(name, value)
    source = (
        f'agent.graph @a(q) {{\n^bb0(%q : !agent.json):\n%one = agent.expr "1" () : () -> !agent.json\n{body}\n'
        "agent.output %r : !agent.json\n}"
    )
    return interpret(parse(source), {"q": 41}, {"f": lambda x: x + 1})


def test_a_divided_call_means_the_call() -> None:
    assert run() == 42


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ROUTES": "ro"}, "@experts_p0 reads a prompt that its gate did not route"),
        ({"SECOND": "sum_o1"}, "@first adds up parts of different values"),
        ({"GATED": "other"}, "@d0 decodes a KV, a first token and routes that do not belong together"),
        ({"DECODED": "kv_o0"}, "@d0 decodes a KV, a first token and routes that do not belong together"),
    ],
)
def test_parts_of_different_prompts_have_no_meaning(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(InterpretError, match=message):
        run(**wrong)
