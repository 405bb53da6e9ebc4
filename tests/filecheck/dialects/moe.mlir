// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

agent.graph @assistant(q) {
^bb0(%q : !agent.text):
  %prompt = llm.render @answer_render(question = %q) call "answer" {function = #agent.function<"a.py", "answer", "00">} : (!agent.text) -> !llm.tokens<900>
  %routes = moe.gate @prefill_gate %prompt phase "prefill" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> !moe.routes<900>
  %kv, %outputs = moe.expert_prefill @prefill_experts %prompt, %routes call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>, !moe.routes<900>) -> (!llm.kv<"qwen3-30b-a3b", 900, ?>, !moe.outputs<1>)
  %first = moe.merge @prefill %outputs phase "prefill" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!moe.outputs<1>) -> !llm.tokens<1>
  %routes_1 = moe.gate @decode_gate %first phase "decode" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<1>) -> !moe.routes<200.5>
  %outputs_1 = moe.expert_decode @decode_experts %kv, %first, %routes_1 call "answer" models ["qwen3-30b-a3b"] max_tokens 256 {function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"qwen3-30b-a3b", 900, ?>, !llm.tokens<1>, !moe.routes<200.5>) -> !moe.outputs<200.5>
  %text = moe.merge @decode %outputs_1 phase "decode" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!moe.outputs<200.5>) -> !llm.tokens<200.5>
  %answer = llm.parse @answer %text call "answer" {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<200.5>) -> !agent.json
  %unknown = moe.gate @unknown_gate %first phase "decode" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<1>) -> !moe.routes<?>
  %kv_1, %part = moe.expert_prefill @experts_0 %prompt, %routes call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>, !moe.routes<900>) -> (!comm.shard<0, 2, !llm.kv<"qwen3-30b-a3b", 900, ?>>, !comm.shard<0, 2, !moe.outputs<1>>)
  %merged = moe.merge @merge_0 %part phase "prefill" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<0, 2, !moe.outputs<1>>) -> !comm.shard<0, 2, !llm.tokens<1>>
  %kv_2, %part_1 = moe.expert_prefill @experts_1 %prompt, %routes call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>, !moe.routes<900>) -> (!comm.shard<1, 2, !llm.kv<"qwen3-30b-a3b", 900, ?>>, !comm.shard<1, 2, !moe.outputs<1>>)
  %merged_1 = moe.merge @merge_1 %part_1 phase "prefill" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<1, 2, !moe.outputs<1>>) -> !comm.shard<1, 2, !llm.tokens<1>>
  %whole = comm.all_reduce @reduce %merged, %merged_1 phase "prefill" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<0, 2, !llm.tokens<1>>, !comm.shard<1, 2, !llm.tokens<1>>) -> !llm.tokens<1>
  %outputs_2 = moe.expert_decode @unknown %kv_1, %whole, %unknown call "answer" models ["qwen3-30b-a3b"] max_tokens 256 {function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<0, 2, !llm.kv<"qwen3-30b-a3b", 900, ?>>, !llm.tokens<1>, !moe.routes<?>) -> !comm.shard<0, 2, !moe.outputs<?>>
  agent.output %answer : !agent.json
}

// CHECK: %prompt = llm.render
// CHECK-NEXT: %routes = moe.gate @prefill_gate %prompt phase "prefill" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> !moe.routes<900>
// CHECK-NEXT: %kv, %outputs = moe.expert_prefill @prefill_experts %prompt, %routes call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>, !moe.routes<900>) -> (!llm.kv<"qwen3-30b-a3b", 900, ?>, !moe.outputs<1>)
// CHECK-NEXT: %first = moe.merge @prefill %outputs phase "prefill" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!moe.outputs<1>) -> !llm.tokens<1>
// CHECK-NEXT: %routes_1 = moe.gate @decode_gate %first phase "decode" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<1>) -> !moe.routes<200.5>
// CHECK-NEXT: %outputs_1 = moe.expert_decode @decode_experts %kv, %first, %routes_1 call "answer" models ["qwen3-30b-a3b"] max_tokens 256 {function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"qwen3-30b-a3b", 900, ?>, !llm.tokens<1>, !moe.routes<200.5>) -> !moe.outputs<200.5>
// CHECK-NEXT: %text = moe.merge @decode %outputs_1 phase "decode" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!moe.outputs<200.5>) -> !llm.tokens<200.5>
// CHECK-NEXT: %answer = llm.parse
// CHECK-NEXT: %unknown = moe.gate @unknown_gate %first phase "decode" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<1>) -> !moe.routes<?>
// CHECK-NEXT: %kv_1, %part = moe.expert_prefill @experts_0 %prompt, %routes call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>, !moe.routes<900>) -> (!comm.shard<0, 2, !llm.kv<"qwen3-30b-a3b", 900, ?>>, !comm.shard<0, 2, !moe.outputs<1>>)
// CHECK-NEXT: %merged = moe.merge @merge_0 %part phase "prefill" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<0, 2, !moe.outputs<1>>) -> !comm.shard<0, 2, !llm.tokens<1>>
// CHECK-NEXT: %kv_2, %part_1 = moe.expert_prefill @experts_1 %prompt, %routes call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>, !moe.routes<900>) -> (!comm.shard<1, 2, !llm.kv<"qwen3-30b-a3b", 900, ?>>, !comm.shard<1, 2, !moe.outputs<1>>)
// CHECK-NEXT: %merged_1 = moe.merge @merge_1 %part_1 phase "prefill" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<1, 2, !moe.outputs<1>>) -> !comm.shard<1, 2, !llm.tokens<1>>
// CHECK-NEXT: %whole = comm.all_reduce @reduce %merged, %merged_1 phase "prefill" call "answer" models ["qwen3-30b-a3b"] {function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<0, 2, !llm.tokens<1>>, !comm.shard<1, 2, !llm.tokens<1>>) -> !llm.tokens<1>
// CHECK-NEXT: %outputs_2 = moe.expert_decode @unknown %kv_1, %whole, %unknown call "answer" models ["qwen3-30b-a3b"] max_tokens 256 {function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<0, 2, !llm.kv<"qwen3-30b-a3b", 900, ?>>, !llm.tokens<1>, !moe.routes<?>) -> !comm.shard<0, 2, !moe.outputs<?>>
