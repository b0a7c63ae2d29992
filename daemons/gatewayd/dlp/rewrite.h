// Writes a message anew with what was found in it masked or encrypted; everything else stays byte for byte what it was.
//
// Happy path: append(). Values in strings are replaced within the string; a number becomes a string; keys are masked, too.
// A value that was found once is replaced wherever else it stands in the message.
// Failure: an error where encryption fails; then `out` must not be delivered.
// Threading: as the scanner's. Ownership: none is taken.
#pragma once

#include <string>
#include <string_view>

#include "daemons/gatewayd/dlp/scanner.h"

namespace mas::dlp {

/// Encrypts values for agents that hold the key.
class Cipher {
 public:
  virtual ~Cipher() = default;
  /// @param path of the value; bound to it. @param number whether the value was a JSON number.
  /// Appends the token that takes the value's place: letters, digits and `:._-{}`, nothing that JSON escapes.
  virtual Status encrypt(std::string_view value, std::string_view path, bool number, std::string& out) const = 0;
};

/// What takes the place of `value`: the mask of its type.
std::string masked(const TypeRule& type, std::string_view value);

/// Appends the message that `scanner` scanned last. Findings that act and whose action is redact or block are masked, those
/// whose action is encrypt go to the cipher, or are masked where there is none.
/// @param message what was scanned.
Status append_rewritten(const Scanner& scanner, std::string_view message, const Cipher* cipher, std::string& out);

}  // namespace mas::dlp
