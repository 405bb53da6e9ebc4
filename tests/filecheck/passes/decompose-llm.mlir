// RUN: xdsl-opt -p decompose-llm %s | filecheck %s

// A call becomes render, a choice of two ways to prefill and decode, and parse, which keeps the call's id. In a react's turn
// the prompt grows, so its length is unknown here; the length of the first turn stays on the render.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %answer = llm.call @answer(question = %question) models ["llama3.1-8b", "llama3.1-70b"] max_tokens 256 tokens_in 900 tokens_out 200 {where = "a.py:7", function = #agent.function<"a.py", "answer", "00">, timeout_s = 4.0 : f64, retries = 1 : i64, stream} : (!agent.text) -> !agent.json
  %react = agent.react @think_react(messages, arguments) max_turns 4 expect 2 turn {
  ^bb0(%messages : !agent.json):
    %think = llm.call @think_2(question = %answer, %messages) models ["llama3.1-8b"] max_tokens 64 tokens_in 120 {name = "think", function = #agent.function<"a.py", "think", "00">} : (!agent.json, !agent.json) -> !agent.json
    agent.yield %think : !agent.json
  } : !agent.json
  agent.output %react : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(question) {
// CHECK-NEXT:   ^bb0(%question: !agent.text):
// CHECK-NEXT:     %prompt = llm.render @answer_render(question = %question) call "answer" {name = "answer", where = "a.py:7", function = #agent.function<"a.py", "answer", "00">, timeout_s = 4.000000e+00 : f64, retries = 1 : i64, stream} : (!agent.text) -> !llm.tokens<900>
// CHECK-NEXT:     %text = plan.choose @answer_choice %prompt alternative "colocated" {
// CHECK-NEXT:     ^bb0(%prompt_1: !llm.tokens<900>):
// CHECK-NEXT:       %kv, %first = llm.prefill @answer_prefill %prompt_1 call "answer" models ["llama3.1-8b", "llama3.1-70b"] {plan.group = "answer", name = "answer", where = "a.py:7", function = #agent.function<"a.py", "answer", "00">, timeout_s = 4.000000e+00 : f64, retries = 1 : i64, stream} : (!llm.tokens<900>) -> (!llm.kv<"llama3.1-8b" | "llama3.1-70b", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:       %text_1 = llm.decode @answer_decode %kv, %first call "answer" models ["llama3.1-8b", "llama3.1-70b"] max_tokens 256 {plan.group = "answer", name = "answer", where = "a.py:7", function = #agent.function<"a.py", "answer", "00">, timeout_s = 4.000000e+00 : f64, retries = 1 : i64, stream} : (!llm.kv<"llama3.1-8b" | "llama3.1-70b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
// CHECK-NEXT:       plan.yield %text_1 : !llm.tokens<200>
// CHECK-NEXT:     } alternative "disaggregated" {
// CHECK-NEXT:     ^bb0(%prompt_2: !llm.tokens<900>):
// CHECK-NEXT:       %kv_1, %first_1 = llm.prefill @answer_prefill %prompt_2 call "answer" models ["llama3.1-8b", "llama3.1-70b"] {name = "answer", where = "a.py:7", function = #agent.function<"a.py", "answer", "00">, timeout_s = 4.000000e+00 : f64, retries = 1 : i64, stream} : (!llm.tokens<900>) -> (!llm.kv<"llama3.1-8b" | "llama3.1-70b", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:       %moved = comm.kv_transfer @answer_kv_transfer %kv_1 call "answer" {name = "answer", where = "a.py:7", function = #agent.function<"a.py", "answer", "00">, timeout_s = 4.000000e+00 : f64, retries = 1 : i64, stream} : !llm.kv<"llama3.1-8b" | "llama3.1-70b", 900, ?>
// CHECK-NEXT:       %text_2 = llm.decode @answer_decode %moved, %first_1 call "answer" models ["llama3.1-8b", "llama3.1-70b"] max_tokens 256 {name = "answer", where = "a.py:7", function = #agent.function<"a.py", "answer", "00">, timeout_s = 4.000000e+00 : f64, retries = 1 : i64, stream} : (!llm.kv<"llama3.1-8b" | "llama3.1-70b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
// CHECK-NEXT:       plan.yield %text_2 : !llm.tokens<200>
// CHECK-NEXT:     } : (!llm.tokens<900>) -> !llm.tokens<200>
// CHECK-NEXT:     %answer = llm.parse @answer %text call "answer" {name = "answer", where = "a.py:7", function = #agent.function<"a.py", "answer", "00">, timeout_s = 4.000000e+00 : f64, retries = 1 : i64, stream} : (!llm.tokens<200>) -> !agent.json
// CHECK-NEXT:     %react = agent.react @think_react(messages, arguments) max_turns 4 expect 2 turn {
// CHECK-NEXT:     ^bb0(%messages: !agent.json):
// CHECK-NEXT:       %prompt_1 = llm.render @think_2_render(question = %answer, %messages) call "think_2" {name = "think", function = #agent.function<"a.py", "think", "00">, tokens_in = 1.200000e+02 : f64} : (!agent.json, !agent.json) -> !llm.tokens<?>
// CHECK-NEXT:       %text_1 = plan.choose @think_2_choice %prompt_1 alternative "colocated" {
// CHECK-NEXT:       ^bb0(%prompt_2: !llm.tokens<?>):
// CHECK-NEXT:         %kv, %first = llm.prefill @think_2_prefill %prompt_2 call "think_2" models ["llama3.1-8b"] {plan.group = "think_2", name = "think", function = #agent.function<"a.py", "think", "00">} : (!llm.tokens<?>) -> (!llm.kv<"llama3.1-8b", ?, ?>, !llm.tokens<1>)
// CHECK-NEXT:         %text_2 = llm.decode @think_2_decode %kv, %first call "think_2" models ["llama3.1-8b"] max_tokens 64 {plan.group = "think_2", name = "think", function = #agent.function<"a.py", "think", "00">} : (!llm.kv<"llama3.1-8b", ?, ?>, !llm.tokens<1>) -> !llm.tokens<?>
// CHECK-NEXT:         plan.yield %text_2 : !llm.tokens<?>
// CHECK-NEXT:       } alternative "disaggregated" {
// CHECK-NEXT:       ^bb0(%prompt_3: !llm.tokens<?>):
// CHECK-NEXT:         %kv_1, %first_1 = llm.prefill @think_2_prefill %prompt_3 call "think_2" models ["llama3.1-8b"] {name = "think", function = #agent.function<"a.py", "think", "00">} : (!llm.tokens<?>) -> (!llm.kv<"llama3.1-8b", ?, ?>, !llm.tokens<1>)
// CHECK-NEXT:         %moved = comm.kv_transfer @think_2_kv_transfer %kv_1 call "think_2" {name = "think", function = #agent.function<"a.py", "think", "00">} : !llm.kv<"llama3.1-8b", ?, ?>
// CHECK-NEXT:         %text_3 = llm.decode @think_2_decode %moved, %first_1 call "think_2" models ["llama3.1-8b"] max_tokens 64 {name = "think", function = #agent.function<"a.py", "think", "00">} : (!llm.kv<"llama3.1-8b", ?, ?>, !llm.tokens<1>) -> !llm.tokens<?>
// CHECK-NEXT:         plan.yield %text_3 : !llm.tokens<?>
// CHECK-NEXT:       } : (!llm.tokens<?>) -> !llm.tokens<?>
// CHECK-NEXT:       %think = llm.parse @think_2 %text_1 call "think_2" {name = "think", function = #agent.function<"a.py", "think", "00">} : (!llm.tokens<?>) -> !agent.json
// CHECK-NEXT:       agent.yield %think : !agent.json
// CHECK-NEXT:     } : !agent.json
// CHECK-NEXT:     agent.output %react : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
