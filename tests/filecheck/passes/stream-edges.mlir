// RUN: xdsl-opt -p decompose-llm,stream-edges %s | filecheck %s

// The tokens of @ask go through its parse, which reads plain text, to the model that speaks them; the prompt of @reply
// and a user's function need the whole text.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %ask = llm.call @ask(question = %question) models ["llama3.1-8b"] max_tokens 64 {function = #agent.function<"a.py", "ask", "00">, stream, items = 64.0 : f64} : (!agent.text) -> !agent.json
  %say = model.run @say(whom = %question, text = %ask) models ["kokoro-82m"] audio_s 6 {function = #agent.function<"a.py", "say", "00">} : (!agent.text, !agent.json) -> !agent.json
  %reply = llm.call @reply(text = %ask) models ["llama3.1-8b"] max_tokens 64 {function = #agent.function<"a.py", "reply", "00">, stream} : (!agent.json) -> !agent.json
  %spell = agent.compute @spell(word = %ask) {function = #agent.function<"a.py", "spell", "00">} : (!agent.json) -> !agent.json
  agent.output %say : !agent.json
}

// CHECK: llm.parse @ask %text call "ask" {agent.streams = {text = 6.400000e+01 : f64}, name
// CHECK: model.run @say(whom = %question, text = %ask) models ["kokoro-82m"] audio_s 6 {agent.streams = {text = 6.400000e+01 : f64}, function
// CHECK: llm.render @reply_render(text = %ask) call "reply" {name
// CHECK: llm.parse @reply %{{.*}} call "reply" {name
// CHECK: agent.compute @spell(word = %ask) {function
