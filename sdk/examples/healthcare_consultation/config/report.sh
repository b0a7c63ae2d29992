#!/bin/bash
# The audit report of the consultation: who wrote to whom, what was decided and why, and whether anybody changed the
# record.
#
# usage: report.sh FOLDER        of setup.sh; MAS_REDIS_URL names the Redis, masctl is in PATH
set -euo pipefail
folder=${1:?usage: report.sh FOLDER}

# The parts of the input that match; that there are none is no failure.
matches() { grep -oE "$1" || (($? == 1)); }

echo '== Messages by decision'
masctl --json audit query --limit 10000 | matches '"decision": ?"[A-Z_]+"' | matches '[A-Z_]{2,}' | sort | uniq -c
echo '== Messages that were changed or refused'
for decision in REDACTED DLP_BLOCKED AUTHZ_DENIED RATE_LIMITED; do
  masctl audit query --decision "$decision" --limit 100
done
echo '== Changes of the rules, and who made them'
masctl audit operators
echo '== Is the record whole?'
masctl audit verify --key "$folder/audit.pub"
