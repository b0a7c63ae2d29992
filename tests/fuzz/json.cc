// JSON: JsonReader and a plain reading of RFC 8259 must agree on every text, whatever bytes follow it.
#include "proto/wire/json.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reference_json.h"

using namespace mas;
using namespace mas::fuzz;

namespace {

class Nobody final : public JsonVisitor {
 public:
  void member(std::string_view, const JsonValue& value) override {
    require(!value.token.empty(), "a member has a token");
    require(value.text.size() <= value.token.size(), "a text is no longer than its token");
  }
  JsonVisitor* inside(std::string_view) override { return this; }
};

void check_parts(JsonReader& reader, std::string_view text) {
  auto members = reader.members(text);
  if (!members) return;
  for (const auto& [key, token] : *members)
    require(ReferenceJson::accepts(token, limits::kJsonDepth), "a token is JSON");
  require(reader.check_object(text).ok(), "what has members is an object");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static JsonReader reader;
  auto text = text_of(data, size);
  bool expected = ReferenceJson::accepts(text, limits::kJsonDepth);
  auto checked = reader.check_value(text);
  require(checked.ok() == expected, "the reader agrees with RFC 8259");
  if (checked) require(text.find(*checked) != std::string_view::npos, "the value is a part of the text");

  bool object = checked.ok() && checked->starts_with('{');
  for (char padding : kPaddings) {
    Nobody nobody;
    Padded in_place(text, padding);
    require(reader.visit(in_place.text(), nobody).ok() == object, "what follows a text does not matter");
  }
  check_parts(reader, text);
  (void)reader.string_array(text);
  return 0;
}
