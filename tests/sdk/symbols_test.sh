#!/bin/bash
# symbols_test.sh LIBMAS_SO MAP HEADER…: libmas.so exports exactly the functions that the version script MAP lists, under its
# version, and these are the functions that the headers declare. At least one of the C tests beside this file calls each of them.
# fork_test.c calls each in a forked child, and wrong_use_test.c calls each that takes a pointer with NULL.
set -euo pipefail
export LC_ALL=C
tests=$(dirname "$(readlink -f "$0")")
library=$1 map=$2
shift 2
listed=$(sed -nE 's/^ +(mas_[a-z0-9_]+);$/\1/p' "$map")
# As `nm` writes it: NAME@@VERSION of a function, and of each version itself, which is an absolute symbol.
expected=$(awk '/^MAS_[0-9.]+ \{$/ {version = $1; print "A " version}
  /^ +mas_[a-z0-9_]+;$/ {sub(/;/, ""); print "T " $1 "@@" version}' "$map" | sort)
exported=$(nm -D --defined-only "$library" | awk '{print $2, $3}' | sort)
declared=$(grep -ohE '\bmas_[a-z0-9_]+\(' < <(sed -nE '/^MAS_EXPORT/p' "$@") | tr -d '(' | sort -u)
# The functions that take no pointer.
plain=$(sed -nE 's/^MAS_EXPORT.*\b(mas_[a-z0-9_]+)\((void|int [a-z_]+|mas_status [a-z_]+)\);$/\1/p' "$@")
# Functions with NULL between their name and the end of the statement.
with_null() {
  awk -v RS=';' '{
    while (match($0, /mas_[a-z0-9_]+\(/)) {
      name = substr($0, RSTART, RLENGTH - 1)
      $0 = substr($0, RSTART + RLENGTH)
      if (/NULL/) print name
    }
  }' "$1"
}
called() { grep -ohE '\bmas_[a-z0-9_]+\b' "$@" | sort -u; }
failed=0

# none MESSAGE NAMES: there are none of the names.
none() {
  [[ -z $2 ]] || { printf '%s:\n%s\n' "$1" "$2"; failed=1; }
}
[[ $(wc -l <<<"$listed") -gt 50 ]] || { echo "$map: hardly a function"; exit 1; }
none "$map: twice" "$(sort <<<"$listed" | uniq -d)"
listed=$(sort <<<"$listed")
none "listed and not exported under this version" "$(comm -23 <(echo "$expected") <(echo "$exported"))"
none "exported and not listed" "$(comm -13 <(echo "$expected") <(echo "$exported"))"
none "declared in a header and not listed: add it to $map" "$(comm -13 <(echo "$listed") <(echo "$declared"))"
none "listed and not declared in a header" "$(comm -23 <(echo "$listed") <(echo "$declared"))"
mapfile -t others < <(find "$tests" -maxdepth 1 -name '*.[ch]' ! -name fork_test.c ! -name wrong_use_test.c)
none "not called by any C test but those two" "$(comm -23 <(echo "$listed") <(called "${others[@]}"))"
none "not called in a forked child (fork_test.c)" "$(comm -23 <(echo "$listed") <(called "$tests/fork_test.c"))"
none "takes a pointer and is not called with NULL (wrong_use_test.c)" \
  "$(comm -23 <(echo "$listed") <({ with_null "$tests/wrong_use_test.c"; echo "$plain"; } | sort -u))"
exit $failed
