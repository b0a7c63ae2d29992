// Data in running text, code and configuration, behind the words that name it: "MRN: 12345678", `X_TOKEN = "…"`,
// "the password is …".
//
// A word that is part of a longer name (`PASS_TO_PASS`, `next_page_token`) is read as that name. Prose takes a value
// that looks like one.
// Pure; linear in the text.
#pragma once

#include "daemons/gatewayd/dlp/sight.h"

namespace mas::dlp {

void detect_named_in_text(Sight& sight);

}  // namespace mas::dlp
