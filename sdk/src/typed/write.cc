// Each member is checked and appended; nothing is copied in between.
#include "sdk/src/typed/write.h"

#include <cmath>
#include <cstring>

#include "proto/base/base64.h"
#include "proto/base/json_writer.h"
#include "proto/base/utf8.h"
#include "proto/wire/json.h"
#include "proto/wire/limits.h"
#include "sdk/src/typed/checks.h"
#include "sdk/src/typed/place.h"

namespace mas::sdk {
namespace {

template <typename T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

class ValueWriter {
 public:
  explicit ValueWriter(std::string& out) : out_(out) {}

  /// @param place of the struct; nullptr: the outermost one.
  Status members(const Schema& schema, const std::byte* from, const Place* place) {
    out_ += '{';
    bool first = true;
    for (const Field& field : schema.fields()) {
      const std::byte* at = from + field.declared->offset;
      const bool null = field.optional() && is_null(field, at);
      if (null && !field.writes_null()) continue;
      if (!first) out_ += ',';
      first = false;
      append_json_string(out_, field.name);
      out_ += ':';
      if (null)
        out_ += "null";
      else if (auto status = value(field, at, Place(place, field.name)); !status)
        return status;
    }
    out_ += '}';
    return {};
  }

  Status value(const Field& field, const std::byte* at, const Place& place) {
    if (field.array()) return array(field, at, place);
    return one(field, field.pointer() ? load<const std::byte*>(at) : at, place);
  }

  static bool is_null(const Field& field, const std::byte* at) {
    if (field.array()) return load<mas_array>(at).items == nullptr;
    if (field.pointer()) return load<const void*>(at) == nullptr;
    switch (field.declared->type) {
      case MAS_TYPE_STRING:
      case MAS_TYPE_JSON:
        return load<const char*>(at) == nullptr;
      case MAS_TYPE_BYTES:
        return load<mas_bytes>(at).data == nullptr;
      default:
        return false;
    }
  }

 private:
  static Status misfit(const Field& field, bool element, const Place& place, const char* what) {
    return Error{Errc::kMalformed, place.text() + ": " + expectation(field, element) + ", " + what};
  }

  Status array(const Field& field, const std::byte* at, const Place& place) {
    const auto items = load<mas_array>(at);
    if (items.items == nullptr && items.count != 0) return misfit(field, false, place, "not NULL");
    if (!length_fits(*field.declared, items.count)) return misfit(field, false, place, "not this one");
    const auto* item = static_cast<const std::byte*>(items.items);
    out_ += '[';
    for (size_t i = 0; i < items.count; ++i, item += field.value_size()) {
      if (i > 0) out_ += ',';
      if (auto status = one(field, item, Place(place, i)); !status) return status;
    }
    out_ += ']';
    return {};
  }

  Status one(const Field& field, const std::byte* at, const Place& place) {
    switch (field.declared->type) {
      case MAS_TYPE_BOOL:
        out_ += load<unsigned char>(at) != 0 ? "true" : "false";  // C may have put any byte there
        return {};
      case MAS_TYPE_INT32:
        return number(field, load<int32_t>(at), place);
      case MAS_TYPE_INT64:
        return number(field, load<int64_t>(at), place);
      case MAS_TYPE_DOUBLE:
        return number(field, load<double>(at), place);
      case MAS_TYPE_STRING:
        return text(field, load<const char*>(at), place);
      case MAS_TYPE_BYTES:
        return bytes(field, load<mas_bytes>(at), place);
      case MAS_TYPE_JSON:
        return json(field, load<const char*>(at), place);
      case MAS_TYPE_STRUCT:
        return members(*field.nested, at, &place);
    }
    return {};
  }

  template <typename Number>
  Status number(const Field& field, Number number, const Place& place) {
    if (!range_fits(*field.declared, number)) return misfit(field, true, place, "not this one");
    if constexpr (std::is_integral_v<Number>) {
      JsonWriter(out_).integer(number);
    } else {
      if (!std::isfinite(number)) return misfit(field, true, place, "not an infinite one or one that is not a number");
      JsonWriter(out_).number(number);
    }
    return {};
  }

  Status text(const Field& field, const char* text, const Place& place) {
    if (text == nullptr) return misfit(field, true, place, "not NULL");
    if (!is_valid_utf8(text)) return misfit(field, true, place, "in UTF-8");
    if (!text_fits(field, text)) return misfit(field, true, place, "not this one");
    append_json_string(out_, text);
    return {};
  }

  Status bytes(const Field& field, mas_bytes bytes, const Place& place) {
    if (bytes.data == nullptr && bytes.size != 0) return misfit(field, true, place, "not NULL");
    if (bytes.size > limits::kMaxEnvelopeBytes || (!field.array() && !length_fits(*field.declared, bytes.size)))
      return misfit(field, true, place, "not this one");
    out_ += '"' + base64({static_cast<const char*>(bytes.data), bytes.size}) + '"';
    return {};
  }

  Status json(const Field& field, const char* text, const Place& place) {
    if (text == nullptr) return misfit(field, true, place, "not NULL");
    auto value = JsonReader::local().check_value(text);
    if (!value) return misfit(field, true, place, "not what stands there");
    out_ += *value;
    return {};
  }

  std::string& out_;
};

}  // namespace

Status write_struct(const Schema& schema, const void* filled, std::string& out) {
  return ValueWriter(out).members(schema, static_cast<const std::byte*>(filled), nullptr);
}

Result<bool> write_field(const Field& field, const void* filled, std::string& out) {
  const auto* at = static_cast<const std::byte*>(filled) + field.declared->offset;
  if (field.optional() && ValueWriter::is_null(field, at)) return false;
  if (auto status = ValueWriter(out).value(field, at, Place(nullptr, field.name)); !status) return status.error();
  return true;
}

}  // namespace mas::sdk
