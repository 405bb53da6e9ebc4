// RUN: xdsl-opt -p inline-agents %s | filecheck %s

// The body of a nested agent stands where it was called. A name of the callee that the caller already has (here `find`,
// and in the second call all of them) gets the call's id before it; graphs that were called are gone.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %find = tool.invoke @find(query = %question) {function = #agent.function<"a.py", "find", "00">} : (!agent.text) -> !agent.json
  %one = agent.call @one @helper(text = %find, limit = %question) : (!agent.json, !agent.text) -> !agent.json
  %two = agent.when @two_when %one p 0.5 then {
    %inner = agent.call @two @helper(limit = %question, text = %one) : (!agent.text, !agent.json) -> !agent.json
    agent.yield %inner : !agent.json
  } orelse {
    agent.yield %question : !agent.text
  } : (!agent.json) -> !agent.json
  agent.output %two : !agent.json
}

agent.graph @helper(text, limit) {
^bb0(%text : !agent.text, %limit : !agent.json):
  %find = tool.invoke @find(query = %text) {function = #agent.function<"a.py", "find", "00">} : (!agent.text) -> !agent.json
  %echo = agent.call @echo @echo(value = %find) : (!agent.json) -> !agent.json
  %loop = agent.loop @grow_loop(draft = %echo) max_iters 3 expect 1 until {
  ^bb0(%draft : !agent.json):
    %done = agent.expr "len(draft) > limit" (draft = %draft, limit = %limit) : (!agent.json, !agent.json) -> !agent.json
    agent.yield %done : !agent.json
  } do {
  ^bb0(%draft : !agent.json):
    agent.yield %draft : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %loop : !agent.json
}

agent.graph @echo(value) {
^bb0(%value : !agent.json):
  agent.output %value : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(question) {
// CHECK-NEXT:   ^bb0(%question: !agent.text):
// CHECK-NEXT:     %find = tool.invoke @find(query = %question) {function = #agent.function<"a.py", "find", "00">} : (!agent.text) -> !agent.json
// CHECK-NEXT:     %find_1 = tool.invoke @one_find(query = %find) {function = #agent.function<"a.py", "find", "00">} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %loop = agent.loop @grow_loop(draft = %find_1) max_iters 3 expect 1 until {
// CHECK-NEXT:     ^bb0(%draft: !agent.json):
// CHECK-NEXT:       %done = agent.expr "len(draft) > limit" (draft = %draft, limit = %question) : (!agent.json, !agent.text) -> !agent.json
// CHECK-NEXT:       agent.yield %done : !agent.json
// CHECK-NEXT:     } do {
// CHECK-NEXT:     ^bb0(%draft_1: !agent.json):
// CHECK-NEXT:       agent.yield %draft_1 : !agent.json
// CHECK-NEXT:     } : (!agent.json) -> !agent.json
// CHECK-NEXT:     %two = agent.when @two_when %loop p 0.5 then {
// CHECK-NEXT:       %find_2 = tool.invoke @two_find(query = %loop) {function = #agent.function<"a.py", "find", "00">} : (!agent.json) -> !agent.json
// CHECK-NEXT:       %loop_1 = agent.loop @two_grow_loop(two_draft = %find_2) max_iters 3 expect 1 until {
// CHECK-NEXT:       ^bb0(%draft_2: !agent.json):
// CHECK-NEXT:         %done_1 = agent.expr "len(draft) > limit" (draft = %draft_2, limit = %question) : (!agent.json, !agent.text) -> !agent.json
// CHECK-NEXT:         agent.yield %done_1 : !agent.json
// CHECK-NEXT:       } do {
// CHECK-NEXT:       ^bb0(%draft_3: !agent.json):
// CHECK-NEXT:         agent.yield %draft_3 : !agent.json
// CHECK-NEXT:       } : (!agent.json) -> !agent.json
// CHECK-NEXT:       agent.yield %loop_1 : !agent.json
// CHECK-NEXT:     } orelse {
// CHECK-NEXT:       agent.yield %question : !agent.text
// CHECK-NEXT:     } : (!agent.json) -> !agent.json
// CHECK-NEXT:     agent.output %two : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
