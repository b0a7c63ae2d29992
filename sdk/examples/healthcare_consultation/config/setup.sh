#!/bin/bash
# Makes the keys, identities, roles and limits of the consultation.
#
# usage: setup.sh FOLDER        for its keys and credentials; MAS_REDIS_URL names the Redis, masctl is in PATH
set -euo pipefail
folder=${1:?usage: setup.sh FOLDER}
umask 077
export MAS_MASTER_KEY_FILE=$folder/master.key

masctl key generate "$folder/master.key"
masctl key generate --kind audit "$folder/audit.pem" | awk '{print $1}' >"$folder/audit.pub"

# Each agent signs what it sends, with the key in its credentials file. Nobody but the agent may read the file.
for agent in patient doctor specialist; do
  masctl identity create "$agent" --no-token --out "$folder/$agent.toml"
done

# Who may write to whom. A request may be answered without a rule, so the specialist needs none: it starts no
# conversation.
masctl role create patient send:doctor
masctl role create doctor send:specialist
masctl role assign patient patient
masctl role assign doctor doctor

# Patients ask three times an hour.
masctl limit set patient --per-hour 3
