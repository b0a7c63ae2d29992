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

/// Whether the default of a field fits the field itself; ok where it has none.
Status check_default(const Field& field);

}  // namespace mas::sdk
