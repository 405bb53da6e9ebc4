// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

agent.graph @assistant(q) {
^bb0(%q : !agent.text):
  %plan = llm.call @plan(question = %q) models ["llama3.1-8b", "llama3.1-70b"] max_tokens 256 tokens_in 900 tokens_out 200.5 {function = #agent.function<"a.py", "plan", "00">, stream} : (!agent.text) -> !agent.json
  %prompt = llm.render @answer_render(question = %q, plan = %plan) call "answer" {function = #agent.function<"a.py", "answer", "00">} : (!agent.text, !agent.json) -> !llm.tokens<900>
  %kv, %first = llm.prefill @answer_prefill %prompt call "answer" models ["llama3.1-8b", "llama3.1-70b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"llama3.1-8b" | "llama3.1-70b", 900, ?>, !llm.tokens<1>)
  %text = llm.decode @answer_decode %kv, %first call "answer" models ["llama3.1-8b", "llama3.1-70b"] max_tokens 256 {function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"llama3.1-8b" | "llama3.1-70b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<?>
  %answer = llm.parse @answer %text call "answer" {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<?>) -> !agent.json
  %pinned, %head = llm.prefill @pinned_prefill %prompt call "pinned" models ["llama3.1-8b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"llama3.1-8b", 900, "fp8">, !llm.tokens<1>)
  %begun = llm.prefix_prefill @answer_prefix call "answer" models ["llama3.1-8b"] {function = #agent.function<"a.py", "answer", "00">, starts_with = #llm.prefix<800, "9f86">} : !llm.kv<"llama3.1-8b", 800, ?>
  %after, %next = llm.prefill @after_prefill %prompt prefix %begun call "after" models ["llama3.1-8b"] {function = #agent.function<"a.py", "answer", "00">, starts_with = #llm.prefix<800, "9f86">} : (!llm.tokens<900>, !llm.kv<"llama3.1-8b", 800, ?>) -> (!llm.kv<"llama3.1-8b", 900, ?>, !llm.tokens<1>)
  agent.output %answer : !agent.json
}

// CHECK:          %plan = llm.call @plan(question = %q) models ["llama3.1-8b", "llama3.1-70b"] max_tokens 256 tokens_in 900 tokens_out 200.5 {function = #agent.function<"a.py", "plan", "00">, stream} : (!agent.text) -> !agent.json
// CHECK-NEXT:     %prompt = llm.render @answer_render(question = %q, plan = %plan) call "answer" {function = #agent.function<"a.py", "answer", "00">} : (!agent.text, !agent.json) -> !llm.tokens<900>
// CHECK-NEXT:     %kv, %first = llm.prefill @answer_prefill %prompt call "answer" models ["llama3.1-8b", "llama3.1-70b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"llama3.1-8b" | "llama3.1-70b", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:     %text = llm.decode @answer_decode %kv, %first call "answer" models ["llama3.1-8b", "llama3.1-70b"] max_tokens 256 {function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"llama3.1-8b" | "llama3.1-70b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<?>
// CHECK-NEXT:     %answer = llm.parse @answer %text call "answer" {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<?>) -> !agent.json
// CHECK-NEXT:     %pinned, %head = llm.prefill @pinned_prefill %prompt call "pinned" models ["llama3.1-8b"] {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"llama3.1-8b", 900, "fp8">, !llm.tokens<1>)
// CHECK-NEXT:     %begun = llm.prefix_prefill @answer_prefix call "answer" models ["llama3.1-8b"] {function = #agent.function<"a.py", "answer", "00">, starts_with = #llm.prefix<800, "9f86">} : !llm.kv<"llama3.1-8b", 800, ?>
// CHECK-NEXT:     %after, %next = llm.prefill @after_prefill %prompt prefix %begun call "after" models ["llama3.1-8b"] {function = #agent.function<"a.py", "answer", "00">, starts_with = #llm.prefix<800, "9f86">} : (!llm.tokens<900>, !llm.kv<"llama3.1-8b", 800, ?>) -> (!llm.kv<"llama3.1-8b", 900, ?>, !llm.tokens<1>)
