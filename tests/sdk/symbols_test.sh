#!/bin/bash
# symbols_test.sh LIBMAS_SO MAS_H: libmas.so exports the functions of mas.h, all of them and nothing else.
set -euo pipefail
declared=$(grep -oE '\bmas_[a-z_]+\(' "$2" | tr -d '(' | sort -u)
exported=$(nm -D --defined-only "$1" | awk '$2 == "T" {print $3}' | sed 's/@.*//' | sort -u)
others=$(nm -D --defined-only "$1" | awk '$2 != "T" && $2 != "A" {print $3}')
missing=$(comm -23 <(grep -xF -f <(sed -nE 's/^MAS_EXPORT.*\b(mas_[a-z_]+)\(.*/\1/p' "$2" | sort -u) <<<"$declared") \
  <(echo "$exported"))
extra=$(comm -13 <(echo "$declared") <(echo "$exported"))
[[ $(wc -l <<<"$exported") -gt 50 ]] || { echo "only $(wc -l <<<"$exported") functions are exported"; exit 1; }
[[ -z $missing ]] || { echo "declared and not exported: $missing"; exit 1; }
[[ -z $extra ]] || { echo "exported and not declared: $extra"; exit 1; }
[[ -z $others ]] || { echo "exported and no function of mas.h: $others"; exit 1; }
