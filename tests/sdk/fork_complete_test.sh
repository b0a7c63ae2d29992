#!/bin/bash
# fork_complete_test.sh LIBRARY SOURCE: the test of forks, SOURCE, calls every function that LIBRARY exports.
set -euo pipefail
missing=$(comm -23 <(nm -D --defined-only "$1" | awk '$3 ~ /^mas_/ { sub(/@.*/, "", $3); print $3 }' | sort -u) \
  <(grep -oE '\bmas_[a-z_]+\(' "$2" | tr -d '(' | sort -u))
[[ -z $missing ]] && exit
echo "call these in a child of a process with agents, in ${2##*/}:" $missing
exit 1
