// proto/README.md and proto/schemas say what the code does: the same limits, the same event types, JSON that is JSON.
#include <string>
#include <vector>

#include "proto/base/decisions.h"
#include "proto/base/ids.h"
#include "proto/wire/events.h"
#include "proto/wire/json.h"
#include "tests/unit/wire/vector_file.h"

using namespace mas;
using namespace mas::test;

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
  MAS_ROW(kChainAgents);
  MAS_ROW(kErrorCodeBytes);
  MAS_ROW(kErrorMessageBytes);
  MAS_ROW(kJsonDepth);
  MAS_ROW(kForeignAgentIdBytes);
  MAS_ROW(kCapabilityBytes);
  MAS_ROW(kCapabilities);
  MAS_ROW(kMetadataBytes);
  MAS_ROW(kStateFields);
  MAS_ROW(kStateFieldNameBytes);
  MAS_ROW(kStateValueBytes);
  MAS_ROW(kStateBytes);
  MAS_ROW(kEventBytes);
  MAS_ROW(kEventTextBytes);
  MAS_ROW(kNamespaceBytes);
  MAS_ROW(kFrameRecords);
  MAS_ROW(kFrameBytes);
  MAS_ROW(kSenderWindow);
  MAS_ROW(kCredentialBytes);
  MAS_ROW(kReceiptDetailBytes);
  MAS_ROW(kFailureReasonBytes);
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

TEST_CASE("the document's table of decisions is the compiler's") {
  std::string document = read_file(kProto / "README.md");
  std::string section = document.substr(document.find("### Decisions"));
  section = section.substr(0, section.find("\n## "));
  std::string expected;
  for_each_decision([&expected](Decision decision) {
    expected += "| " + std::to_string(static_cast<unsigned>(decision)) + " | `" + std::string(decision_text(decision)) +
                "` | " + (decision_accepted(decision) ? "yes" : "no") + " | " +
                std::string(decision_meaning(decision)) + " |\n";
  });
  // The rows follow the heading and its rule, and nothing follows them.
  size_t first = section.find("| 1 |");
  REQUIRE(first != std::string::npos);
  CHECK(section.substr(first, section.rfind("|\n") + 2 - first) == expected);
}

TEST_CASE("the C interface spells the table of errors, and each decision has its error") {
  std::string header = read_file(kProto / ".." / "sdk" / "include" / "mas" / "base.h");
  size_t rows = 0;
  auto check = [&](const std::string& name, int value) {
    std::string spelt = "MAS";
    for (char c : name.substr(1)) {  // without the k: NotFound is MAS_NOT_FOUND
      if (c >= 'A' && c <= 'Z') spelt += '_';
      spelt += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    INFO(spelt);
    std::string row = "  " + spelt + " = " + std::to_string(value);
    size_t at = header.find(row);
    REQUIRE(at != std::string::npos);
    char next = header[at + row.size()];
    CHECK((next == ',' || next == ' ' || next == '\n'));
    ++rows;
  };
#define MAS_ERRC(name, value, text, retriable) check(#name, value);
#include "proto/base/errc.def"
#undef MAS_ERRC
  size_t listed = 0;
  size_t end = header.find("} mas_status;");
  for (size_t at = header.find("  MAS_OK = 0"); at < end; at = header.find("\n  MAS_", at + 1)) ++listed;
  CHECK(listed == rows + 1);  // MAS_OK is no error

  for_each_decision([](Decision decision) {
    INFO(decision_text(decision));
    CHECK(decision_errc(decision).has_value() == !decision_accepted(decision));
    CHECK(parse_decision(decision_text(decision)) == decision);
    CHECK(is_decision(static_cast<uint8_t>(decision)));
  });
  CHECK_FALSE(parse_decision("UNKNOWN").has_value());
}
