// Numbers in tables, logs and identifiers, which are none of what they look like; and the same forms where they are.
#include <string>
#include <vector>

#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

using Types = std::set<std::string>;

void quiet(ScanCase& at, const std::vector<std::string>& messages) {
  for (const auto& message : messages) {
    INFO(message);
    CHECK(at.types(message) == Types{});
  }
}

void all_are(ScanCase& at, const char* type, const std::vector<std::string>& messages) {
  for (const auto& message : messages) {
    INFO(message);
    CHECK(at.types(message) == Types{type});
  }
}

}  // namespace

TEST_CASE("three columns of three, two and four digits are no social security number") {
  ScanCase at;
  quiet(at, {
                R"(10.1.2.3 - - [05/Mar/2024:10:00:00 +0000] "GET /a HTTP/1.1" 200 45 6789)",
                "status ms bytes\n200 45 6789\n404 12 1532\n",
                "219 45 9876",
                "219  45  9876",
                "219.45.9876",
                "219_45_9876",
                "200 - 45 - 6789",
            });
  all_are(at, "ssn",
          {"ssn 219 45 9876", "social security number: 219.45.9876", R"({"ssn":"219 45 9876"})", "219-45-9876",
           R"({"ssn":"219_45_9876"})"});
}

TEST_CASE("four columns of four digits are no card; a card in running text is one") {
  ScanCase at;
  quiet(at, {
                "17 4111 1111 1111 1111 92",
                "4111 1111 1111 1111 2024 7",
                "4111 1111 1111 1111\n1700 2210 3301 9921\n",
                "1700 2210 3301 9921\n4111 1111 1111 1111\n",
                "00000010: 0000 4111 1111 1111 1111 2020 2020",
                "4111  1111  1111  1111",
                "4111_1111_1111_1111",
                "4111.1111.1111.1111",
                "41111111 11111111",
            });
  all_are(at, "credit_card",
          {
              "they stored 4111 1111 1111 1111 in plain text",
              "4111 1111 1111 1111\n5555 5555 5555 4444\n",
              "on file: 4111-1111-1111-1111 since 2019",
              "| Smith | 4111 1111 1111 1111 | 12345 |",
              "4111 1111 1111 1111 05/28",
              "card 4111_1111_1111_1111",
              "visa: 4111.1111.1111.1111",
              "Visa 41111111 11111111",
              "card number 4111 1111-1111 1111",
              R"({"pan":"17 4111 1111 1111 1111"})",
              ";4111111111111111=28052011000012345678?",
          });
}

TEST_CASE("sixteen digits by themselves are a card only where something says so") {
  ScanCase at;
  quiet(at, {
                R"({"n":4111111111111111})",
                R"({"account_ref":4111111111111111,"total":5555555555554444})",
                R"({"value":"4111111111111111"})",
                R"({"card_id":4111111111111111})",
                R"({"payment_id":"4111111111111111"})",
                "processed 4111111111111111 of them",
                "order number 4111111111111111 was charged",
                "payment_id=4111111111111111",
                R"("{\"card_id\": 4111111111111111}")",
            });
  all_are(at, "credit_card",
          {R"({"card":4111111111111111})", R"({"card":{"number":"4111111111111111"}})", "paid with 4111111111111111",
           "visa 4111111111111111", "4111111111111111 exp 05/28", "4111111111111111, 05/2028",
           "refunded to 4111111111111111 yesterday", "4111111111111111 and cvv to follow"});
}

TEST_CASE("random identifiers in the Medicare alphabet need a word; the printed form does not") {
  ScanCase at;
  quiet(at, {
                "job 1eg4te5mk73 started",
                "pod web-1eg4te5mk73",
                "1ac4ae5fa73",
                R"({"id":"1EG4TE5MK73"})",
                R"({"image":"app:1EG4TE5MK73"})",
                "1eg4-te5-mk73",
                R"({"medicare_hash":"1eg4te5mk73"})",
                "1EG4-TE5-MK73-22",
            });
  all_are(at, "health_insurance",
          {"1EG4-TE5-MK73", "medicare 1eg4te5mk73", R"({"mbi":"1EG4TE5MK73"})", "patient 1EG4TE5MK73 came in",
           "Medicare number: 1EG4 TE5 MK73"});
}

TEST_CASE("part numbers and drawings are no diagnoses") {
  ScanCase at;
  quiet(at, {
                "Part B15.4, bolt M12x1.5, resistor R15 4.7k",
                "board rev E78.21",
                R"(<path d="M36.202 1.773c3.481-7.824 8.740"/>)",
                "M36.202,-1.773",
                "see B15.4",
                "G1 X80.719 Y118.317 F8935\nG1 X42.35 Y43.58",
            });
  all_are(at, "icd10",
          {"Dx: E11.9", "patient has J45.9", "coded as E11.9", "A/P: E11.9 stable", "J45.909", "assessed for I48.91"});
}

TEST_CASE("separators of routing numbers and provider identifiers") {
  ScanCase at;
  all_are(at, "bank_routing", {"routing number 021_000_021", "aba 0210-0002-1", "routing: 021.000.021"});
  all_are(at, "npi", {"NPI 1234.567.893", "npi 1234_567893", "NPI: 123-456-7893"});
  quiet(at, {"021_000_021", "0210-0002-1", "1234.567.893", "routing number 021_000_022", "NPI 1234.567.894"});
}
