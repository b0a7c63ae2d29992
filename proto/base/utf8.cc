// UTF-8 validation, by simdjson.
#include "proto/base/utf8.h"

#include <simdjson.h>

namespace mas {

bool is_valid_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace mas
