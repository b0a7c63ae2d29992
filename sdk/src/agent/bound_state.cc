// The texts of the state and the members of the struct, one by one.
#include "sdk/src/agent/bound_state.h"

#include <cstring>
#include <utility>

#include "proto/wire/json.h"
#include "sdk/src/typed/read.h"
#include "sdk/src/typed/write.h"

namespace mas::sdk {
namespace {

/// Strings and bytes stand in the state without quotes.
bool is_plain_text(const Field& field) {
  return !field.array() && (field.declared->type == MAS_TYPE_STRING || field.declared->type == MAS_TYPE_BYTES);
}

}  // namespace

Status BoundState::load(const StateMap& stored) {
  size_t bytes = 0;
  for (const auto& [name, text] : stored) bytes += text.size();
  auto filled = std::make_unique<Filled>(schema_->size(), bytes);
  // Members that the schema does not name stay the application's.
  std::memcpy(filled->root(), application_, schema_->size());
  for (const Field& field : schema_->fields()) {
    std::byte* member = filled->root() + field.declared->offset;
    std::memset(member, 0, field.declared->size);
    auto text = stored.find(field.name);
    auto status = text == stored.end() ? read_default(field, *filled, member)
                                       : read_text(field, text->second, is_plain_text(field), *filled, member);
    if (!status) return status.error().in("state");
  }
  std::memcpy(application_, filled->root(), schema_->size());
  filled_ = std::move(filled);
  return {};
}

Result<std::vector<StateChange>> BoundState::changes(const StateMap& stored) const {
  std::vector<StateChange> changes;
  for (const Field& field : schema_->fields()) {
    std::string json;
    auto written = write_field(field, application_, json);
    if (!written) return written.error().in("state");
    auto before = stored.find(field.name);
    if (!*written) {
      if (before != stored.end()) changes.emplace_back(field.name, std::nullopt);
      continue;
    }
    std::string text = is_plain_text(field) ? json_text(json) : std::move(json);
    if (before == stored.end() || before->second != text) changes.emplace_back(field.name, std::move(text));
  }
  return changes;
}

}  // namespace mas::sdk
