// A visitor per struct: each member is found in the table, checked and copied.
#include "sdk/src/typed/read.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "proto/base/base64.h"
#include "proto/base/numbers.h"
#include "proto/base/utf8.h"
#include "proto/wire/json.h"
#include "proto/wire/json_scanner.h"
#include "proto/wire/limits.h"
#include "sdk/src/typed/checks.h"
#include "sdk/src/typed/place.h"

namespace mas::sdk {
namespace {

bool is_integer(const JsonValue& value) { return value.token.find_first_of(".eE") == std::string_view::npos; }

std::string kind_of(const JsonValue& value) {
  switch (value.kind) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kBoolean:
      return "true or false";
    case JsonKind::kNumber:
      return is_integer(value) ? "an integer" : "a number";
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
      return value.kind == JsonKind::kNumber && is_integer(value);
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

/// @param place of the struct; nullptr: it is the outermost one.
Status read_members(Filled& filled, const Schema& schema, std::byte* into, const Place* place, std::string_view json);

template <typename T>
void store(std::byte* into, const T& value) {
  std::memcpy(into, &value, sizeof value);
}

Status misfit(const Field& field, bool element, const Place& place, const JsonValue& value) {
  const bool array = field.array() && !element;
  const bool kind = array ? value.kind == JsonKind::kArray : kind_fits(field.declared->type, value);
  return Error{Errc::kMalformed, place.text() + ": " + expectation(field, element) +
                                     (kind ? ", not this one" : ", not " + kind_of(value))};
}

/// @param number JSON, too large or too small for a double. @return whether it is too small: nearer to 0 than to any.
bool is_tiny(std::string_view number) {
  const size_t at = number.find_first_of("eE");
  const std::string_view digits = number.substr(0, at);
  const size_t point = std::min(digits.find('.'), digits.size());
  const size_t first = digits.find_first_of("123456789");
  if (at == std::string_view::npos || first == std::string_view::npos) return first > point;
  std::string_view exponent = number.substr(at + 1);
  if (exponent.starts_with('+')) exponent.remove_prefix(1);
  const auto power = parse_number<int64_t>(exponent);
  if (!power) return exponent.starts_with('-');
  return *power < static_cast<int64_t>(first) - static_cast<int64_t>(point);
}

Status too_large(const Place& place) {
  return Error{Errc::kTooLarge, place.text() + ": the struct would need too much memory for a text of this size"};
}

/// Reads the values of fields.
class ValueReader {
 public:
  explicit ValueReader(Filled& filled) : filled_(filled) {}

  /// @param at the member. @param place of it, for errors.
  Status read(const Field& field, const JsonValue& value, std::byte* at, const Place& place) {
    if (field.array()) return read_array(field, value, at, place);
    return field.pointer() ? read_pointed(field, value, at, place) : read_one(field, value, at, place);
  }

  /// The same, where null stands for an optional value that is absent.
  Status read_or_default(const Field& field, const JsonValue& value, std::byte* at, const Place& place) {
    const bool null = value.kind == JsonKind::kNull && field.optional() && field.declared->type != MAS_TYPE_JSON;
    if (null && field.nullable()) return {};
    return null ? absent(field, at, place) : read(field, value, at, place);
  }

  /// Gives a member that is absent its default.
  Status absent(const Field& field, std::byte* at, const Place& place) {
    if (field.declared->default_json == nullptr) return {};
    JsonReader reader;
    auto value = reader.value(field.declared->default_json);
    return value ? read(field, *value, at, place) : Status(value.error());
  }

 private:
  /// Twice through the text: a list of its elements would take many times the memory of the array.
  Status read_array(const Field& field, const JsonValue& value, std::byte* at, const Place& place) {
    if (value.kind != JsonKind::kArray) return misfit(field, false, place, value);
    std::string unescaped;
    const size_t most = field.declared->max_length == 0 ? value.token.size() : field.declared->max_length;
    size_t count = 0;
    auto counted = [&](const JsonValue&) { return count++ < most; };
    if (!JsonScanner(value.token, unescaped, limits::kJsonDepth).each_element(counted) ||
        !length_fits(*field.declared, count))
      return misfit(field, false, place, value);
    const size_t size = field.value_size();
    std::byte* items = filled_.allocate(size * count);
    if (items == nullptr) return too_large(place);
    size_t i = 0;
    Status status;
    auto read = [&](const JsonValue& element) {
      status = read_one(field, element, items + i * size, Place(place, i));
      ++i;
      return status.ok();
    };
    unescaped.clear();
    JsonScanner(value.token, unescaped, limits::kJsonDepth).each_element(read);
    if (!status) return status;
    store(at, mas_array{items, count});
    return {};
  }

  Status read_pointed(const Field& field, const JsonValue& value, std::byte* at, const Place& place) {
    std::byte* one = filled_.allocate(field.value_size());
    if (one == nullptr) return too_large(place);
    store(at, one);
    return read_one(field, value, one, place);
  }

  /// Reads one value: the field's, or an element of it.
  Status read_one(const Field& field, const JsonValue& value, std::byte* at, const Place& place) {
    if (!kind_fits(field.declared->type, value)) return misfit(field, true, place, value);
    switch (field.declared->type) {
      case MAS_TYPE_BOOL:
        store(at, value.token == "true");
        return {};
      case MAS_TYPE_INT32:
        return read_number<int32_t>(field, value, at, place);
      case MAS_TYPE_INT64:
        return read_number<int64_t>(field, value, at, place);
      case MAS_TYPE_DOUBLE:
        return read_double(field, value, at, place);
      case MAS_TYPE_STRING:
        return read_string(field, value, at, place);
      case MAS_TYPE_BYTES:
        return read_bytes(field, value, at, place);
      case MAS_TYPE_JSON:
        return copy_text(value.token, at, place);
      case MAS_TYPE_STRUCT:
        return read_members(filled_, *field.nested, at, &place, value.token);
    }
    return {};
  }

  Status read_double(const Field& field, const JsonValue& value, std::byte* at, const Place& place) {
    auto number = parse_number<double>(value.token);
    if (!number && is_tiny(value.token)) number = 0.0;
    if (!number)
      return Error{Errc::kMalformed,
                   place.text() + ": " + expectation(field, true) + ", not one that no double can hold"};
    if (!range_fits(*field.declared, *number)) return misfit(field, true, place, value);
    store(at, *number);
    return {};
  }

  template <typename Number>
  Status read_number(const Field& field, const JsonValue& value, std::byte* at, const Place& place) {
    auto number = parse_number<Number>(value.token);
    if (!number || !range_fits(*field.declared, *number)) return misfit(field, true, place, value);
    store(at, *number);
    return {};
  }

  Status read_string(const Field& field, const JsonValue& value, std::byte* at, const Place& place) {
    if (!text_fits(field, value.text)) return misfit(field, true, place, value);
    return copy_text(value.text, at, place);
  }

  Status read_bytes(const Field& field, const JsonValue& value, std::byte* at, const Place& place) {
    auto bytes = from_base64(value.text);
    if (!bytes || (!field.array() && !length_fits(*field.declared, bytes->size())))
      return misfit(field, true, place, value);
    char* copy = filled_.copy(*bytes);
    if (copy == nullptr) return too_large(place);
    store(at, mas_bytes{copy, bytes->size()});
    return {};
  }

  Status copy_text(std::string_view text, std::byte* at, const Place& place) {
    char* copy = filled_.copy(text);
    if (copy == nullptr) return too_large(place);
    store(at, copy);
    return {};
  }

  Filled& filled_;
};

/// Hears of an object's members and reads those that the schema has.
class MemberReader final : public JsonVisitor {
 public:
  /// @param into the struct, zeroed. @param place of it; nullptr: the outermost one.
  MemberReader(Filled& filled, const Schema& schema, std::byte* into, const Place* place)
      : values_(filled), schema_(schema), into_(into), place_(place), seen_(schema.fields().size()) {}

  void member(std::string_view key, const JsonValue& value) override {
    const Field* field = status_.ok() ? schema_.find(key) : nullptr;
    if (field == nullptr) return;
    const Place place(place_, field->name);
    auto seen = seen_.begin() + (field - schema_.fields().data());
    if (*seen) {
      status_ = Error{Errc::kMalformed, place.text() + ": is there twice"};
      return;
    }
    *seen = true;
    status_ = values_.read_or_default(*field, value, into_ + field->declared->offset, place);
  }

  /// What became of it, once every member was heard of.
  Status finish() {
    for (size_t i = 0; i < seen_.size() && status_.ok(); ++i) {
      if (seen_[i]) continue;
      const Field& field = schema_.fields()[i];
      const Place place(place_, field.name);
      if (!field.optional())
        return Error{Errc::kMalformed, place.text() + ": is missing; " + expectation(field, false)};
      status_ = values_.absent(field, into_ + field.declared->offset, place);
    }
    return status_;
  }

 private:
  ValueReader values_;
  const Schema& schema_;
  std::byte* const into_;
  const Place* const place_;
  std::vector<bool> seen_;
  Status status_;
};

Status read_members(Filled& filled, const Schema& schema, std::byte* into, const Place* place, std::string_view json) {
  MemberReader members(filled, schema, into, place);
  JsonReader reader;
  if (auto status = reader.visit(json, members); !status) return status;
  return members.finish();
}

}  // namespace

Result<std::unique_ptr<Filled>> read_struct(const Schema& schema, std::string_view json) {
  auto filled = std::make_unique<Filled>(schema.size(), json.size());
  if (auto status = read_members(*filled, schema, filled->root(), nullptr, json); !status) return status.error();
  return filled;
}

Status read_default(const Field& field, Filled& filled, std::byte* member) {
  return ValueReader(filled).absent(field, member, Place(nullptr, field.name));
}

Status read_text(const Field& field, std::string_view text, bool plain, Filled& filled, std::byte* member) {
  const Place place(nullptr, field.name);
  ValueReader values(filled);
  const JsonValue whole{JsonKind::kString, text, text};
  if (text == "None" && field.none_is_null()) return {};
  if (plain) return is_valid_utf8(text) ? values.read(field, whole, member, place) : misfit(field, true, place, whole);
  if (field.declared->type == MAS_TYPE_BOOL && (text == "True" || text == "False"))
    text = text == "True" ? "true" : "false";
  if (text == "None") text = "null";
  JsonReader reader;
  auto value = reader.value(text);
  if (value) return values.read_or_default(field, *value, member, place);
  return Error{Errc::kMalformed,
               place.text() + ": " + expectation(field, false) + ", not a text that is no JSON value"};
}

Status check_default(const Field& field) {
  if (field.declared->default_json == nullptr) return {};
  Filled filled(field.declared->size, std::strlen(field.declared->default_json));
  return read_default(field, filled, filled.root());
}

}  // namespace mas::sdk
