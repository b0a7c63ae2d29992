// Registry entries. The input's lines are the id in the key's name, then the five fields; "-" stands for a missing one.
#include "proto/wire/agent_entry.h"

#include "proto/wire/json.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto text = text_of(data, size);
  auto key_id = take_line(text);
  std::vector<std::optional<std::string_view>> values;
  for (size_t i = 0; i < std::size(kAgentEntryFields); ++i) {
    auto line = take_line(text);
    values.push_back(line == "-" ? std::nullopt : std::optional(line));
  }
  auto entry = agent_entry_from_values(key_id, values);
  if (!entry) return 0;
  require(entry->id == key_id, "an entry has the id of its key");
  for (const auto& capability : entry->capabilities)
    require(check_capability(capability).ok(), "capabilities are legal");
  auto capabilities = JsonReader::local().string_array(capabilities_json(entry->capabilities));
  require(capabilities.ok() && *capabilities == entry->capabilities, "capabilities survive being written");
  require(JsonReader::local().check_object(entry->metadata).ok(), "metadata is a JSON object");
  return 0;
}
