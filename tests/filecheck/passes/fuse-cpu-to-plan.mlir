// RUN: xdsl-opt -p lower-to-plan %s | filecheck %s

// Fused computes are one operator. It reads the names that its computes read of what is around them, its value has the
// name of the last one's, and its computes say what they read but are no operators.
agent.graph @assistant(text) {
^bb0(%text : !agent.text):
  %c = agent.fused @c_fused do {
    %a = agent.compute @a(x = %text) {function = #agent.function<"a.py", "a", "00">, pure} : (!agent.text) -> !agent.json
    %head = agent.expr "a.head" (a = %a) : (!agent.json) -> !agent.json
    %c_1 = agent.compute @c(x = %head, y = %text) {function = #agent.function<"a.py", "c", "00">, pure} : (!agent.json, !agent.text) -> !agent.json
    agent.yield %c_1 : !agent.json
  } {plan.pool = "cpu"} : !agent.json
  agent.output %c : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(text) attributes {plan.last_form} {
// CHECK-NEXT:   ^bb0(%text: !agent.text):
// CHECK-NEXT:     %c = agent.fused @c_fused do {
// CHECK-NEXT:       %a = agent.compute @a(x = %text) {plan.inputs = #plan.inputs<"x" = "text">, function = #agent.function<"a.py", "a", "00">, pure} : (!agent.text) -> !agent.json
// CHECK-NEXT:       %head = agent.expr "a.head" (a = %a) {plan.forwards} : (!agent.json) -> !agent.json
// CHECK-NEXT:       %c_1 = agent.compute @c(x = %head, y = %text) {plan.inputs = #plan.inputs<"x" = "a.head", "y" = "text">, function = #agent.function<"a.py", "c", "00">, pure} : (!agent.json, !agent.text) -> !agent.json
// CHECK-NEXT:       agent.yield %c_1 {plan.inputs = #plan.inputs<"value" = "c">} : !agent.json
// CHECK-NEXT:     } {plan.pool = "cpu", plan.operator = "c_fused", plan.inputs = #plan.inputs<"text" = "text">} : !agent.json
// CHECK-NEXT:     agent.output %c {plan.inputs = #plan.inputs<"value" = "c">} : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
