// Documents that hold secrets under any name: Kubernetes' Secret objects, and what Terraform's state made up at random.
//
//     kind: Secret                          {"type": "random_password", …
//     data: {anything: base64}               "instances": [{"attributes": {"result": "…"}}]}
//
// Sources: kubernetes.io/docs/concepts/configuration/secret (data is base64, stringData is not); the providers `random`
// (random_password, random_string: `result`, `bcrypt_hash`) and `tls` of Terraform.
// Pure; linear in the document.
#pragma once

#include "daemons/gatewayd/dlp/sight.h"

namespace mas::dlp {

/// In JSON.
void detect_in_objects(Sight& sight);
/// In YAML, where the vocabulary found `kind: Secret`.
void detect_in_yaml(Sight& sight);

}  // namespace mas::dlp
