// RUN: xdsl-opt -p drop-unused %s | filecheck %s

// A chain that nobody reads goes whole; so does control that holds nothing with an effect. A store, an observation, a
// question and a tool that does not say that it is pure stay, with all that they read.
agent.graph @assistant(question, limit) {
^bb0(%question : !agent.text, %limit : !agent.json):
  %draft = llm.call @draft(question = %question) models ["llama3.1-8b"] max_tokens 8 {function = #agent.function<"a.py", "draft", "00">} : (!agent.text) -> !agent.json
  %score = agent.expr "draft.score" (draft = %draft) : (!agent.json) -> !agent.json
  %merged = agent.compute @merge(score = %score) {function = #agent.function<"a.py", "merge", "00">, pure} : (!agent.json) -> !agent.json
  %fan = agent.fanout @fan(item = %limit) max 4 expect 2.0 overflow "error" on_error "fail" do {
  ^bb0(%item : !agent.json):
    %found = tool.invoke @search(query = %item) {function = #agent.function<"a.py", "search", "00">, pure} : (!agent.json) -> !agent.json
    agent.yield %found : !agent.json
  } : (!agent.json) -> !agent.json
  %when = agent.when @when %limit then {
    %kept = memory.store @keep(turn = %question) {function = #agent.function<"a.py", "keep", "00">} : (!agent.text) -> !agent.json
    %recalled = memory.lookup @recall(question = %question) {function = #agent.function<"a.py", "recall", "00">, pure} : (!agent.text) -> !agent.json
    agent.yield %kept : !agent.json
  } orelse {
    agent.yield %limit : !agent.json
  } : (!agent.json) -> !agent.json
  %sent = tool.invoke @send(text = %question) {function = #agent.function<"a.py", "send", "00">} : (!agent.text) -> !agent.json
  %half = agent.expr "limit.n / 2" (limit = %limit) : (!agent.json) -> !agent.json
  %seen = agent.observe @seen %half : !agent.json -> !agent.json
  %asked = agent.interrupt @asked %question : !agent.text -> !agent.json
  agent.output %question : !agent.text
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(question, limit) {
// CHECK-NEXT:   ^bb0(%question: !agent.text, %limit: !agent.json):
// CHECK-NEXT:     %when = agent.when @when %limit then {
// CHECK-NEXT:       %kept = memory.store @keep(turn = %question) {function = #agent.function<"a.py", "keep", "00">} : (!agent.text) -> !agent.json
// CHECK-NEXT:       agent.yield %kept : !agent.json
// CHECK-NEXT:     } orelse {
// CHECK-NEXT:       agent.yield %limit : !agent.json
// CHECK-NEXT:     } : (!agent.json) -> !agent.json
// CHECK-NEXT:     %sent = tool.invoke @send(text = %question) {function = #agent.function<"a.py", "send", "00">} : (!agent.text) -> !agent.json
// CHECK-NEXT:     %half = agent.expr "limit.n / 2" (limit = %limit) : (!agent.json) -> !agent.json
// CHECK-NEXT:     %seen = agent.observe @seen %half : !agent.json -> !agent.json
// CHECK-NEXT:     %asked = agent.interrupt @asked %question : !agent.text -> !agent.json
// CHECK-NEXT:     agent.output %question : !agent.text
// CHECK-NEXT:   }
// CHECK-NEXT: }
