// Pairs of a user's name and a password in running text: "login is admin / X", "creds are bob/X", "use admin:X for".
//
// Pure; what is looked at behind a word is bounded by a constant.
#pragma once

#include "daemons/gatewayd/dlp/sight.h"

namespace mas::dlp {

/// Behind words for logging in, and behind names of accounts that programs come with.
void detect_logins(Sight& sight);

}  // namespace mas::dlp
