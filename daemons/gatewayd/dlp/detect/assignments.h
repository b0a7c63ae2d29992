// Values that a text assigns to a name: in code, configuration, command lines and markup.
//
//     api_key = "…"      apiKey: '…',      :token => "…"     x := "…"           const Key: &str = "…"
//     setProperty("X_TOKEN", "…")          os.environ["X_KEY"] = "…"            #define X_KEY "…"
//     <password>…</password>               <add key="X" value="…"/>             - name: X
//     export X_PASS=…    --x-token …       ENV X_KEY …                              value: …
//
// Pure, no allocation. What is looked at around a name is bounded by constants.
#pragma once

#include <string_view>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {

/// The whole name that a word is part of: letters, digits and `_`, and `-` and `.` between two of those.
/// @param word where a word stands.
Span name_around(std::string_view text, Span word);

/// @param name as from name_around(). @return the value; its link is kSign, or kNone where nothing is assigned. It is
/// empty where a template, a list or nothing stands behind the sign.
Value assigned_value(std::string_view text, Span name);

/// Whether a name begins its line or a member of a list, and the value ends it: `password: swordfish`, and no sentence.
bool stands_alone(std::string_view text, Span name, Span value);

}  // namespace mas::dlp
