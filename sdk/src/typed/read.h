// From JSON to a struct, by a schema.
//
// Failure, with the path of the value ("orders[2].count"), what was expected and what kind of value stood there; never
// the value itself:
//   kMalformed   no JSON object; a member that is missing, twice there, of another kind, or breaks one of its checks
//   kTooLarge    the struct would need more memory than Filled allows
// Linear in the text for each level of nested structs and arrays, of which a schema has at most kSchemaDepth.
#pragma once

#include <memory>
#include <string_view>

#include "sdk/src/typed/filled.h"
#include "sdk/src/typed/schema.h"

namespace mas::sdk {

/// @param json one JSON object. @return the struct, with the defaults of what is absent.
Result<std::unique_ptr<Filled>> read_struct(const Schema& schema, std::string_view json);

/// Gives one member its default, where its field has one. @param member zeroed.
Status read_default(const Field& field, Filled& filled, std::byte* member);

/// Reads one member from a text of the agent's state: JSON, or what Python's str() makes of bool and None.
/// @param plain the text itself is the string, without quotes.
Status read_text(const Field& field, std::string_view text, bool plain, Filled& filled, std::byte* member);

/// Whether the default of a field fits the field itself; ok where it has none.
Status check_default(const Field& field);

}  // namespace mas::sdk
