#!/bin/bash
# docs_test.sh DOCS_DIR INCLUDE_DIR LIBMAS_SO: the code of SDK.md (C) and CPP.md compiles, and CPP.md's two programs
# talk.
#
# A block with a main() is a program. The other blocks of a document are one file, in their order.
set -euo pipefail
documents=$1 include=$2 library=$3
work=$(mktemp -d)
cleanup() {
  local pid
  for pid in $(jobs -p); do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap cleanup EXIT

# blocks DOCUMENT LANGUAGE SUFFIX: writes $work/program_N.SUFFIX and $work/parts.SUFFIX.
blocks() {
  awk -v language="$2" -v work="$work" -v suffix="$3" '
    $0 == "```" language {inside = 1; text = ""; next}
    inside && /^```$/ {
      inside = 0
      file = work "/parts." suffix
      if (text ~ /int main\(/) file = work "/program_" ++programs "." suffix
      printf "%s\n", text >> file
      next
    }
    inside {text = text $0 "\n"}' "$documents/$1"
}
# Nobody compiles the code of another document.
elsewhere=$(cd "$documents" && grep -lE '^```(c|cpp)$' -- *.md | grep -vxE 'SDK\.md|CPP\.md' || true)
[[ -z $elsewhere ]] || { echo "code in C or C++ that this test does not compile: $elsewhere"; exit 1; }
functions=$(grep -oE '\bmas_[a-z_]+;' "$documents/../sdk/src/libmas.map" | tr -d ';' | sort)
in_cpp=$(cat "$include/mas.hpp" "$include"/mas/*.hpp "$documents/CPP.md" | grep -oE '\bmas_[a-z_]+' | sort -u)
absent=$(comm -23 <(echo "$functions") <(echo "$in_cpp"))
[[ -z $absent ]] || { echo "neither mas.hpp nor the table in CPP.md has:" $absent; exit 1; }
blocks SDK.md c c
blocks CPP.md cpp cc

strict="-Wall -Wextra -Werror -Wno-unused-parameter -I$include"
cc -std=c11 $strict -Wno-unused-function -fsyntax-only "$work/program_1.c"
cc -std=c11 $strict -Wno-unused-function -fsyntax-only -include mas_schema.h -include stdio.h -include stdatomic.h \
  "$work/parts.c"
# Coroutines are the only thing that C++17 does not have.
sed '/^#include <coroutine>/,$d' "$work/parts.cc" >"$work/parts17.cc"
c++ -std=c++17 $strict -fsyntax-only -include mas.hpp -include cstdio "$work/parts17.cc"
c++ -std=c++20 $strict -fsyntax-only -include mas.hpp -include cstdio "$work/parts.cc"

c++ -std=c++17 $strict "$work/program_1.cc" -o "$work/greeter" "$library" -Wl,-rpath,"${library%/*}"
c++ -std=c++17 $strict "$work/program_2.cc" -o "$work/asker" "$library" -Wl,-rpath,"${library%/*}"
redis-server --port 0 --unixsocket "$work/redis.sock" --save '' --dir "$work" >"$work/redis.log" &
export MAS_REDIS_URL=unix://$work/redis.sock
for _ in {1..100}; do [[ -S $work/redis.sock ]] && break || sleep 0.05; done
[[ -S $work/redis.sock ]] || { cat "$work/redis.log"; exit 1; }
"$work/greeter" &
for _ in {1..100}; do
  said=$(timeout 10 "$work/asker") || said="asker: status $?"
  [[ -z $said ]] || break
  sleep 0.05  # the greeter is not there yet
done
[[ $said == "hello Ada" ]] || { echo "expected 'hello Ada', got '$said'"; exit 1; }
