// A visitor per struct: each member is found in the table, checked and copied.
#include "sdk/src/typed/read.h"

#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "proto/base/base64.h"
#include "proto/base/numbers.h"
#include "proto/wire/json.h"
#include "sdk/src/typed/checks.h"

namespace mas::sdk {
namespace {

std::string kind_of(const JsonValue& value) {
  switch (value.kind) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kBoolean:
      return "true or false";
    case JsonKind::kNumber:
      return value.token.find_first_of(".eE") == std::string_view::npos ? "an integer" : "a number";
    case JsonKind::kString:
      return "a string";
    case JsonKind::kArray:
      return "an array";
    case JsonKind::kObject:
      return "an object";
  }
  return "";
}

/// @return whether a value of that kind could be one of the field, so that not its kind but its content is wrong.
bool kind_fits(int type, const JsonValue& value) {
  switch (type) {
    case MAS_TYPE_BOOL:
      return value.kind == JsonKind::kBoolean;
    case MAS_TYPE_INT32:
    case MAS_TYPE_INT64:
    case MAS_TYPE_DOUBLE:
      return value.kind == JsonKind::kNumber;
    case MAS_TYPE_STRING:
    case MAS_TYPE_BYTES:
      return value.kind == JsonKind::kString;
    case MAS_TYPE_STRUCT:
      return value.kind == JsonKind::kObject;
    case MAS_TYPE_JSON:
      return true;
  }
  return false;
}

Status read_members(Filled& filled, const Schema& schema, std::byte* into, const std::string& path,
                    std::string_view json);

template <typename T>
void store(std::byte* into, const T& value) {
  std::memcpy(into, &value, sizeof value);
}

Status misfit(const Field& field, bool element, const std::string& path, const JsonValue& value) {
  const bool array = field.array() && !element;
  const bool kind = array ? value.kind == JsonKind::kArray : kind_fits(field.declared->type, value);
  return Error{Errc::kMalformed,
               path + ": " + expectation(field, element) + (kind ? ", not this one" : ", not " + kind_of(value))};
}

Status too_large(const std::string& path) {
  return Error{Errc::kTooLarge, path + ": the struct would need too much memory for a text of this size"};
}

/// Reads the values of fields.
class ValueReader {
 public:
  explicit ValueReader(Filled& filled) : filled_(filled) {}

  /// @param at the member. @param path of the field, for errors.
  Status read(const Field& field, const JsonValue& value, std::byte* at, const std::string& path) {
    return field.array() ? read_array(field, value, at, path) : read_one(field, value, at, path);
  }

  /// Gives a member that is absent its default.
  Status absent(const Field& field, std::byte* at, const std::string& path) {
    if (field.declared->default_json == nullptr) return {};
    const std::string text = "[" + std::string(field.declared->default_json) + "]";
    JsonReader reader;
    auto values = reader.elements(text, 1);
    if (!values) return values.error();
    if (values->size() != 1) return Error{Errc::kMalformed, path + ": expected one JSON value as the default"};
    return read(field, values->front(), at, path);
  }

 private:
  Status read_array(const Field& field, const JsonValue& value, std::byte* at, const std::string& path) {
    if (value.kind != JsonKind::kArray) return misfit(field, false, path, value);
    JsonReader reader;
    const size_t most = field.declared->max_length == 0 ? value.token.size() : field.declared->max_length;
    auto elements = reader.elements(value.token, most);
    if (!elements || !length_fits(*field.declared, elements->size())) return misfit(field, false, path, value);
    const size_t size = field.value_size();
    std::byte* items = filled_.allocate(size * elements->size());
    if (items == nullptr) return too_large(path);
    for (size_t i = 0; i < elements->size(); ++i) {
      auto status = read_one(field, (*elements)[i], items + i * size, path + "[" + std::to_string(i) + "]");
      if (!status) return status;
    }
    store(at, mas_array{items, elements->size()});
    return {};
  }

  /// Reads one value: the field's, or an element of it.
  Status read_one(const Field& field, const JsonValue& value, std::byte* at, const std::string& path) {
    if (!kind_fits(field.declared->type, value)) return misfit(field, true, path, value);
    switch (field.declared->type) {
      case MAS_TYPE_BOOL:
        store(at, value.token == "true");
        return {};
      case MAS_TYPE_INT32:
        return read_number<int32_t>(field, value, at, path);
      case MAS_TYPE_INT64:
        return read_number<int64_t>(field, value, at, path);
      case MAS_TYPE_DOUBLE:
        return read_number<double>(field, value, at, path);
      case MAS_TYPE_STRING:
        return read_string(field, value, at, path);
      case MAS_TYPE_BYTES:
        return read_bytes(field, value, at, path);
      case MAS_TYPE_JSON:
        return copy_text(value.token, at, path);
      case MAS_TYPE_STRUCT:
        return read_members(filled_, *field.nested, at, path, value.token);
    }
    return {};
  }

