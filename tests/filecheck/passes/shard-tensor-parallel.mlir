// RUN: xdsl-opt -p 'decompose-llm,decompose-moe,shard-tensor-parallel{shards=2}' %s | filecheck %s

// Each phase is done once for each shard, with a gate of its own; the all-reduce keeps the id of the phase. The shards of
// decode read the KV that their own prefill wrote.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %answer = llm.call @answer(question = %question) models ["qwen3-30b-a3b"] max_tokens 256 tokens_in 900 tokens_out 200 {function = #agent.function<"a.py", "answer", "00">} : (!agent.text) -> !agent.json
  agent.output %answer : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(question) {
// CHECK-NEXT:   ^bb0(%question: !agent.text):
// CHECK-NEXT:     %prompt = llm.render @answer_render(question = %question) call "answer" {name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!agent.text) -> !llm.tokens<900>
// CHECK-NEXT:     %text = plan.choose @answer_choice %prompt alternative "colocated" {
// CHECK-NEXT:     ^bb0(%prompt_1: !llm.tokens<900>):
// CHECK-NEXT:       %kv, %first = llm.prefill @answer_prefill %prompt_1 call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"qwen3-30b-a3b", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:       %text_1 = llm.decode @answer_decode %kv, %first call "answer" models ["qwen3-30b-a3b"] max_tokens 256 {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"qwen3-30b-a3b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
// CHECK-NEXT:       plan.yield %text_1 : !llm.tokens<200>
// CHECK-NEXT:     } alternative "disaggregated" {
// CHECK-NEXT:     ^bb0(%prompt_2: !llm.tokens<900>):
// CHECK-NEXT:       %kv_1, %first_1 = llm.prefill @answer_prefill %prompt_2 call "answer" models ["qwen3-30b-a3b"] {name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"qwen3-30b-a3b", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:       %moved = comm.kv_transfer @answer_kv_transfer %kv_1 call "answer" {name = "answer", function = #agent.function<"a.py", "answer", "00">} : !llm.kv<"qwen3-30b-a3b", 900, ?>
// CHECK-NEXT:       %text_2 = llm.decode @answer_decode %moved, %first_1 call "answer" models ["qwen3-30b-a3b"] max_tokens 256 {name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"qwen3-30b-a3b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
// CHECK-NEXT:       plan.yield %text_2 : !llm.tokens<200>
// CHECK-NEXT:     } alternative "expert_parallel" {
// CHECK-NEXT:     ^bb0(%prompt_3: !llm.tokens<900>):
// CHECK-NEXT:       %routes = moe.gate @answer_prefill_gate_0 %prompt_3 phase "prefill" call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> !moe.routes<900>
// CHECK-NEXT:       %kv_2, %outputs = moe.expert_prefill @answer_prefill_experts_0 %prompt_3, %routes call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>, !moe.routes<900>) -> (!comm.shard<0, 2, !llm.kv<"qwen3-30b-a3b", 900, ?>>, !comm.shard<0, 2, !moe.outputs<1>>)
// CHECK-NEXT:       %first_2 = moe.merge @answer_prefill_merge_0 %outputs phase "prefill" call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<0, 2, !moe.outputs<1>>) -> !comm.shard<0, 2, !llm.tokens<1>>
// CHECK-NEXT:       %routes_1 = moe.gate @answer_prefill_gate_1 %prompt_3 phase "prefill" call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> !moe.routes<900>
// CHECK-NEXT:       %kv_3, %outputs_1 = moe.expert_prefill @answer_prefill_experts_1 %prompt_3, %routes_1 call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>, !moe.routes<900>) -> (!comm.shard<1, 2, !llm.kv<"qwen3-30b-a3b", 900, ?>>, !comm.shard<1, 2, !moe.outputs<1>>)
// CHECK-NEXT:       %first_3 = moe.merge @answer_prefill_merge_1 %outputs_1 phase "prefill" call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<1, 2, !moe.outputs<1>>) -> !comm.shard<1, 2, !llm.tokens<1>>
// CHECK-NEXT:       %first_4 = comm.all_reduce @answer_prefill %first_2, %first_3 phase "prefill" call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<0, 2, !llm.tokens<1>>, !comm.shard<1, 2, !llm.tokens<1>>) -> !llm.tokens<1>
// CHECK-NEXT:       %routes_2 = moe.gate @answer_decode_gate_0 %first_4 phase "decode" call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<1>) -> !moe.routes<200>
// CHECK-NEXT:       %outputs_2 = moe.expert_decode @answer_decode_experts_0 %kv_2, %first_4, %routes_2 call "answer" models ["qwen3-30b-a3b"] max_tokens 256 {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<0, 2, !llm.kv<"qwen3-30b-a3b", 900, ?>>, !llm.tokens<1>, !moe.routes<200>) -> !comm.shard<0, 2, !moe.outputs<200>>
// CHECK-NEXT:       %text_3 = moe.merge @answer_decode_merge_0 %outputs_2 phase "decode" call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<0, 2, !moe.outputs<200>>) -> !comm.shard<0, 2, !llm.tokens<200>>
// CHECK-NEXT:       %routes_3 = moe.gate @answer_decode_gate_1 %first_4 phase "decode" call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<1>) -> !moe.routes<200>
// CHECK-NEXT:       %outputs_3 = moe.expert_decode @answer_decode_experts_1 %kv_3, %first_4, %routes_3 call "answer" models ["qwen3-30b-a3b"] max_tokens 256 {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<1, 2, !llm.kv<"qwen3-30b-a3b", 900, ?>>, !llm.tokens<1>, !moe.routes<200>) -> !comm.shard<1, 2, !moe.outputs<200>>
// CHECK-NEXT:       %text_4 = moe.merge @answer_decode_merge_1 %outputs_3 phase "decode" call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<1, 2, !moe.outputs<200>>) -> !comm.shard<1, 2, !llm.tokens<200>>
// CHECK-NEXT:       %text_5 = comm.all_reduce @answer_decode %text_3, %text_4 phase "decode" call "answer" models ["qwen3-30b-a3b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!comm.shard<0, 2, !llm.tokens<200>>, !comm.shard<1, 2, !llm.tokens<200>>) -> !llm.tokens<200>
// CHECK-NEXT:       plan.yield %text_5 : !llm.tokens<200>
// CHECK-NEXT:     } : (!llm.tokens<900>) -> !llm.tokens<200>
// CHECK-NEXT:     %answer = llm.parse @answer %text call "answer" {name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<200>) -> !agent.json
// CHECK-NEXT:     agent.output %answer : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
