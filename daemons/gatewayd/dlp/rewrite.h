// Writes a message anew with what was found in it masked or encrypted; everything else stays byte for byte what it was.
//
// Happy path: append(). Values in strings are replaced within the string; a number becomes a string; keys are masked, too.
// A value that was found once is replaced wherever else it stands in the message.
// Threading: as the scanner's. Ownership: none is taken.
#pragma once

#include <string>
#include <string_view>

#include "daemons/gatewayd/dlp/scanner.h"
#include "proto/wire/data_key.h"

namespace mas::dlp {

/// What takes the place of `value`: the mask of its type.
std::string masked(const TypeRule& type, std::string_view value);

/// Appends the message that `scanner` scanned last. Findings that act and whose action is redact or block are masked;
/// those whose action is encrypt become tokens of `key` (proto/wire/data_key.h), or are masked where there is none.
/// @param message what was scanned. @param key nullptr: there is none.
void append_rewritten(const Scanner& scanner, std::string_view message, const DataKey* key, std::string& out);

}  // namespace mas::dlp
