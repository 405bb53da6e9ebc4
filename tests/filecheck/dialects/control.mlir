// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

agent.graph @assistant(q) {
^bb0(%q : !agent.json):
  %w = agent.when @pick %q p 0.7 then {
    agent.yield %q : !agent.json
  } orelse {
    %t = agent.interrupt @ask %q : !agent.json -> !agent.json
    agent.yield %t : !agent.json
  } {name = "when"} : (!agent.json) -> !agent.json
  %unknown = agent.when @guess %q then {
    agent.yield %q : !agent.json
  } orelse {
    agent.yield %q : !agent.json
  } : (!agent.json) -> !agent.json
  %l = agent.loop @revise_loop(draft = %w) max_iters 3 expect 1.4 until {
  ^bb0(%draft : !agent.json):
    %done = agent.expr "draft.score > 0.9" (draft = %draft) : (!agent.json) -> !agent.json
    agent.yield %done : !agent.json
  } do {
  ^bb0(%draft : !agent.json):
    agent.yield %draft : !agent.json
  } : (!agent.json) -> !agent.json
  %f = agent.fanout @search_fanout(query = %l) max 8 expect 2.5 overflow "truncate" on_error "collect" do {
  ^bb0(%query : !agent.json):
    agent.yield %query : !agent.json
  } : (!agent.json) -> !agent.json
  %r = agent.react @think_react(messages, arguments) max_turns 6 expect 2.2 turn {
  ^bb0(%messages : !agent.json):
    %turn = llm.call @think(question = %f, %messages) models ["llama3.1-8b"] max_tokens 64 {function = #agent.function<"a.py", "think", "00">} : (!agent.json, !agent.json) -> !agent.json
    agent.yield %turn : !agent.json
  } tool "search" {
  ^bb0(%arguments : !agent.json):
    %found = tool.invoke @search(%arguments) {function = #agent.function<"a.py", "search", "00">} : (!agent.json) -> !agent.json
    agent.yield %found : !agent.json
  } : !agent.json
  agent.output %r : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(q) {
// CHECK-NEXT:   ^bb0(%q: !agent.json):
// CHECK-NEXT:     %w = agent.when @pick %q p 0.7 then {
// CHECK-NEXT:       agent.yield %q : !agent.json
// CHECK-NEXT:     } orelse {
// CHECK-NEXT:       %t = agent.interrupt @ask %q : !agent.json -> !agent.json
// CHECK-NEXT:       agent.yield %t : !agent.json
// CHECK-NEXT:     } {name = "when"} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %unknown = agent.when @guess %q then {
// CHECK-NEXT:       agent.yield %q : !agent.json
// CHECK-NEXT:     } orelse {
// CHECK-NEXT:       agent.yield %q : !agent.json
// CHECK-NEXT:     } : (!agent.json) -> !agent.json
// CHECK-NEXT:     %l = agent.loop @revise_loop(draft = %w) max_iters 3 expect 1.4 until {
// CHECK-NEXT:     ^bb0(%draft: !agent.json):
// CHECK-NEXT:       %done = agent.expr "draft.score > 0.9" (draft = %draft) : (!agent.json) -> !agent.json
// CHECK-NEXT:       agent.yield %done : !agent.json
// CHECK-NEXT:     } do {
// CHECK-NEXT:     ^bb0(%draft_1: !agent.json):
// CHECK-NEXT:       agent.yield %draft_1 : !agent.json
// CHECK-NEXT:     } : (!agent.json) -> !agent.json
// CHECK-NEXT:     %f = agent.fanout @search_fanout(query = %l) max 8 expect 2.5 overflow "truncate" on_error "collect" do {
// CHECK-NEXT:     ^bb0(%query: !agent.json):
// CHECK-NEXT:       agent.yield %query : !agent.json
// CHECK-NEXT:     } : (!agent.json) -> !agent.json
// CHECK-NEXT:     %r = agent.react @think_react(messages, arguments) max_turns 6 expect 2.2 turn {
// CHECK-NEXT:     ^bb0(%messages: !agent.json):
// CHECK-NEXT:       %turn = llm.call @think(question = %f, %messages) models ["llama3.1-8b"] max_tokens 64 {function = #agent.function<"a.py", "think", "00">} : (!agent.json, !agent.json) -> !agent.json
// CHECK-NEXT:       agent.yield %turn : !agent.json
// CHECK-NEXT:     } tool "search" {
// CHECK-NEXT:     ^bb0(%arguments: !agent.json):
// CHECK-NEXT:       %found = tool.invoke @search(%arguments) {function = #agent.function<"a.py", "search", "00">} : (!agent.json) -> !agent.json
// CHECK-NEXT:       agent.yield %found : !agent.json
// CHECK-NEXT:     } : !agent.json
// CHECK-NEXT:     agent.output %r : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
