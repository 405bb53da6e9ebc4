import pytest
from xdsl.dialects.builtin import ModuleOp

from ir.pass_list import PassListError, read_passes, run_listed
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.decompose_moe import DecomposeMoePass
from ir.passes.shard_tensor_parallel import ShardTensorParallelPass
from ir.text import parse, to_text

EXPERTS = "decompose-llm,decompose-moe,shard-tensor-parallel{shards=2}"


def a_module() -> ModuleOp:
    return parse(
        """
        agent.graph @a(q) {
        ^bb0(%q : !agent.text):
          %r = llm.call @r(q = %q) models ["qwen3-30b-a3b"] max_tokens 8 {function = #agent.function<"a.py", "r", "00">}
            : (!agent.text) -> !agent.json
          agent.output %r : !agent.json
        }
        """
    )


def test_passes_are_read_in_order_with_their_options() -> None:
    assert read_passes(EXPERTS) == (DecomposeLlmPass(), DecomposeMoePass(), ShardTensorParallelPass(shards=2))
    assert read_passes("") == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("lower", r"Unrecognized passes: \['lower'\]"),
        ("shard-tensor-parallel{shards=two}", "Incompatible types: given"),
        ("shard-tensor-parallel{shard=2}", 'Provided arguments \\["shard"\\] not found'),
        ("decompose-llm,,decompose-moe", "Expected pass name here"),
        ("decompose-llm{", "(?s)Error parsing pass pipeline"),
    ],
)
def test_what_is_no_list_of_passes_is_refused_with_those_that_there_are(text: str, why: str) -> None:
    with pytest.raises(PassListError, match=why) as refusal:
        read_passes(text)
    assert "known passes: inline-agents, " in str(refusal.value)


def test_each_stage_is_shown_and_the_last_is_returned() -> None:
    module, seen = a_module(), list[str]()
    assert run_listed(module, read_passes(EXPERTS), lambda name, _: seen.append(name)) is module
    assert seen == ["capture", "decompose-llm", "decompose-moe", "shard-tensor-parallel"]
    assert "comm.all_reduce" in to_text(module)


def test_a_pass_that_refuses_the_module_is_named() -> None:
    with pytest.raises(PassListError, match="shard-tensor-parallel: @r_prefill_experts cannot be divided: 3 shards do"):
        run_listed(a_module(), read_passes("decompose-llm,decompose-moe,shard-tensor-parallel{shards=3}"))
