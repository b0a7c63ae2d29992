// The words of a command line, as it stands in a text: as a shell reads it, as a list in source code
// (`["mysql", "-pX"]`), or as an array of JSON, whose elements are nodes of their own.
//
// Happy path: next() while it says true, and word(). A command ends with its line (unless that ends in a backslash), at
// `;`, `|`, `&` and closing brackets, and after a constant number of bytes. Pure.
#pragma once

#include <cstdint>

#include "daemons/gatewayd/dlp/sight.h"

namespace mas::dlp {

class Arguments {
 public:
  /// @param from the end of the program's name.
  Arguments(const Sight& sight, uint32_t from);

  bool next();
  /// Without the quotes around it.
  Span word() const { return word_; }
  /// The part of the word from `skip` on, without quotes around that part: of -p'X' the X.
  Span rest(uint32_t skip) const;

 private:
  enum class Form : uint8_t { kShell, kList, kArray };
  bool next_in_shell();
  bool next_in_list();
  bool next_in_array();
  uint32_t closing(uint32_t quote) const;

  const Sight& sight_;
  Form form_ = Form::kShell;
  char quote_ = '\0';
  uint32_t at_, limit_;
  Span word_;
};

}  // namespace mas::dlp
