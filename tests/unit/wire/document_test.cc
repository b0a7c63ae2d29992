// proto/README.md and proto/schemas say what the code does: the same limits, the same event types, JSON that is JSON.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "proto/base/ids.h"
#include "proto/wire/events.h"
#include "proto/wire/json.h"
#include "tests/unit/catch.h"

using namespace mas;

namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

const std::filesystem::path kProto = MAS_PROTO_DIR;

}  // namespace

TEST_CASE("the document's table of limits is the compiler's") {
  std::string document = read_file(kProto / "README.md");
  std::string header = read_file(kProto / "wire" / "limits.h");
  struct Row {
    std::string name;
    size_t value;
  };
  std::vector<Row> rows;
#define MAS_ROW(name) rows.push_back({#name, limits::name})
  MAS_ROW(kEnvelopeBytes);
  MAS_ROW(kMaxEnvelopeBytes);
  MAS_ROW(kMessageTypeBytes);
  MAS_ROW(kMessageIdBytes);
  MAS_ROW(kCorrelationIdBytes);
  MAS_ROW(kMetaTextBytes);
  MAS_ROW(kJsonDepth);
  MAS_ROW(kForeignAgentIdBytes);
  MAS_ROW(kCapabilityBytes);
  MAS_ROW(kCapabilities);
  MAS_ROW(kMetadataBytes);
  MAS_ROW(kStateFields);
  MAS_ROW(kStateFieldNameBytes);
  MAS_ROW(kStateValueBytes);
  MAS_ROW(kEventBytes);
  MAS_ROW(kEventTextBytes);
  MAS_ROW(kNamespaceBytes);
  MAS_ROW(kFrameRecords);
  MAS_ROW(kFrameBytes);
  MAS_ROW(kSenderWindow);
  MAS_ROW(kCredentialBytes);
  MAS_ROW(kReceiptDetailBytes);
  MAS_ROW(kAclEntries);
  MAS_ROW(kIdentityFieldBytes);
  MAS_ROW(kIdentityKeys);
  MAS_ROW(kKeyIdBytes);
  MAS_ROW(kSealedKeyBytes);
  MAS_ROW(kCredentialsFileBytes);
#undef MAS_ROW
  size_t constants = 0;
  for (size_t at = header.find("inline constexpr"); at != std::string::npos;
       at = header.find("inline constexpr", at + 1))
    ++constants;
  CHECK(rows.size() == constants);
  rows.push_back({"kMaxAgentIdBytes", kMaxAgentIdBytes});
  for (const auto& row : rows) {
    INFO(row.name);
    CHECK(document.find("| `" + row.name + "` | " + std::to_string(row.value) + " |") != std::string::npos);
  }
}

TEST_CASE("the document and the schema know every event type") {
  std::string document = read_file(kProto / "README.md");
  std::string schema = read_file(kProto / "schemas" / "event.schema.json");
  std::vector<std::string> types;
#define MAS_EVENT(name, text, help) types.push_back(text);
#include "proto/wire/events.def"
#undef MAS_EVENT
  for (const auto& type : types) {
    if (type.empty()) continue;
    INFO(type);
    CHECK(document.find("| `" + type + "` |") != std::string::npos);
    CHECK(schema.find("\"" + type + "\"") != std::string::npos);
  }
}

TEST_CASE("the schemas are JSON objects of draft 2020-12") {
  for (const char* name : {"envelope.schema.json", "event.schema.json"}) {
    INFO(name);
    auto members = JsonReader::local().members(read_file(kProto / "schemas" / name));
    REQUIRE(members.ok());
    REQUIRE_FALSE(members->empty());
    CHECK(members->front().first == "$schema");
    CHECK(json_text(members->front().second) == "https://json-schema.org/draft/2020-12/schema");
  }
}
