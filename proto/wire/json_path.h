// The place of a value in a JSON document, as text: `data.patient.ids[2]`, `meta["a key"]`; `$` for the whole.
//
// A key of letters, digits, `_` and `-` is written unchanged, any other as a JSON string in brackets, so that two
// places never have the same path. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mas {

/// Adds the step into member `key` (unescaped) of an object.
void append_key_step(std::string& path, std::string_view key);
/// Adds the step into element `index` of an array.
void append_index_step(std::string& path, size_t index);

}  // namespace mas
