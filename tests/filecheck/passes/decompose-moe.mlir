// RUN: xdsl-opt -p decompose-llm,decompose-moe %s | filecheck %s

// The models of @answer all have experts, so its choice gains an alternative, whose last operations keep the ids of
// prefill and decode. One model of @mixed has none, and the catalog does not know that of @strange: both stay as they are.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %answer = llm.call @answer(question = %question) models ["qwen3-30b-a3b", "gpt-oss-20b"] max_tokens 256 tokens_in 900 tokens_out 200 {function = #agent.function<"a.py", "answer", "00">} : (!agent.text) -> !agent.json
  %mixed = llm.call @mixed(question = %question) models ["qwen3-30b-a3b", "llama3.1-8b"] max_tokens 256 tokens_in 900 {function = #agent.function<"a.py", "mixed", "00">} : (!agent.text) -> !agent.json
  %strange = llm.call @strange(question = %question) models ["no-such-model"] max_tokens 256 tokens_in 900 {function = #agent.function<"a.py", "strange", "00">} : (!agent.text) -> !agent.json
  agent.output %answer : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(question) {
// CHECK-NEXT:   ^bb0(%question: !agent.text):
// CHECK-NEXT:     %prompt = llm.render @answer_render(question = %question) call "answer" {name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!agent.text) -> !llm.tokens<900>
// CHECK-NEXT:     %text = plan.choose @answer_choice %prompt alternative "colocated" {
// CHECK-NEXT:     ^bb0(%prompt_1: !llm.tokens<900>):
// CHECK-NEXT:       %kv, %first = llm.prefill @answer_prefill %prompt_1 call "answer" models ["qwen3-30b-a3b", "gpt-oss-20b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"qwen3-30b-a3b" | "gpt-oss-20b", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:       %text_1 = llm.decode @answer_decode %kv, %first call "answer" models ["qwen3-30b-a3b", "gpt-oss-20b"] max_tokens 256 {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"qwen3-30b-a3b" | "gpt-oss-20b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
// CHECK-NEXT:       plan.yield %text_1 : !llm.tokens<200>
// CHECK-NEXT:     } alternative "disaggregated" {
// CHECK-NEXT:     ^bb0(%prompt_2: !llm.tokens<900>):
// CHECK-NEXT:       %kv_1, %first_1 = llm.prefill @answer_prefill %prompt_2 call "answer" models ["qwen3-30b-a3b", "gpt-oss-20b"] {name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"qwen3-30b-a3b" | "gpt-oss-20b", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:       %moved = comm.kv_transfer @answer_kv_transfer %kv_1 call "answer" {name = "answer", function = #agent.function<"a.py", "answer", "00">} : !llm.kv<"qwen3-30b-a3b" | "gpt-oss-20b", 900, ?>
// CHECK-NEXT:       %text_2 = llm.decode @answer_decode %moved, %first_1 call "answer" models ["qwen3-30b-a3b", "gpt-oss-20b"] max_tokens 256 {name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"qwen3-30b-a3b" | "gpt-oss-20b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
// CHECK-NEXT:       plan.yield %text_2 : !llm.tokens<200>
// CHECK-NEXT:     } alternative "expert_parallel" {
// CHECK-NEXT:     ^bb0(%prompt_3: !llm.tokens<900>):
// CHECK-NEXT:       %routes = moe.gate @answer_prefill_gate %prompt_3 phase "prefill" call "answer" models ["qwen3-30b-a3b", "gpt-oss-20b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> !moe.routes<900>
// CHECK-NEXT:       %kv_2, %outputs = moe.expert_prefill @answer_prefill_experts %prompt_3, %routes call "answer" models ["qwen3-30b-a3b", "gpt-oss-20b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>, !moe.routes<900>) -> (!llm.kv<"qwen3-30b-a3b" | "gpt-oss-20b", 900, ?>, !moe.outputs<1>)
// CHECK-NEXT:       %first_2 = moe.merge @answer_prefill %outputs phase "prefill" call "answer" models ["qwen3-30b-a3b", "gpt-oss-20b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!moe.outputs<1>) -> !llm.tokens<1>
// CHECK-NEXT:       %routes_1 = moe.gate @answer_decode_gate %first_2 phase "decode" call "answer" models ["qwen3-30b-a3b", "gpt-oss-20b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<1>) -> !moe.routes<200>
// CHECK-NEXT:       %outputs_1 = moe.expert_decode @answer_decode_experts %kv_2, %first_2, %routes_1 call "answer" models ["qwen3-30b-a3b", "gpt-oss-20b"] max_tokens 256 {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"qwen3-30b-a3b" | "gpt-oss-20b", 900, ?>, !llm.tokens<1>, !moe.routes<200>) -> !moe.outputs<200>
// CHECK-NEXT:       %text_3 = moe.merge @answer_decode %outputs_1 phase "decode" call "answer" models ["qwen3-30b-a3b", "gpt-oss-20b"] {plan.group = "answer", name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!moe.outputs<200>) -> !llm.tokens<200>
// CHECK-NEXT:       plan.yield %text_3 : !llm.tokens<200>
// CHECK-NEXT:     } : (!llm.tokens<900>) -> !llm.tokens<200>
// CHECK-NEXT:     %answer = llm.parse @answer %text call "answer" {name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<200>) -> !agent.json
// CHECK-NEXT:     %prompt_1 = llm.render @mixed_render(question = %question) call "mixed" {name = "mixed", function = #agent.function<"a.py", "mixed", "00">} : (!agent.text) -> !llm.tokens<900>
// CHECK-NEXT:     %text_1 = plan.choose @mixed_choice %prompt_1 alternative "colocated" {
// CHECK-NEXT:     ^bb0(%prompt_2: !llm.tokens<900>):
// CHECK-NEXT:       %kv, %first = llm.prefill @mixed_prefill %prompt_2 call "mixed" models ["qwen3-30b-a3b", "llama3.1-8b"] {plan.group = "mixed", name = "mixed", function = #agent.function<"a.py", "mixed", "00">} : (!llm.tokens<900>) -> (!llm.kv<"qwen3-30b-a3b" | "llama3.1-8b", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:       %text_2 = llm.decode @mixed_decode %kv, %first call "mixed" models ["qwen3-30b-a3b", "llama3.1-8b"] max_tokens 256 {plan.group = "mixed", name = "mixed", function = #agent.function<"a.py", "mixed", "00">} : (!llm.kv<"qwen3-30b-a3b" | "llama3.1-8b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<?>
// CHECK-NEXT:       plan.yield %text_2 : !llm.tokens<?>
// CHECK-NEXT:     } alternative "disaggregated" {
// CHECK-NEXT:     ^bb0(%prompt_3: !llm.tokens<900>):
// CHECK-NEXT:       %kv_1, %first_1 = llm.prefill @mixed_prefill %prompt_3 call "mixed" models ["qwen3-30b-a3b", "llama3.1-8b"] {name = "mixed", function = #agent.function<"a.py", "mixed", "00">} : (!llm.tokens<900>) -> (!llm.kv<"qwen3-30b-a3b" | "llama3.1-8b", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:       %moved = comm.kv_transfer @mixed_kv_transfer %kv_1 call "mixed" {name = "mixed", function = #agent.function<"a.py", "mixed", "00">} : !llm.kv<"qwen3-30b-a3b" | "llama3.1-8b", 900, ?>
// CHECK-NEXT:       %text_3 = llm.decode @mixed_decode %moved, %first_1 call "mixed" models ["qwen3-30b-a3b", "llama3.1-8b"] max_tokens 256 {name = "mixed", function = #agent.function<"a.py", "mixed", "00">} : (!llm.kv<"qwen3-30b-a3b" | "llama3.1-8b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<?>
// CHECK-NEXT:       plan.yield %text_3 : !llm.tokens<?>
// CHECK-NEXT:     } : (!llm.tokens<900>) -> !llm.tokens<?>
// CHECK-NEXT:     %mixed = llm.parse @mixed %text_1 call "mixed" {name = "mixed", function = #agent.function<"a.py", "mixed", "00">} : (!llm.tokens<?>) -> !agent.json
// CHECK-NEXT:     %prompt_2 = llm.render @strange_render(question = %question) call "strange" {name = "strange", function = #agent.function<"a.py", "strange", "00">} : (!agent.text) -> !llm.tokens<900>
// CHECK-NEXT:     %text_2 = plan.choose @strange_choice %prompt_2 alternative "colocated" {
// CHECK-NEXT:     ^bb0(%prompt_3: !llm.tokens<900>):
// CHECK-NEXT:       %kv, %first = llm.prefill @strange_prefill %prompt_3 call "strange" models ["no-such-model"] {plan.group = "strange", name = "strange", function = #agent.function<"a.py", "strange", "00">} : (!llm.tokens<900>) -> (!llm.kv<"no-such-model", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:       %text_3 = llm.decode @strange_decode %kv, %first call "strange" models ["no-such-model"] max_tokens 256 {plan.group = "strange", name = "strange", function = #agent.function<"a.py", "strange", "00">} : (!llm.kv<"no-such-model", 900, ?>, !llm.tokens<1>) -> !llm.tokens<?>
// CHECK-NEXT:       plan.yield %text_3 : !llm.tokens<?>
// CHECK-NEXT:     } alternative "disaggregated" {
// CHECK-NEXT:     ^bb0(%prompt_4: !llm.tokens<900>):
// CHECK-NEXT:       %kv_1, %first_1 = llm.prefill @strange_prefill %prompt_4 call "strange" models ["no-such-model"] {name = "strange", function = #agent.function<"a.py", "strange", "00">} : (!llm.tokens<900>) -> (!llm.kv<"no-such-model", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:       %moved = comm.kv_transfer @strange_kv_transfer %kv_1 call "strange" {name = "strange", function = #agent.function<"a.py", "strange", "00">} : !llm.kv<"no-such-model", 900, ?>
// CHECK-NEXT:       %text_4 = llm.decode @strange_decode %moved, %first_1 call "strange" models ["no-such-model"] max_tokens 256 {name = "strange", function = #agent.function<"a.py", "strange", "00">} : (!llm.kv<"no-such-model", 900, ?>, !llm.tokens<1>) -> !llm.tokens<?>
// CHECK-NEXT:       plan.yield %text_4 : !llm.tokens<?>
// CHECK-NEXT:     } : (!llm.tokens<900>) -> !llm.tokens<?>
// CHECK-NEXT:     %strange = llm.parse @strange %text_2 call "strange" {name = "strange", function = #agent.function<"a.py", "strange", "00">} : (!llm.tokens<?>) -> !agent.json
// CHECK-NEXT:     agent.output %answer : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
