// Registry entries, field by field.
#include "proto/wire/agent_entry.h"

#include <algorithm>
#include <cmath>

#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/base/numbers.h"
#include "proto/base/utf8.h"
#include "proto/wire/json.h"
#include "proto/wire/limits.h"

namespace mas {
namespace {

enum Field : size_t { kId, kCapabilities, kMetadata, kStatus, kRegisteredAt, kFieldCount };
static_assert(std::size(kAgentEntryFields) == kFieldCount && std::size(kAgentEntryBounds) == kFieldCount);

using Values = std::vector<std::optional<std::string_view>>;

Error in_field(Field field, const Error& error) {
  return error.in("agent entry: " + std::string(kAgentEntryFields[field]));
}

std::string_view value_or_empty(const Values& values, Field field) { return values[field].value_or(""); }

Status read_capabilities(std::string_view json, std::vector<std::string>& capabilities) {
  if (json.empty()) return {};
  auto strings = JsonReader::local().string_array(json);
  if (!strings) return in_field(kCapabilities, strings.error());
  for (const auto& capability : *strings)
    if (auto status = check_capability(capability); !status)
      return in_field(kCapabilities, Error{Errc::kMalformed, status.error().message});
  capabilities = std::move(*strings);
  return {};
}

Error too_large(Field field, uint64_t size) {
  return in_field(field, Error{Errc::kTooLarge, "expected at most " + std::to_string(kAgentEntryBounds[field]) +
                                                    " bytes, has " + std::to_string(size)});
}

Status read_metadata(std::string_view json, std::string& metadata) {
  if (json.empty()) return {};
  if (json.size() > limits::kMetadataBytes) return too_large(kMetadata, json.size());
  auto object = JsonReader::local().check_object(json);
  if (!object) return in_field(kMetadata, object.error());
  metadata = std::string(*object);
  return {};
}

double seconds_or_zero(std::string_view text) {
  auto seconds = parse_number<double>(text);
  return seconds && std::isfinite(*seconds) ? *seconds : 0;
}

}  // namespace

Status check_agent_entry_sizes(std::span<const int64_t> sizes) {
  for (size_t i = 0; i < std::min<size_t>(sizes.size(), kFieldCount); ++i)
    if (sizes[i] > static_cast<int64_t>(kAgentEntryBounds[i]))
      return too_large(static_cast<Field>(i), static_cast<uint64_t>(sizes[i]));
  return {};
}

Result<AgentEntry> agent_entry_from_values(std::string_view key_id, const Values& values) {
  if (values.size() != kFieldCount)
    return Error{Errc::kInvalidArgument, "agent entry: expected " + std::to_string(kFieldCount) + " fields"};
  if (!values[kId]) return Error{Errc::kNotFound, "agent entry: there is none under '" + printable(key_id) + "'"};
  if (*values[kId] != key_id || !is_foreign_agent_id(key_id))
    return in_field(kId, Error{Errc::kMalformed,
                               "expected the id in the key's name, 1-512 bytes without control "
                               "characters, '" +
                                   printable(key_id) + "'"});
  AgentEntry entry;
  entry.id = std::string(key_id);
  if (auto status = read_capabilities(value_or_empty(values, kCapabilities), entry.capabilities); !status)
    return status.error();
  if (auto status = read_metadata(value_or_empty(values, kMetadata), entry.metadata); !status) return status.error();
  entry.active = value_or_empty(values, kStatus) == kStatusActive;
  entry.registered_at = seconds_or_zero(value_or_empty(values, kRegisteredAt));
  return entry;
}

Status check_capability(std::string_view capability) {
  bool legal = !capability.empty() && capability.size() <= limits::kCapabilityBytes && is_valid_utf8(capability) &&
               !has_control_character(capability);
  if (legal) return {};
  return Error{Errc::kInvalidArgument, "capability '" + printable(capability) + "' is not allowed; expected 1-" +
                                           std::to_string(limits::kCapabilityBytes) +
                                           " bytes of UTF-8 without control characters"};
}

std::string capabilities_json(const std::vector<std::string>& capabilities) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const auto& capability : capabilities) json.string(capability);
  json.end_array();
  return out;
}

}  // namespace mas
