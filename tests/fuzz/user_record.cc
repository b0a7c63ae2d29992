// Records of Redis users, and the rules that follow from them. The input's lines are the field's name, then the record.
#include "proto/users/user_record.h"

#include "proto/users/user_rules.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto text = text_of(data, size);
  auto field = take_line(text);
  auto record = parse_user_record(field, text);
  if (!record) return 0;
  require(user_field(record->role, record->id) == field, "a record has the name of its field");
  require(record->expires_at >= 0 && record->created_at >= 0, "times are not negative");
  auto again = parse_user_record(field, user_record_json(*record));
  require(again.ok(), "what was written is read");
  UserRecord expected = *record;
  if (expected.role != UserRole::kAgent)
    expected.modes = AgentModes::kBoth, expected.discover = true, expected.capabilities.clear();
  if (!expected.password_old) expected.password_old_until = 0;
  require(*again == expected, "a record survives being written");
  const Keys keys("ns");
  for (const auto& rule : acl_setuser_rules(*record, {keys}, 0)) {
    require(rule.find_first_of("\r\n\\[]?") == std::string::npos, "no rule has a character of another pattern");
    if (record->role == UserRole::kAgent)
      require(rule != "~*" && rule != "&*" && !rule.starts_with("+@"), "tight rules");
  }
  return 0;
}
