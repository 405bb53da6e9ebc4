// RUN: xdsl-opt -p eliminate-common-calls %s | filecheck %s

// The second lookup asks the same by another expression over the same value, the third from a nested block: both read
// the first. After the store the lookup may find more. A tool that does not say that it is pure, a call with another
// limit and a language model stay.
agent.graph @assistant(question) {
^bb0(%question : !agent.json):
  %words = agent.expr "q.words" (q = %question) : (!agent.json) -> !agent.json
  %a = memory.lookup @recall(query = %words) {function = #agent.function<"a.py", "recall", "00">, pure} : (!agent.json) -> !agent.json
  %same = agent.expr "question.words" (question = %question) : (!agent.json) -> !agent.json
  %b = memory.lookup @recall_2(query = %same) {where = "a.py:9", function = #agent.function<"a.py", "recall", "00">, pure} : (!agent.json) -> !agent.json
  %w = agent.when @w %question then {
    %c = memory.lookup @recall_3(query = %same) {function = #agent.function<"a.py", "recall", "00">, pure} : (!agent.json) -> !agent.json
    agent.yield %c : !agent.json
  } orelse {
    agent.yield %b : !agent.json
  } : (!agent.json) -> !agent.json
  %kept = memory.store @keep(turn = %w) {function = #agent.function<"a.py", "keep", "00">} : (!agent.json) -> !agent.json
  %d = memory.lookup @recall_4(query = %words) {function = #agent.function<"a.py", "recall", "00">, pure} : (!agent.json) -> !agent.json
  %e = tool.invoke @roll(sides = %d) {function = #agent.function<"a.py", "roll", "00">} : (!agent.json) -> !agent.json
  %f = tool.invoke @roll_2(sides = %d) {function = #agent.function<"a.py", "roll", "00">} : (!agent.json) -> !agent.json
  %g = agent.compute @join(left = %e, right = %f) {function = #agent.function<"a.py", "join", "00">, pure} : (!agent.json, !agent.json) -> !agent.json
  %h = agent.compute @join_2(left = %e, right = %f) {function = #agent.function<"a.py", "join", "00">, timeout_s = 1.0 : f64, pure} : (!agent.json, !agent.json) -> !agent.json
  %i = llm.call @say(left = %g, right = %h) models ["llama3.1-8b"] max_tokens 8 {function = #agent.function<"a.py", "say", "00">} : (!agent.json, !agent.json) -> !agent.json
  %j = llm.call @say_2(left = %g, right = %h) models ["llama3.1-8b"] max_tokens 8 {function = #agent.function<"a.py", "say", "00">} : (!agent.json, !agent.json) -> !agent.json
  %all = agent.expr "[b, i, j, kept]" (b = %b, i = %i, j = %j, kept = %kept) : (!agent.json, !agent.json, !agent.json, !agent.json) -> !agent.json
  agent.output %all : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(question) {
// CHECK-NEXT:   ^bb0(%question: !agent.json):
// CHECK-NEXT:     %words = agent.expr "q.words" (q = %question) : (!agent.json) -> !agent.json
// CHECK-NEXT:     %a = memory.lookup @recall(query = %words) {function = #agent.function<"a.py", "recall", "00">, pure} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %w = agent.when @w %question then {
// CHECK-NEXT:       agent.yield %a : !agent.json
// CHECK-NEXT:     } orelse {
// CHECK-NEXT:       agent.yield %a : !agent.json
// CHECK-NEXT:     } : (!agent.json) -> !agent.json
// CHECK-NEXT:     %kept = memory.store @keep(turn = %w) {function = #agent.function<"a.py", "keep", "00">} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %d = memory.lookup @recall_4(query = %words) {function = #agent.function<"a.py", "recall", "00">, pure} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %e = tool.invoke @roll(sides = %d) {function = #agent.function<"a.py", "roll", "00">} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %f = tool.invoke @roll_2(sides = %d) {function = #agent.function<"a.py", "roll", "00">} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %g = agent.compute @join(left = %e, right = %f) {function = #agent.function<"a.py", "join", "00">, pure} : (!agent.json, !agent.json) -> !agent.json
// CHECK-NEXT:     %h = agent.compute @join_2(left = %e, right = %f) {function = #agent.function<"a.py", "join", "00">, timeout_s = 1.000000e+00 : f64, pure} : (!agent.json, !agent.json) -> !agent.json
// CHECK-NEXT:     %i = llm.call @say(left = %g, right = %h) models ["llama3.1-8b"] max_tokens 8 {function = #agent.function<"a.py", "say", "00">} : (!agent.json, !agent.json) -> !agent.json
// CHECK-NEXT:     %j = llm.call @say_2(left = %g, right = %h) models ["llama3.1-8b"] max_tokens 8 {function = #agent.function<"a.py", "say", "00">} : (!agent.json, !agent.json) -> !agent.json
// CHECK-NEXT:     %all = agent.expr "[b, i, j, kept]" (b = %a, i = %i, j = %j, kept = %kept) : (!agent.json, !agent.json, !agent.json, !agent.json) -> !agent.json
// CHECK-NEXT:     agent.output %all : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
