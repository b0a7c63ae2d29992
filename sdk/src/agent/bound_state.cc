// The texts of the state and the members of the struct, one by one.
#include "sdk/src/agent/bound_state.h"

#include <cstring>
#include <optional>
#include <string>
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

/// What Python's str() makes of None.
constexpr const char* kNone = "None";

/// @return the member's text in the state; none where it is an optional one that is NULL.
Result<std::optional<std::string>> text_of(const Field& field, const void* application) {
  std::string json;
  auto written = write_field(field, application, json);
  if (!written) return written.error().in("state");
  if (!*written) return field.writes_null() ? std::optional<std::string>(kNone) : std::nullopt;
  if (is_plain_text(field)) json = json_text(json);
  if (field.none_is_null() && json == kNone)
    return Error{Errc::kMalformed, "state: " + std::string(field.name) + ": " + expectation(field, false) +
                                       ", not the text None, which stands for an absent one"};
  return std::optional(std::move(json));
}

}  // namespace

Status BoundState::load(const StateMap& stored) {
  size_t bytes = 0;
  for (const auto& [name, text] : stored) bytes += text.size();
  auto filled = std::make_unique<Filled>(schema_->size(), bytes);
  for (const Field& field : schema_->fields()) {
    std::byte* member = filled->root() + field.declared->offset;
    auto text = stored.find(field.name);
    auto status = text == stored.end() ? read_default(field, *filled, member)
                                       : read_text(field, text->second, is_plain_text(field), *filled, member);
    if (!status) return status.error().in("state");
  }
  // Members that the schema does not name are the application's alone.
  for (const Field& field : schema_->fields())
    std::memcpy(static_cast<std::byte*>(application_) + field.declared->offset, filled->root() + field.declared->offset,
                field.declared->size);
  filled_ = std::move(filled);
  known_.clear();
  for (const Field& field : schema_->fields()) {
    auto text = text_of(field, application_);  // an error: the 0 of an absent field that may not be 0
    if (text && *text) known_[std::string(field.name)] = std::move(**text);
  }
  return {};
}

Result<std::vector<StateChange>> BoundState::changes() const {
  std::vector<StateChange> changes;
  for (const Field& field : schema_->fields()) {
    auto text = text_of(field, application_);
    if (!text) return text.error();
    auto known = known_.find(field.name);
    const bool same = known == known_.end() ? !*text : *text == known->second;
    if (!same) changes.emplace_back(field.name, std::move(*text));
  }
  return changes;
}

void BoundState::saved(const std::vector<StateChange>& changes) {
  for (const auto& [name, text] : changes) {
    if (text)
      known_[name] = *text;
    else
      known_.erase(name);
  }
}

}  // namespace mas::sdk
