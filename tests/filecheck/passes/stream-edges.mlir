// RUN: xdsl-opt -p decompose-llm,stream-edges %s | filecheck %s

// @ask streams, so what reads its answer may begin at the first item; what reads an expression of it may not.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %ask = llm.call @ask(question = %question) models ["llama3.1-8b"] max_tokens 64 {function = #agent.function<"a.py", "ask", "00">, stream} : (!agent.text) -> !agent.json
  %say = agent.compute @say(whom = %question, text = %ask) {function = #agent.function<"a.py", "say", "00">} : (!agent.text, !agent.json) -> !agent.json
  %word = agent.expr "ask[0]" (ask = %ask) : (!agent.json) -> !agent.json
  %spell = agent.compute @spell(word = %word, said = %say) {function = #agent.function<"a.py", "spell", "00">} : (!agent.json, !agent.json) -> !agent.json
  agent.output %spell : !agent.json
}

// CHECK: llm.render @ask_render(question = %question) call "ask" {name = "ask", function
// CHECK: llm.parse @ask %text call "ask" {name
// CHECK: agent.compute @say(whom = %question, text = %ask) {agent.streams = [1 : i64], function
// CHECK: agent.compute @spell(word = %word, said = %say) {function
