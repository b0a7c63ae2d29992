// A table of fields that the application declared (mas_schema), checked and made ready for reading and writing.
//
// Failure: kInvalidArgument, with the schema's and the field's name:
//   - a member's size that is not its type's, or a member outside of its struct
//   - a check that its type does not have, a default of a field that is not optional or that does not fit
//   - a pattern that is no regular expression, has a back-reference, or no max_length
//   - two fields of one name, nesting deeper than kSchemaDepth
// Ownership: the declared tables stay the application's. Threading: immutable, any thread.
#pragma once

#include <regex.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "sdk/include/mas_schema.h"

namespace mas::sdk {

inline constexpr size_t kSchemaDepth = 16;

class Schema;

/// A compiled pattern. regexec() is safe from any thread.
class Pattern {
 public:
  static Result<std::unique_ptr<Pattern>> compile(const char* expression);
  ~Pattern() { regfree(&compiled_); }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  /// @param text zero-terminated. @return whether the whole text matches.
  bool matches(const char* text) const;

 private:
  Pattern() = default;
  regex_t compiled_{};
};

struct Field {
  const mas_field* declared = nullptr;
  std::string_view name;
  std::unique_ptr<Schema> nested;    ///< MAS_TYPE_STRUCT
  std::unique_ptr<Pattern> pattern;  ///< where there is one

  bool optional() const { return (declared->flags & MAS_FIELD_OPTIONAL) != 0; }
  bool array() const { return (declared->flags & MAS_FIELD_ARRAY) != 0; }
  bool pointer() const { return (declared->flags & MAS_FIELD_POINTER) != 0; }
  bool nullable() const { return (declared->flags & MAS_FIELD_NULLABLE) != 0; }
  /// NULL is not what an absent value becomes, and so stands as null in the text.
  bool writes_null() const { return nullable() && declared->default_json != nullptr; }
  /// Of a string in the state: the text None stands for NULL.
  bool none_is_null() const {
    return declared->type == MAS_TYPE_STRING && !array() && optional() &&
           (nullable() || declared->default_json == nullptr);
  }
  bool ranged() const { return declared->minimum != 0 || declared->maximum != 0; }
  /// Bytes of one value: of the member, or of one element of an array.
  size_t value_size() const;
};

class Schema {
 public:
  static Result<std::unique_ptr<Schema>> compile(const mas_schema& declared);

  std::string_view name() const { return name_; }
  size_t size() const { return size_; }
  const std::vector<Field>& fields() const { return fields_; }
  /// @return nullptr for a name that is not in the table.
  const Field* find(std::string_view name) const;

 private:
  static Result<std::unique_ptr<Schema>> compile(const mas_schema& declared, size_t depth);
  Status add(const mas_field& declared, size_t depth);

  std::string_view name_;
  size_t size_ = 0;
  std::vector<Field> fields_;
};

/// What mas_schema_compile returns: as the application sees it, a schema that has no fields and refers to itself. No
/// table of the application's looks like that, nor does a copy of this.
struct CompiledSchema : mas_schema {
  CompiledSchema(mas_schema its_origin, std::shared_ptr<const Schema> its_schema);
  /// @return null: a table of the application's.
  static const CompiledSchema* of(const mas_schema& given);

  const mas_schema origin;  ///< with the application's tables
  const std::shared_ptr<const Schema> schema;
};

/// @param given NULL is an error. @return its own, where it is a CompiledSchema.
Result<std::shared_ptr<const Schema>> compile_schema(const mas_schema* given);

/// @return "expected an integer from 1 to 10", "expected a string of at most 80 bytes", …
std::string expectation(const Field& field, bool element);

}  // namespace mas::sdk
