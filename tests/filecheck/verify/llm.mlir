// RUN: xdsl-opt --verify-diagnostics --parsing-diagnostics --split-input-file %s | filecheck %s

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %t = llm.call @t(q = %q) models [] max_tokens 64 {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @t needs at least one model, each once; got []

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %t = llm.call @t(q = %q) models ["m", "m"] max_tokens 64 {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: @t needs at least one model, each once; got ['m', 'm']

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %t = llm.call @t(q = %q) models ["m"] max_tokens 0 {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: max_tokens of @t must be at least 1, got 0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %t = llm.call @t(q = %q) models ["m"] max_tokens 64 tokens_in -5 {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: tokens_in of @t must be a finite number that is not negative, got -5.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %t = llm.call @t(q = %q) models ["m"] max_tokens 64 tokens_out 65 {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: tokens_out of @t is 65.0, more than max_tokens, 64

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<-9>
  agent.output %q : !agent.json
}
// CHECK: tokens must be a finite number that is not negative, got -9.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %kv, %first = llm.prefill @prefill %p call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> (!llm.kv<"m", -9, ?>, !llm.tokens<1>)
  agent.output %q : !agent.json
}
// CHECK: tokens of a KV must be a finite number that is not negative, got -9.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %kv, %first = llm.prefill @prefill %p call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> (!llm.kv<"n", 9, ?>, !llm.tokens<1>)
  agent.output %q : !agent.json
}
// CHECK: @prefill runs m, but its KV is of n

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %kv, %first = llm.prefill @prefill %p call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> (!llm.kv<"m", 8, ?>, !llm.tokens<1>)
  agent.output %q : !agent.json
}
// CHECK: @prefill reads !llm.tokens<9>, but writes !llm.kv<"m", 8, ?>: the KV has one entry for each token

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %kv, %first = llm.prefill @prefill %p call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> (!llm.kv<"m", 9, ?>, !llm.tokens<1>)
  %r = llm.decode @p %kv, %first call "t" models ["n"] max_tokens 8 {function = #agent.function<"a.py", "f", "00">} : (!llm.kv<"m", 9, ?>, !llm.tokens<1>) -> !llm.tokens<?>
  agent.output %q : !agent.json
}
// CHECK: @p runs n, but its KV is of m

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %kv, %first = llm.prefill @prefill %p call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> (!llm.kv<"m", 9, ?>, !llm.tokens<1>)
  %r = llm.decode @p %kv, %first call "t" models ["m"] max_tokens 0 {function = #agent.function<"a.py", "f", "00">} : (!llm.kv<"m", 9, ?>, !llm.tokens<1>) -> !llm.tokens<?>
  agent.output %q : !agent.json
}
// CHECK: max_tokens of @p must be at least 1, got 0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %kv, %first = llm.prefill @prefill %p call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> (!llm.kv<"m", 9, ?>, !llm.tokens<1>)
  %r = "comm.kv_transfer"(%kv) <{id = "x", call = "t", function = #agent.function<"a.py", "f", "00">}> : (!llm.kv<"m", 9, ?>) -> !llm.kv<"m", 8, ?>
  agent.output %q : !agent.json
}
// CHECK: attribute !llm.kv<"m", 9, ?> expected from variable 'T', but got !llm.kv<"m", 8, ?>

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %kv, %first = llm.prefill @prefill %p call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> (!llm.kv<"m", 9, ?>, !llm.tokens<1>)
  %s = llm.decode_attention @s %kv call "t" models ["n"] {function = #agent.function<"a.py", "f", "00">} : (!llm.kv<"m", 9, ?>) -> !llm.activations<8>
  agent.output %q : !agent.json
}
// CHECK: @s runs n, but its KV is of m

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %kv, %first = llm.prefill @prefill %p call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> (!llm.kv<"m", 9, ?>, !llm.tokens<1>)
  %s = llm.decode_attention @s %kv call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.kv<"m", 9, ?>) -> !llm.activations<8>
  %r = llm.decode_linear @p %s, %first call "t" models ["m"] max_tokens 8 {function = #agent.function<"a.py", "f", "00">} : (!llm.activations<8>, !llm.tokens<1>) -> !llm.tokens<7>
  agent.output %q : !agent.json
}
// CHECK: @p makes !llm.tokens<7> from !llm.activations<8>: each step makes one token

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %kv, %first = llm.prefill @prefill %p call "t" models ["m"] {chunk_tokens = 0 : i64, function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>) -> (!llm.kv<"m", 9, ?>, !llm.tokens<1>)
  agent.output %q : !agent.json
}
// CHECK: chunk_tokens of @prefill must be at least 1, got 0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %b = llm.prefix_prefill @begun call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<0, "0a">} : !llm.kv<"m", 0, ?>
  agent.output %q : !agent.json
}
// CHECK: a prefix has at least 1 token and the hash of its text, got #llm.prefix<0, "0a">

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %b = llm.prefix_prefill @begun call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<8, "">} : !llm.kv<"m", 8, ?>
  agent.output %q : !agent.json
}
// CHECK: a prefix has at least 1 token and the hash of its text, got #llm.prefix<8, "">

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %b = llm.prefix_prefill @begun call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<-8, "0a">} : !llm.kv<"m", 8, ?>
  agent.output %q : !agent.json
}
// CHECK: tokens of a prefix must be a finite number that is not negative, got -8.0

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %t = llm.call @t(q = %q) models ["m"] max_tokens 64 tokens_in 9 {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<10, "0a">} : (!agent.json) -> !agent.json
  agent.output %q : !agent.json
}
// CHECK: the prefix of @t has 10 tokens, more than its prompt, 9

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %kv, %first = llm.prefill @prefill %p call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<10, "0a">} : (!llm.tokens<9>) -> (!llm.kv<"m", 9, ?>, !llm.tokens<1>)
  agent.output %q : !agent.json
}
// CHECK: the prefix of @prefill has 10 tokens, more than its prompt, 9

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %b = llm.prefix_prefill @begun call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<8, "0a">} : !llm.kv<"m", 7, ?>
  agent.output %q : !agent.json
}
// CHECK: @begun reads #llm.prefix<8, "0a">, but writes !llm.kv<"m", 7, ?>

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %b = llm.prefix_prefill @begun call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<8, "0a">} : !llm.kv<"n", 8, ?>
  agent.output %q : !agent.json
}
// CHECK: @begun runs m, but its KV is of n

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %b = llm.prefix_prefill @begun call "t" models ["n"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<8, "0a">} : !llm.kv<"n", 8, ?>
  %kv, %first = llm.prefill @prefill %p prefix %b call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<8, "0a">} : (!llm.tokens<9>, !llm.kv<"n", 8, ?>) -> (!llm.kv<"m", 9, ?>, !llm.tokens<1>)
  agent.output %q : !agent.json
}
// CHECK: @prefill runs m, but its KV is of n

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %b = llm.prefix_prefill @begun call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<8, "0a">} : !llm.kv<"m", 8, ?>
  %kv, %first = llm.prefill @prefill %p prefix %b call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">} : (!llm.tokens<9>, !llm.kv<"m", 8, ?>) -> (!llm.kv<"m", 9, ?>, !llm.tokens<1>)
  agent.output %q : !agent.json
}
// CHECK: @prefill reads a prompt without starts_with, but its prefix is !llm.kv<"m", 8, ?>

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %b = llm.prefix_prefill @begun call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<7, "0a">} : !llm.kv<"m", 7, ?>
  %kv, %first = llm.prefill @prefill %p prefix %b call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<8, "0a">} : (!llm.tokens<9>, !llm.kv<"m", 7, ?>) -> (!llm.kv<"m", 9, ?>, !llm.tokens<1>)
  agent.output %q : !agent.json
}
// CHECK: @prefill reads a prompt that starts with #llm.prefix<8, "0a">, but its prefix is !llm.kv<"m", 7, ?>

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %b = llm.prefix_prefill @begun call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<8, "0a">} : !llm.kv<"m", 8, ?>
  %kv, %first = llm.prefill @prefill %p prefix %b call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<8, "0a">, chunk_tokens = 4 : i64} : (!llm.tokens<9>, !llm.kv<"m", 8, ?>) -> (!llm.kv<"m", 9, ?>, !llm.tokens<1>)
  agent.output %q : !agent.json
}
// CHECK: @prefill has a prefix and chunk_tokens; what follows a prefix is one chunk

// -----

agent.graph @a(q) {
^bb0(%q : !agent.json):
  %p = llm.render @render(q = %q) call "t" {function = #agent.function<"a.py", "f", "00">} : (!agent.json) -> !llm.tokens<9>
  %kv, %first = llm.prefill @prefill %p call "t" models ["m"] {function = #agent.function<"a.py", "f", "00">, continues, chunk_tokens = 4 : i64} : (!llm.tokens<9>) -> (!llm.kv<"m", 9, ?>, !llm.tokens<1>)
  agent.output %q : !agent.json
}
// CHECK: @prefill continues the turn before, so it has no prefix and no chunk_tokens
