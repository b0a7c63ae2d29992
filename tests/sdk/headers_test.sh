#!/bin/bash
# headers_test.sh INCLUDE_DIR: mas.hpp compiles as C++17 without a warning, by g++ and clang++, with and without exceptions.
set -euo pipefail
include=$1
strict="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Werror"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/all.cc" <<'CPP'
#include <mas.hpp>
// Templates are checked where they are used.
struct Inner { std::string text; };
MAS_STRUCT(Inner, text)
struct Outer {
  bool b = false;
  int32_t i = 0;
  int64_t l = 0;
  double d = 0;
  mas::Bytes bytes;
  mas::Json json;
  std::vector<Inner> inners;
  std::vector<bool> bools;
  std::optional<Inner> inner;
  std::optional<int32_t> perhaps;
};
MAS_STRUCT(Outer, b, i, l, d, bytes, json, inners, bools, inner, perhaps)
template class mas::BasicMessage<mas::Returning>;
template class mas::BasicOptions<mas::Returning>;
void use(mas::results::Agent &agent) {
  static_cast<void>(agent.on<Outer>("x", [](const mas::results::Message &message, const Outer &outer) {
    return message.reply("y", outer);
  }));
  static_cast<void>(agent.request<Outer>("a", "b", Outer()).get());
  static_cast<void>(mas::results::State<Outer>::bind(agent));
#ifdef __cpp_exceptions
  mas::Agent throwing("id");
  throwing.on<Outer>("x", [](const mas::Message &message, Outer outer) { message.reply("y", outer); });
  throwing.request<Outer>("a", "b", Outer(), mas::kForever, [](mas::Result<Outer>) {});
  mas::State<Outer> state(throwing);
#endif
}
CPP
tried=0
for compiler in g++ clang++ clang++-14; do
  command -v "$compiler" >/dev/null || continue
  [[ $compiler != clang++-14 || $tried -lt 2 ]] || continue  # clang++ is that one
  for exceptions in -fexceptions -fno-exceptions; do
    "$compiler" -std=c++17 $strict $exceptions -I"$include" -fsyntax-only "$work/all.cc"
  done
  tried=$((tried + 1))
done
((tried > 0)) || { echo "neither g++ nor clang++ is here"; exit 1; }
