#!/bin/bash
# symbols_test.sh LIBMAS_SO HEADER…: libmas.so exports the functions of its headers, all of them and nothing else.
set -euo pipefail
library=$1
shift
declared=$(grep -ohE '\bmas_[a-z_]+\(' "$@" | tr -d '(' | sort -u)
exported=$(nm -D --defined-only "$library" | awk '$2 == "T" {print $3}' | sed 's/@.*//' | sort -u)
others=$(nm -D --defined-only "$library" | awk '$2 != "T" && $2 != "A" {print $3}')
missing=$(comm -23 <(grep -xF -f <(sed -nE 's/^MAS_EXPORT.*\b(mas_[a-z_]+)\(.*/\1/p' "$@" | sort -u) <<<"$declared") \
  <(echo "$exported"))
extra=$(comm -13 <(echo "$declared") <(echo "$exported"))
[[ $(wc -l <<<"$exported") -gt 50 ]] || { echo "only $(wc -l <<<"$exported") functions are exported"; exit 1; }
[[ -z $missing ]] || { echo "declared and not exported: $missing"; exit 1; }
[[ -z $extra ]] || { echo "exported and not declared: $extra"; exit 1; }
[[ -z $others ]] || { echo "exported and no function of a header: $others"; exit 1; }
