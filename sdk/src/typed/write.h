// From a struct to JSON, by a schema. What breaks the struct's own schema is not written.
//
// Failure: kMalformed, with the path, what was expected and what is wrong: out of range, too long, NULL, not UTF-8, an
// infinite number, JSON that is not valid. @param out is then left with a part of the object.
#pragma once

#include <string>

#include "sdk/src/typed/schema.h"

namespace mas::sdk {

Status write_struct(const Schema& schema, const void* filled, std::string& out);

/// Writes one member of a struct as a JSON value. @return false where it is an optional one that is NULL.
Result<bool> write_field(const Field& field, const void* filled, std::string& out);

}  // namespace mas::sdk
