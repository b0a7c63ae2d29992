// What a declared table must be, and what is said of its fields.
#include "sdk/src/typed/schema.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "proto/base/json_writer.h"
#include "proto/wire/limits.h"
#include "sdk/src/typed/read.h"

namespace mas::sdk {
namespace {

constexpr unsigned kFlags = MAS_FIELD_OPTIONAL | MAS_FIELD_ARRAY | MAS_FIELD_POINTER | MAS_FIELD_NULLABLE;
constexpr size_t kFields = 256;
constexpr size_t kFieldNameBytes = 128;
constexpr size_t kStructBytes = 65'536;
constexpr size_t kPatternTextBytes = 4'096;

bool is_number(int type) { return type == MAS_TYPE_INT32 || type == MAS_TYPE_INT64 || type == MAS_TYPE_DOUBLE; }

/// Bytes of one value in the struct; 0 for a type that does not exist.
size_t bytes_of(int type) {
  switch (type) {
    case MAS_TYPE_BOOL:
      return sizeof(bool);
    case MAS_TYPE_INT32:
      return sizeof(int32_t);
    case MAS_TYPE_INT64:
      return sizeof(int64_t);
    case MAS_TYPE_DOUBLE:
      return sizeof(double);
    case MAS_TYPE_STRING:
    case MAS_TYPE_JSON:
      return sizeof(char*);
    case MAS_TYPE_BYTES:
      return sizeof(mas_bytes);
    case MAS_TYPE_STRUCT:
      return 0;
  }
  return 0;
}

const char* noun_of(int type) {
  switch (type) {
    case MAS_TYPE_BOOL:
      return "true or false";
    case MAS_TYPE_INT32:
    case MAS_TYPE_INT64:
      return "an integer";
    case MAS_TYPE_DOUBLE:
      return "a number";
    case MAS_TYPE_STRING:
      return "a string";
    case MAS_TYPE_BYTES:
      return "a string in base64";
    case MAS_TYPE_JSON:
      return "a value";
    case MAS_TYPE_STRUCT:
      return "an object";
  }
  return "";
}

std::string number_text(double number) {
  std::string text;
  JsonWriter(text).number(number);
  return text;
}

std::string range_text(const mas_field& field) {
  if (std::isinf(field.minimum) && std::isinf(field.maximum)) return "";
  if (std::isinf(field.maximum)) return " of at least " + number_text(field.minimum);
  if (std::isinf(field.minimum)) return " of at most " + number_text(field.maximum);
  return " from " + number_text(field.minimum) + " to " + number_text(field.maximum);
}

/// @return what is wrong with the checks that a field declares; nullptr: nothing.
const char* wrong_checks(const mas_field& field) {
  const bool text = field.type == MAS_TYPE_STRING;
  const bool array = (field.flags & MAS_FIELD_ARRAY) != 0;
  const bool sized = text || array || field.type == MAS_TYPE_BYTES;
  if ((field.flags & ~kFlags) != 0) return "has unknown flags";
  if ((field.flags & MAS_FIELD_POINTER) != 0) {
    if (array || (field.flags & MAS_FIELD_OPTIONAL) == 0) return "is a pointer, but is not optional or is an array";
    if (field.type != MAS_TYPE_BOOL && field.type != MAS_TYPE_STRUCT && !is_number(field.type))
      return "is a pointer, but is no bool, number or struct";
  }
  if ((field.flags & MAS_FIELD_NULLABLE) != 0) {
    const bool null = text || array || field.type == MAS_TYPE_BYTES || (field.flags & MAS_FIELD_POINTER) != 0;
    if (!null || (field.flags & MAS_FIELD_OPTIONAL) == 0) return "is nullable, but is not optional or cannot be NULL";
  }
  if ((field.minimum != 0 || field.maximum != 0) && !is_number(field.type)) return "has a range, but is no number";
  if (!(field.minimum <= field.maximum)) return "has a minimum above its maximum";
  if ((field.min_length != 0 || field.max_length != 0) && !sized)
    return "has a length, but is no string, bytes or array";
  if (field.max_length != 0 && field.min_length > field.max_length) return "has a min_length above its max_length";
  if ((field.one_of != nullptr || field.pattern != nullptr) && !text)
    return "has texts to choose from, but is no string";
  if (field.pattern != nullptr && array) return "has a pattern, which arrays cannot have";
  if (field.pattern != nullptr && (field.max_length == 0 || field.max_length > kPatternTextBytes))
    return "has a pattern; max_length must be 1 to 4,096";
  if (field.default_json != nullptr && (field.flags & MAS_FIELD_OPTIONAL) == 0)
    return "has a default, but is not optional";
  return nullptr;
}

/// Whether a back-reference stands in the expression: its time could grow exponentially with the text.
bool refers_back(std::string_view expression) {
  for (size_t i = 0; i + 1 < expression.size(); ++i) {
    if (expression[i] != '\\') continue;
    if (expression[i + 1] >= '1' && expression[i + 1] <= '9') return true;
    ++i;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<Pattern>> Pattern::compile(const char* expression) {
  if (refers_back(expression)) return Error{Errc::kInvalidArgument, "has a pattern with a back-reference"};
  std::unique_ptr<Pattern> pattern(new Pattern);
  const std::string whole = "^(" + std::string(expression) + ")$";
  if (int code = regcomp(&pattern->compiled_, whole.c_str(), REG_EXTENDED | REG_NOSUB); code != 0) {
    char why[128];
    regerror(code, &pattern->compiled_, why, sizeof why);
    return Error{Errc::kInvalidArgument, std::string("has a pattern that is no regular expression: ") + why};
  }
  return pattern;
}

bool Pattern::matches(const char* text) const { return regexec(&compiled_, text, 0, nullptr, 0) == 0; }

size_t Field::value_size() const { return nested != nullptr ? nested->size() : bytes_of(declared->type); }

Result<std::unique_ptr<Schema>> Schema::compile(const mas_schema& declared) { return compile(declared, 1); }

Result<std::unique_ptr<Schema>> Schema::compile(const mas_schema& declared, size_t depth) {
  std::unique_ptr<Schema> schema(new Schema);
  schema->name_ = declared.name == nullptr ? "(no name)" : declared.name;
  auto wrong = [&schema](const std::string& what) {
    return Error{Errc::kInvalidArgument, "schema " + std::string(schema->name_) + ": " + what};
  };
  if (depth > kSchemaDepth) return wrong("structs are nested deeper than " + std::to_string(kSchemaDepth));
  if (declared.size == 0 || declared.size > kStructBytes) return wrong("the struct's size must be 1 to 65,536 bytes");
  if (declared.fields == nullptr || declared.count == 0 || declared.count > kFields)
    return wrong("the number of fields must be 1 to 256");
  schema->size_ = declared.size;
  schema->fields_.reserve(declared.count);
  for (size_t i = 0; i < declared.count; ++i) {
    const mas_field& field = declared.fields[i];
    const size_t name_size = field.name == nullptr ? 0 : std::strlen(field.name);
    if (name_size == 0 || name_size > kFieldNameBytes)
      return wrong("the name of field " + std::to_string(i) + " must have 1 to 128 bytes");
    if (auto status = schema->add(field, depth); !status)
      return wrong("field '" + std::string(field.name) + "' " + status.error().message);
  }
  return schema;
}

Status Schema::add(const mas_field& declared, size_t depth) {
  auto wrong = [](std::string what) { return Error{Errc::kInvalidArgument, std::move(what)}; };
  if (find(declared.name) != nullptr) return wrong("is in the table twice");
  if (const char* what = wrong_checks(declared)) return wrong(what);
  Field field;
  field.declared = &declared;
  field.name = declared.name;
  if (declared.type == MAS_TYPE_STRUCT) {
    if (declared.schema == nullptr) return wrong("is a struct without a schema");
    const auto* compiled = CompiledSchema::of(*declared.schema);
    auto nested = compile(compiled == nullptr ? *declared.schema : compiled->origin, depth + 1);
    if (!nested) return wrong("has a wrong struct: " + nested.error().message);
    field.nested = std::move(*nested);
  } else if (bytes_of(declared.type) == 0) {
    return wrong("has an unknown type");
  }
  const size_t expected = field.array() ? sizeof(mas_array) : field.pointer() ? sizeof(void*) : field.value_size();
  if (declared.size != expected)
    return wrong("is a member of " + std::to_string(declared.size) + " bytes; its type has " +
                 std::to_string(expected));
  if (declared.offset > size_ || declared.size > size_ - declared.offset) return wrong("lies outside of its struct");
  if (declared.pattern != nullptr) {
    auto pattern = Pattern::compile(declared.pattern);
    if (!pattern) return wrong(pattern.error().message);
    field.pattern = std::move(*pattern);
  }
  if (auto status = check_default(field); !status)
    return wrong("has a default that does not fit: " + status.error().message);
  fields_.push_back(std::move(field));
  return {};
}

CompiledSchema::CompiledSchema(mas_schema its_origin, std::shared_ptr<const Schema> its_schema)
    : mas_schema{its_origin.name, its_origin.size, nullptr, 0}, origin(its_origin), schema(std::move(its_schema)) {
  fields = reinterpret_cast<const mas_field*>(static_cast<const mas_schema*>(this));
}

const CompiledSchema* CompiledSchema::of(const mas_schema& given) {
  const bool refers_to_itself = static_cast<const void*>(given.fields) == &given;
  return refers_to_itself && given.count == 0 ? static_cast<const CompiledSchema*>(&given) : nullptr;
}

Result<std::shared_ptr<const Schema>> compile_schema(const mas_schema* given) {
  if (given == nullptr) return Error{Errc::kInvalidArgument, "the argument 'schema' is NULL"};
  if (const auto* compiled = CompiledSchema::of(*given)) return compiled->schema;
  auto schema = Schema::compile(*given);
  if (!schema) return schema.error();
  return std::shared_ptr<const Schema>(std::move(*schema));
}

const Field* Schema::find(std::string_view name) const {
  auto found = std::find_if(fields_.begin(), fields_.end(), [name](const Field& field) { return field.name == name; });
  return found == fields_.end() ? nullptr : &*found;
}

std::string expectation(const Field& field, bool element) {
  const mas_field& declared = *field.declared;
  const bool array = field.array() && !element;
  std::string text = array ? "expected an array" : std::string("expected ") + noun_of(declared.type);
  if (!array && field.ranged()) text += range_text(declared);
  if (!array && declared.one_of != nullptr) {
    text = "expected one of";
    for (const char* const* one = declared.one_of; *one != nullptr; ++one) text += std::string(" '") + *one + "'";
    return text;
  }
  if (field.pattern != nullptr) return text + " that matches " + declared.pattern;
  const bool sized = field.array() ? array : declared.type == MAS_TYPE_STRING || declared.type == MAS_TYPE_BYTES;
  if (!sized || (declared.min_length == 0 && declared.max_length == 0)) return text;
  text += " of ";
  if (declared.max_length == 0)
    text += "at least " + std::to_string(declared.min_length);
  else if (declared.min_length == 0)
    text += "at most " + std::to_string(declared.max_length);
  else
    text += std::to_string(declared.min_length) + " to " + std::to_string(declared.max_length);
  return text + (array ? " elements" : " bytes");
}

}  // namespace mas::sdk
