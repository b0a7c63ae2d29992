// Vendors' tokens: every row of the table is found, and what only looks like it is left alone. The bodies are generated
// here, so that no file holds what a secret scanner would report.
#include "daemons/gatewayd/dlp/detect/token_checks.h"

#include <string>
#include <vector>

#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

struct Row {
  std::string vendor, prefix, body, check;
};
const std::vector<Row> kRows = {
#define MAS_DLP_TOKEN(vendor, prefix, body, check, source) {vendor, prefix, body, #check},
#include "daemons/gatewayd/dlp/detect/tokens.def"
};

struct InfixRow {
  std::string vendor, before, literal, after;
};
const std::vector<InfixRow> kInfixRows = {
#define MAS_DLP_TOKEN(vendor, prefix, body, check, source)
#define MAS_DLP_INFIX_TOKEN(vendor, before, literal, after, source) {vendor, before, literal, after},
#include "daemons/gatewayd/dlp/detect/tokens.def"
};

/// Characters as a vendor's generator would mix them: each kind's alphabet in an order without words.
std::string made_of(char kind, size_t count, size_t seed) {
  std::string alphabet;
  switch (kind) {
    case 'd':
      alphabet = "7305829164";
      break;
    case 'h':
    case 'x':
      alphabet = "7b3e0d58a2f9c164";
      break;
    case 'l':
      alphabet = "q7z3rk9vw2x5b0n4c8t1d6yfhgjmplsaueio";
      break;
    case 'u':
      alphabet = "Q7Z3RK9VW2X5B0N4C8T1D6YFHGJMPLSAUEIO";
      break;
    default:
      alphabet = "Zq7Rk2Vw9Xb4Nc8Td3Yf6Hg1Jm5Lp0Sa2Ue7Ki4Qo9";
  }
  std::string text;
  for (size_t i = 0; i < count; ++i) text.push_back(alphabet[(seed + i * 5 + i / alphabet.size()) % alphabet.size()]);
  return text;
}

/// A body by its description. @param longest take the most of each range, else the least.
std::string made(const std::string& description, bool longest) {
  std::string body;
  for (size_t at = 0; at < description.size();) {
    if (description[at] == '\'') {
      size_t close = description.find('\'', at + 1);
      body += description.substr(at + 1, close - at - 1);
      at = close + 1;
      continue;
    }
    char kind = description[at++];
    size_t used = 0, count = std::stoul(description.substr(at), &used);
    at += used;
    if (at < description.size() && description[at] == '-') {
      size_t most = std::stoul(description.substr(++at), &used);
      at += used;
      if (longest) count = most;
    }
    body += made_of(kind, count, body.size());
  }
  return body;
}

std::string with_check(const Row& row, std::string body) {
  if (row.check == "kCrc62") body.replace(body.size() - 6, 6, crc62(body.substr(0, body.size() - 6)));
  return body;
}

struct Found {
  std::string vendor;
  bool checked;
};
std::vector<Found> keys_in(ScanCase& at, const std::string& text) {
  at.scan(text);
  std::vector<Found> found;
  for (const Finding& finding : at.scanner->report().findings)
    if (finding.acts && finding.type == static_cast<uint16_t>(Type::api_key))
      found.push_back({std::string(finding.detail), finding.validated});
  return found;
}

bool has(const std::vector<Found>& found, const std::string& vendor) {
  for (const Found& one : found)
    if (one.vendor == vendor) return true;
  return false;
}

/// Whether a shorter row of the same vendor sees a part of this row's tokens, too.
bool has_lesser(const Row& row) {
  for (const Row& other : kRows)
    if (&other != &row && other.vendor == row.vendor && row.prefix.starts_with(other.prefix)) return true;
  return false;
}

}  // namespace

TEST_CASE("every token of the table is found as its vendor's") {
  ScanCase at;
  CHECK(kRows.size() >= 200);
  for (const Row& row : kRows)
    for (bool longest : {false, true}) {
      std::string token = row.prefix + with_check(row, made(row.body, longest));
      INFO(row.vendor << ": " << token);
      auto found = keys_in(at, "used " + token + " today");
      REQUIRE(has(found, row.vendor));
      CHECK(found[0].checked == (row.check == "kCrc62"));
      CHECK(has(keys_in(at, "{\"v\": \"" + token + "\"}"), row.vendor));
      CHECK(has(keys_in(at, "sent \\n" + token + ". Then"), row.vendor));
    }
}

