// RUN: xdsl-opt -p fuse-cpu %s | filecheck %s

// Three computes in a row, with an expression between them, are one operation. Apart stay one with a timeout, one that
// has two readers, and one whose reader waits for a model's answer as well.
agent.graph @assistant(text) {
^bb0(%text : !agent.text):
  %a = agent.compute @a(x = %text) {function = #agent.function<"a.py", "a", "00">, pure} : (!agent.text) -> !agent.json
  %head = agent.expr "a.head" (a = %a) : (!agent.json) -> !agent.json
  %b = agent.compute @b(x = %head, y = %text) {function = #agent.function<"a.py", "b", "00">, pure} : (!agent.json, !agent.text) -> !agent.json
  %c = agent.compute @c(x = %b) {function = #agent.function<"a.py", "c", "00">, pure} : (!agent.json) -> !agent.json
  %d = agent.compute @d(x = %c) {function = #agent.function<"a.py", "d", "00">, timeout_s = 1.0 : f64, pure} : (!agent.json) -> !agent.json
  %e = agent.compute @e(x = %d) {function = #agent.function<"a.py", "e", "00">, pure} : (!agent.json) -> !agent.json
  %said = llm.call @say(x = %e) models ["llama3.1-8b"] max_tokens 8 {function = #agent.function<"a.py", "say", "00">} : (!agent.json) -> !agent.json
  %f = agent.compute @f(x = %e) {function = #agent.function<"a.py", "f", "00">, pure} : (!agent.json) -> !agent.json
  %g = agent.compute @g(x = %f, y = %said) {function = #agent.function<"a.py", "g", "00">, pure} : (!agent.json, !agent.json) -> !agent.json
  agent.output %g : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(text) {
// CHECK-NEXT:   ^bb0(%text: !agent.text):
// CHECK-NEXT:     %c = agent.fused @c_fused do {
// CHECK-NEXT:       %a = agent.compute @a(x = %text) {function = #agent.function<"a.py", "a", "00">, pure} : (!agent.text) -> !agent.json
// CHECK-NEXT:       %head = agent.expr "a.head" (a = %a) : (!agent.json) -> !agent.json
// CHECK-NEXT:       %b = agent.compute @b(x = %head, y = %text) {function = #agent.function<"a.py", "b", "00">, pure} : (!agent.json, !agent.text) -> !agent.json
// CHECK-NEXT:       %c_1 = agent.compute @c(x = %b) {function = #agent.function<"a.py", "c", "00">, pure} : (!agent.json) -> !agent.json
// CHECK-NEXT:       agent.yield %c_1 : !agent.json
// CHECK-NEXT:     } : !agent.json
// CHECK-NEXT:     %d = agent.compute @d(x = %c) {function = #agent.function<"a.py", "d", "00">, timeout_s = 1.000000e+00 : f64, pure} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %e = agent.compute @e(x = %d) {function = #agent.function<"a.py", "e", "00">, pure} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %said = llm.call @say(x = %e) models ["llama3.1-8b"] max_tokens 8 {function = #agent.function<"a.py", "say", "00">} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %f = agent.compute @f(x = %e) {function = #agent.function<"a.py", "f", "00">, pure} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %g = agent.compute @g(x = %f, y = %said) {function = #agent.function<"a.py", "g", "00">, pure} : (!agent.json, !agent.json) -> !agent.json
// CHECK-NEXT:     agent.output %g : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
