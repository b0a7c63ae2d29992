// Writes a message anew with what was found in it masked or encrypted; everything else stays byte for byte what it was.
//
// Happy path: append_rewritten(). Values in strings are replaced within the string; a number becomes a string; keys are
// masked, too. A key or value that as a whole equals one that was found is replaced with it; a part of one never is.
// Linear in the message and its findings.
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
/// those whose action is encrypt become tokens of `key` (proto/wire/data_key.h), or are masked where there is none or
/// where their path has more than 1,024 bytes. Of an envelope, a `meta.traceparent`, `meta.tracestate` or
/// `meta.error.message` that becomes longer than its limit is null then, and a `meta.error.code` that is no code any
/// more becomes HANDLER_FAILED.
/// @param message what was scanned. @param key nullptr: there is none.
/// @return the steps that it took, about one for each byte and finding; for tests of its bounds.
size_t append_rewritten(const Scanner& scanner, std::string_view message, const DataKey* key, std::string& out);

}  // namespace mas::dlp