  template <typename Number>
  Status read_number(const Field& field, const JsonValue& value, std::byte* at, const std::string& path) {
    auto number = parse_number<Number>(value.token);
    if (!number || !range_fits(*field.declared, *number)) return misfit(field, true, path, value);
    store(at, *number);
    return {};
  }

  Status read_string(const Field& field, const JsonValue& value, std::byte* at, const std::string& path) {
    if (!text_fits(field, value.text)) return misfit(field, true, path, value);
    return copy_text(value.text, at, path);
  }

  Status read_bytes(const Field& field, const JsonValue& value, std::byte* at, const std::string& path) {
    auto bytes = from_base64(value.text);
    if (!bytes || (!field.array() && !length_fits(*field.declared, bytes->size())))
      return misfit(field, true, path, value);
    char* copy = filled_.copy(*bytes);
    if (copy == nullptr) return too_large(path);
    store(at, mas_bytes{copy, bytes->size()});
    return {};
  }

  Status copy_text(std::string_view text, std::byte* at, const std::string& path) {
    char* copy = filled_.copy(text);
    if (copy == nullptr) return too_large(path);
    store(at, copy);
    return {};
  }

  Filled& filled_;
};

/// Hears of an object's members and reads those that the schema has.
class MemberReader final : public JsonVisitor {
 public:
  /// @param into the struct, zeroed. @param path of it; "" for the outermost one.
  MemberReader(Filled& filled, const Schema& schema, std::byte* into, const std::string& path)
      : values_(filled), schema_(schema), into_(into), path_(path), seen_(schema.fields().size()) {}

  void member(std::string_view key, const JsonValue& value) override {
    const Field* field = status_.ok() ? schema_.find(key) : nullptr;
    if (field == nullptr) return;
    auto seen = seen_.begin() + (field - schema_.fields().data());
    if (*seen) {
      status_ = Error{Errc::kMalformed, path_of(*field) + ": is there twice"};
      return;
    }
    const bool null = value.kind == JsonKind::kNull && field->optional() && field->declared->type != MAS_TYPE_JSON;
    if (null) return;  // as if it were absent
    *seen = true;
    status_ = values_.read(*field, value, into_ + field->declared->offset, path_of(*field));
  }

  /// What became of it, once every member was heard of.
  Status finish() {
    for (size_t i = 0; i < seen_.size() && status_.ok(); ++i) {
      const Field& field = schema_.fields()[i];
      if (seen_[i]) continue;
      if (!field.optional())
        return Error{Errc::kMalformed, path_of(field) + ": is missing; " + expectation(field, false)};
      status_ = values_.absent(field, into_ + field.declared->offset, path_of(field));
    }
    return status_;
  }

 private:
  std::string path_of(const Field& field) const {
    return path_.empty() ? std::string(field.name) : path_ + "." + std::string(field.name);
  }

  ValueReader values_;
  const Schema& schema_;
  std::byte* const into_;
  const std::string& path_;
  std::vector<bool> seen_;
  Status status_;
};

Status read_members(Filled& filled, const Schema& schema, std::byte* into, const std::string& path,
                    std::string_view json) {
  MemberReader members(filled, schema, into, path);
  JsonReader reader;
  if (auto status = reader.visit(json, members); !status) return status;
  return members.finish();
}

}  // namespace

Result<std::unique_ptr<Filled>> read_struct(const Schema& schema, std::string_view json) {
  auto filled = std::make_unique<Filled>(schema.size(), json.size());
  if (auto status = read_members(*filled, schema, filled->root(), "", json); !status) return status.error();
  return filled;
}

Status read_default(const Field& field, Filled& filled, std::byte* member) {
  return ValueReader(filled).absent(field, member, std::string(field.name));
}

Status read_text(const Field& field, std::string_view text, bool plain, Filled& filled, std::byte* member) {
  const std::string path(field.name);
  ValueReader values(filled);
  if (plain) return values.read(field, {JsonKind::kString, text, text}, member, path);
  if (field.declared->type == MAS_TYPE_BOOL && (text == "True" || text == "False"))
    text = text == "True" ? "true" : "false";
  if (text == "None") text = "null";
  const std::string array = "[" + std::string(text) + "]";
  JsonReader reader;
  auto parsed = reader.elements(array, 1);
  if (!parsed || parsed->size() != 1)
    return Error{Errc::kMalformed, path + ": " + expectation(field, false) + ", not a text that is no JSON value"};
  const bool null =
      parsed->front().kind == JsonKind::kNull && field.optional() && field.declared->type != MAS_TYPE_JSON;
  return null ? values.absent(field, member, path) : values.read(field, parsed->front(), member, path);
}

Status check_default(const Field& field) {
  if (field.declared->default_json == nullptr) return {};
  Filled filled(field.declared->size, std::strlen(field.declared->default_json));
  return ValueReader(filled).absent(field, filled.root(), std::string(field.name));
}

}  // namespace mas::sdk
