// RUN: xdsl-opt -p select-alternatives,lower-to-plan %s | filecheck %s

// Operators get their id in the plan and what they read; control and the ends of blocks what they read. Expressions, a
// transfer and a tool's lookup only forward values: decode reads the KV of prefill, the tool's compute what its lookup took.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %prompt = llm.render @answer_render(question = %question) call "answer" {plan.pool = "cpu", function = #agent.function<"a.py", "answer", "00">} : (!agent.text) -> !llm.tokens<900>
  %text = plan.choose @answer_choice %prompt alternative "disaggregated" {
  ^bb0(%p : !llm.tokens<900>):
    %kv, %first = llm.prefill @answer_prefill %p call "answer" models ["m"] {plan.pool = "p0", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"m", 900, ?>, !llm.tokens<1>)
    %moved = comm.kv_transfer @answer_kv_transfer %kv call "answer" {function = #agent.function<"a.py", "answer", "00">} : !llm.kv<"m", 900, ?>
    %t = llm.decode @answer_decode %moved, %first call "answer" models ["m"] max_tokens 256 {plan.pool = "p1", function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"m", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
    plan.yield %t : !llm.tokens<200>
  } {plan.chosen = "disaggregated"} : (!llm.tokens<900>) -> !llm.tokens<200>
  %answer = llm.parse @answer %text call "answer" {plan.pool = "cpu", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<200>) -> !agent.json
  %queries = agent.expr "a.queries" (a = %answer) : (!agent.json) -> !agent.json
  %found = agent.fanout @fanout(query = %queries) max 4 expect 2 overflow "error" on_error "fail" do {
  ^bb0(%query : !agent.json):
    %request = tool.lookup @search_lookup(text = %query, %answer) call "search" {function = #agent.function<"a.py", "search", "00">} : (!agent.json, !agent.json) -> !tool.request
    %result = tool.compute @search %request call "search" {plan.pool = "cpu", function = #agent.function<"a.py", "search", "00">} : !tool.request -> !agent.json
    agent.yield %result : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %found : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(question) attributes {plan.last_form} {
// CHECK-NEXT:   ^bb0(%question: !agent.text):
// CHECK-NEXT:     %prompt = llm.render @answer_render(question = %question) call "answer" {plan.pool = "cpu", plan.operator = "answer.render", plan.inputs = #plan.inputs<"question" = "question">, function = #agent.function<"a.py", "answer", "00">} : (!agent.text) -> !llm.tokens<900>
// CHECK-NEXT:     %kv, %first = llm.prefill @answer_prefill %prompt call "answer" models ["m"] {plan.pool = "p0", plan.operator = "answer.prefill", plan.inputs = #plan.inputs<"prompt" = "answer_render">, function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"m", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:     %moved = comm.kv_transfer @answer_kv_transfer %kv call "answer" {plan.forwards, function = #agent.function<"a.py", "answer", "00">} : !llm.kv<"m", 900, ?>
// CHECK-NEXT:     %t = llm.decode @answer_decode %moved, %first call "answer" models ["m"] max_tokens 256 {plan.pool = "p1", plan.operator = "answer.decode", plan.inputs = #plan.inputs<"kv" = "answer_prefill", "arguments" = "{'question': question}">, function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"m", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
// CHECK-NEXT:     %answer = llm.parse @answer %t call "answer" {plan.pool = "cpu", plan.operator = "answer.parse", plan.inputs = #plan.inputs<"text" = "answer_decode">, function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<200>) -> !agent.json
// CHECK-NEXT:     %queries = agent.expr "a.queries" (a = %answer) {plan.forwards} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %found = agent.fanout @fanout(query = %queries) max 4 expect 2 overflow "error" on_error "fail" do {
// CHECK-NEXT:     ^bb0(%query: !agent.json):
// CHECK-NEXT:       %request = tool.lookup @search_lookup(text = %query, %answer) call "search" {plan.forwards, function = #agent.function<"a.py", "search", "00">} : (!agent.json, !agent.json) -> !tool.request
// CHECK-NEXT:       %result = tool.compute @search %request call "search" {plan.pool = "cpu", plan.operator = "search", plan.inputs = #plan.inputs<"text" = "query", rest "answer">, function = #agent.function<"a.py", "search", "00">} : !tool.request -> !agent.json
// CHECK-NEXT:       agent.yield %result {plan.inputs = #plan.inputs<"value" = "search">} : !agent.json
// CHECK-NEXT:     } {plan.inputs = #plan.inputs<"items" = "answer.queries">} : (!agent.json) -> !agent.json
// CHECK-NEXT:     agent.output %found {plan.inputs = #plan.inputs<"value" = "fanout">} : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
