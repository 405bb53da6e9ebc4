// RUN: xdsl-opt -p decompose-llm,continue-turns %s | filecheck %s

// The turns of @r extend each other's prompts, so their call gains an alternative; the call in the tool is no turn, and
// of the turns of @s the argument changes.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %r = agent.react @r(messages, arguments) max_turns 4 expect 3 turn {
  ^bb1(%messages : !agent.json):
    %think = llm.call @think(question = %question, %messages) models ["llama3.1-8b"] max_tokens 64 tokens_in 900 tokens_out 40 {function = #agent.function<"a.py", "think", "00">} : (!agent.text, !agent.json) -> !agent.json
    agent.yield %think : !agent.json
  } tool "search" {
  ^bb2(%arguments : !agent.json):
    %search = llm.call @search(%arguments) models ["llama3.1-8b"] max_tokens 64 tokens_in 90 tokens_out 8 {function = #agent.function<"a.py", "search", "00">} : (!agent.json) -> !agent.json
    agent.yield %search : !agent.json
  } : !agent.json
  %s = agent.react @s(messages, arguments) max_turns 4 expect 3 turn {
  ^bb3(%messages_1 : !agent.json):
    %said = agent.expr "len(messages)" (messages = %messages_1) : (!agent.json) -> !agent.json
    %count = llm.call @count(said = %said, %messages_1) models ["llama3.1-8b"] max_tokens 64 tokens_in 900 tokens_out 40 {function = #agent.function<"a.py", "count", "00">} : (!agent.json, !agent.json) -> !agent.json
    agent.yield %count : !agent.json
  } tool "find" {
  ^bb4(%arguments_1 : !agent.json):
    agent.yield %arguments_1 : !agent.json
  } : !agent.json
  agent.output %s : !agent.json
}

// CHECK:      plan.choose @think_choice
// CHECK:      } alternative "continued" {
// CHECK-NEXT: ^bb{{[0-9]+}}(%[[P:[a-z0-9_]+]]: !llm.tokens<?>):
// CHECK-NEXT: %[[KV:[a-z0-9_]+]], %[[F:[a-z0-9_]+]] = llm.prefill @think_prefill %[[P]] call "think" models ["llama3.1-8b"] {plan.group = "think", name = "think", function = #agent.function<"a.py", "think", "00">, continues} : (!llm.tokens<?>) -> (!llm.kv<"llama3.1-8b", ?, ?>, !llm.tokens<1>)
// CHECK-NEXT: llm.decode @think_decode %[[KV]], %[[F]] call "think" models ["llama3.1-8b"] max_tokens 64 {plan.group = "think"
// CHECK:      plan.choose @search_choice
// CHECK-NOT:  alternative "continued"
// CHECK:      plan.choose @count_choice
// CHECK-NOT:  alternative "continued"