TEST_CASE("a token that is cut short, goes on, stands in a word or is an example is left alone") {
  ScanCase at;
  for (const Row& row : kRows) {
    std::string body = made(row.body, false), token = row.prefix + body;
    INFO(row.vendor << ": " << token);
    if (!has_lesser(row))
      CHECK_FALSE(has(keys_in(at, "used " + token.substr(0, token.size() - 1) + " today"), row.vendor));
    bool within = row.prefix.find('/') == std::string::npos && row.prefix.back() != '=';
    if (within) CHECK_FALSE(has(keys_in(at, "a" + token), row.vendor));
    std::string example = body;
    example.replace(body.size() / 2 > 7 ? body.size() / 2 - 7 : 0, 7, "EXAMPLE");
    CHECK_FALSE(has(keys_in(at, "used " + row.prefix + example + " today"), row.vendor));
  }
}

TEST_CASE("tokens with their fixed text within") {
  ScanCase at;
  for (const InfixRow& row : kInfixRows) {
    std::string before = made(row.before, true), after = made(row.after, true);
    if (row.literal == "Q~") before.back() = '8';
    std::string token = before + row.literal + after;
    INFO(row.vendor << ": " << token);
    CHECK(has(keys_in(at, "used " + token + " today"), row.vendor));
    CHECK_FALSE(has(keys_in(at, "used " + made(row.before, false).substr(1) + row.literal + after), row.vendor));
    CHECK_FALSE(has(keys_in(at, "used 000" + token), row.vendor));
    CHECK_FALSE(has(keys_in(at, "used " + token + "x9 today"), row.vendor));
  }
  CHECK(
      has(keys_in(at, "https://api.telegram.org/bot" + made("d10", true) + ":AA" + made("b33", true) + "/sendMessage"),
          "telegram"));
}

TEST_CASE("check digits make a finding sure, and do not excuse it") {
  // Published by npm's and GitHub's users, and by GitLab's documentation, as tokens that are no longer in use.
  CHECK(crc32("123456789") == 0xCBF43926);
  CHECK(
      ends_in_crc62("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"
                    "0mLq17"));
  CHECK(
      ends_in_crc62("qkJaB6MffYVzZXWqmcoF49yrUxP3wf"
                    "0LsakP"));
  CHECK_FALSE(
      ends_in_crc62("qkJaB6MffYVzZXWqmcoF49yrUxP3wf"
                    "0LsakQ"));
  CHECK_FALSE(ends_in_crc62("0LsakP"));
  std::string gitlab =
      "glpat-"
      "vSY1cyL948aAB440qB6L4zlu9OzsUmEV.01.0w0sfevch";
  CHECK(ends_in_gitlab_crc(gitlab));
  CHECK_FALSE(
      ends_in_gitlab_crc("glpat-"
                         "vSY1cyL948aAB440qB6L4zlu9OzsUmEV.01.0w0sfevci"));
  CHECK_FALSE(ends_in_gitlab_crc("glpat-vSY1cyL948aAB440qB6L"));
  ScanCase at;
  auto found = keys_in(at, gitlab);
  REQUIRE(found.size() == 1);
  CHECK((found[0].vendor == "gitlab" && found[0].checked));
  found = keys_in(at, "ghp_" + made("w36", true));
  REQUIRE(found.size() == 1);
  CHECK((found[0].vendor == "github" && !found[0].checked));
}

TEST_CASE("names that begin like a token are left alone") {
  ScanCase at;
  for (std::string text :
       {"sk-learn-pipeline-for-daily-reports-v2", "the fc-list and fw_version_check_1_of_24_done",
        "task-runner-2024-09-17-build-00412", "key_of_the_realm_is_a_file_name_that_is_longer_than_sixty_four_b",
        "re_compile1_pattern_of_expression_24", "pattern pat.and.sat. path/to/pat",
        "hf_hub_download_with_retries_and_a_timeout1", "npm_config_registry=https://registry.example",
        "SKU0123456789 API-REFERENCE-2024", "AKIDS and LTAI", "dp.st. and dp.pt.", "st.count and st.session"}) {
    INFO(text);
    CHECK(keys_in(at, text).empty());
  }
}
