// What stands in a secret's place and is none: nothing, a mask, a template, a reference, a word of documentation.
//
// One question with one table (stand_ins.def); what differs is how much the words of a value say. A person may choose
// "my-todo-list7" as a password, and no generator makes a key that holds "todo".
// Pure, no allocation; linear in the value.
#pragma once

#include <cstdint>
#include <string_view>

namespace mas::dlp {

/// What the value would be.
enum class As : uint8_t {
  kPassword,  ///< under a name that says so: words that say that there is none, masks, closed templates, references
  kLogin,     ///< in a URL or on a command line: those, variables of shells, and what documentation shows
  kKey,       ///< made by a machine: what kPassword takes, and what a person writes there: "your-key-here", "xxxx"
  kToken,     ///< a vendor's token, whose form is right already: what examples of documentation hold
};

/// @param value may have white space around it.
bool is_stand_in(std::string_view value, As as);
/// A user and password as programs are shipped with or documentation shows them: the password is the user, or says so.
bool is_sample_login(std::string_view user, std::string_view password);

}  // namespace mas::dlp
