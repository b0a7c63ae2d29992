// A struct from JSON: whatever fits its schema is written as JSON that fits again and gives the same struct.
#include "sdk/include/mas_schema.h"
#include "sdk/src/typed/read.h"
#include "sdk/src/typed/write.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;
using namespace mas::sdk;

namespace {

struct Item {
  char* name;
  int64_t count;
};

struct Order {
  bool open;
  int32_t number;
  double price;
  char* state;
  char* code;
  mas_bytes seal;
  char* extra;
  Item first;
  mas_array items;
  mas_array notes;
};

const char* const kStates[] = {"new", "sent", nullptr};

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  // what a field does not name is 0

const mas_field kItemFields[] = {
    MAS_FIELD(Item, name, MAS_TYPE_STRING, 0, .max_length = 8),
    MAS_FIELD(Item, count, MAS_TYPE_INT64, MAS_FIELD_OPTIONAL, .default_json = "1", .minimum = -5, .maximum = 1e18),
};
const mas_schema kItem = MAS_SCHEMA(Item, kItemFields);

const mas_field kOrderFields[] = {
    MAS_FIELD(Order, open, MAS_TYPE_BOOL, MAS_FIELD_OPTIONAL),
    MAS_FIELD(Order, number, MAS_TYPE_INT32, MAS_FIELD_OPTIONAL),
    MAS_FIELD(Order, price, MAS_TYPE_DOUBLE, MAS_FIELD_OPTIONAL),
    MAS_FIELD(Order, state, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL, .one_of = kStates),
    MAS_FIELD(Order, code, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL, .max_length = 9, .pattern = "[a-z]+(-[0-9]{2})*"),
    MAS_FIELD(Order, seal, MAS_TYPE_BYTES, MAS_FIELD_OPTIONAL, .max_length = 6),
    MAS_FIELD(Order, extra, MAS_TYPE_JSON, MAS_FIELD_OPTIONAL),
    MAS_FIELD(Order, first, MAS_TYPE_STRUCT, MAS_FIELD_OPTIONAL, .schema = &kItem, .default_json = "{\"name\":\"x\"}"),
    MAS_FIELD(Order, items, MAS_TYPE_STRUCT, MAS_FIELD_OPTIONAL | MAS_FIELD_ARRAY, .schema = &kItem, .max_length = 4),
    MAS_FIELD(Order, notes, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL | MAS_FIELD_ARRAY),
};
const mas_schema kOrder = MAS_SCHEMA(Order, kOrderFields);

const Schema& order() {
  static const auto schema = *compile_schema(&kOrder);
  return *schema;
}

std::string written(const Filled& filled) {
  std::string json;
  require(write_struct(order(), filled.root(), json).ok(), "what was read can be written");
  return json;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto text = text_of(data, size);
  if (auto filled = read_struct(order(), text)) {
    const std::string json = written(**filled);
    auto again = read_struct(order(), json);
    require(again.ok(), "what was written can be read");
    require(written(**again) == json, "and is the same");
  }
  for (const Field& field : order().fields()) {
    Filled filled(field.declared->size, size);
    (void)read_text(field, text, (size & 1) != 0, filled, filled.root());
  }
  return 0;
}
