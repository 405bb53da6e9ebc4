// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

agent.graph @helper(q) {
^bb0(%q : !agent.text):
  agent.output %q : !agent.text
}

agent.graph @assistant(question, limit) sla <"p95", 4> first_output <"mean", 0.5> attributes {function = #agent.function<"examples/a.py", "assistant", "00ff">, degrade = #agent.degrade<"granite-4-micro", 2>, description = "Answers."} {
^bb0(%question : !agent.text, %limit : !agent.json):
  %draft = agent.call @helper_call @helper(q = %question) {where = "a.py:3"} : (!agent.text) -> !agent.json
  %good = agent.expr "d.score > 0.9 and n > 2" (d = %draft, n = %limit) : (!agent.json, !agent.json) -> !agent.json
  %two = agent.expr "2" () : () -> !agent.json
  %merged = agent.compute @merge(draft = %draft, good = %good, class = %two) {name = "merge drafts", function = #agent.function<"examples/a.py", "merge", "00ff">, timeout_s = 2.0 : f64, retries = 1 : i64, idempotent, stream, latency_s = 0.5 : f64, cpu_s = 0.25 : f64} : (!agent.json, !agent.json, !agent.json) -> !agent.json
  %seen = agent.observe @observe %merged : !agent.json -> !agent.json
  %answer = agent.interrupt @interrupt %question : !agent.text -> !agent.json
  agent.output %answer : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @helper(q) {
// CHECK-NEXT:   ^bb0(%q: !agent.text):
// CHECK-NEXT:     agent.output %q : !agent.text
// CHECK-NEXT:   }
// CHECK-NEXT:   agent.graph @assistant(question, limit) sla <"p95", 4> first_output <"mean", 0.5> attributes {function = #agent.function<"examples/a.py", "assistant", "00ff">, degrade = #agent.degrade<"granite-4-micro", 2>, description = "Answers."} {
// CHECK-NEXT:   ^bb0(%question: !agent.text, %limit: !agent.json):
// CHECK-NEXT:     %draft = agent.call @helper_call @helper(q = %question) {where = "a.py:3"} : (!agent.text) -> !agent.json
// CHECK-NEXT:     %good = agent.expr "d.score > 0.9 and n > 2" (d = %draft, n = %limit) : (!agent.json, !agent.json) -> !agent.json
// CHECK-NEXT:     %two = agent.expr "2" () : () -> !agent.json
// CHECK-NEXT:     %merged = agent.compute @merge(draft = %draft, good = %good, class = %two) {name = "merge drafts", function = #agent.function<"examples/a.py", "merge", "00ff">, timeout_s = 2.000000e+00 : f64, retries = 1 : i64, idempotent, stream, latency_s = 5.000000e-01 : f64, cpu_s = 2.500000e-01 : f64} : (!agent.json, !agent.json, !agent.json) -> !agent.json
// CHECK-NEXT:     %seen = agent.observe @observe %merged : !agent.json -> !agent.json
// CHECK-NEXT:     %answer = agent.interrupt @interrupt %question : !agent.text -> !agent.json
// CHECK-NEXT:     agent.output %answer : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
