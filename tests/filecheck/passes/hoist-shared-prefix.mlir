// RUN: xdsl-opt -p decompose-llm,hoist-shared-prefix %s | filecheck %s

// Two calls with one system prompt and the loop's calls share its KV; a call with another, which runs once, stays.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %other = llm.call @other(x = %question) models ["llama3.1-8b"] max_tokens 64 tokens_in 90 tokens_out 8 {function = #agent.function<"a.py", "other", "00">, starts_with = #llm.prefix<60, "0b">} : (!agent.text) -> !agent.json
  %r = llm.call @r(x = %other) models ["llama3.1-8b"] max_tokens 64 tokens_in 900 tokens_out 8 {function = #agent.function<"a.py", "r", "00">, starts_with = #llm.prefix<800, "0a">} : (!agent.json) -> !agent.json
  %l = agent.loop @l(v = %r) max_iters 3 expect 2 until {
  ^bb1(%v : !agent.json):
    agent.yield %v : !agent.json
  } do {
  ^bb2(%v : !agent.json):
    %s = llm.call @s(x = %v) models ["llama3.1-8b"] max_tokens 64 tokens_in 900 tokens_out 8 {function = #agent.function<"a.py", "s", "00">, starts_with = #llm.prefix<800, "0a">} : (!agent.json) -> !agent.json
    agent.yield %s : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %l : !agent.json
}

// CHECK-NOT:  llm.prefix_prefill
// CHECK:      llm.prefill @other_prefill %{{[a-z0-9_]+}} call "other"
// CHECK:      %other = llm.parse @other
// CHECK:      %begun = llm.prefix_prefill @r_prefix call "r" models ["llama3.1-8b"] {name = "r", function = #agent.function<"a.py", "r", "00">, starts_with = #llm.prefix<800, "0a">} : !llm.kv<"llama3.1-8b", 800, ?>
// CHECK-NEXT: plan.choose @r_choice %{{[a-z0-9_]+}}, %begun alternative "colocated" {
// CHECK-NEXT: ^bb0(%[[P:[a-z0-9_]+]]: !llm.tokens<900>, %[[B:[a-z0-9_]+]]: !llm.kv<"llama3.1-8b", 800, ?>):
// CHECK:      llm.prefill @r_prefill %[[P]] prefix %[[B]] call "r" models ["llama3.1-8b"]
// CHECK:      alternative "disaggregated"
// CHECK:      llm.prefill @r_prefill %{{[a-z0-9_]+}} prefix %{{[a-z0-9_]+}} call "r"
// CHECK:      agent.loop @l
// CHECK-NOT:  llm.prefix_prefill
// CHECK:      plan.choose @s_choice %{{[a-z0-9_]+}}, %begun alternative "colocated" {
// CHECK:      llm.prefill @s_prefill %{{[a-z0-9_]+}} prefix %{{[a-z0-9_]+}} call "s"
