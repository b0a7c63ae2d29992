// Masks and tokens: what was found is gone, what was not is byte for byte there, and who holds the key has it back.
#include <random>

#include "proto/wire/data_key.h"
#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas;
using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

std::shared_ptr<const Rules> with_action(Type type, Action action) {
  auto rules = std::make_shared<Rules>(*rules_with({}));
  rules->types[static_cast<size_t>(type)].action = action;
  return rules;
}

/// Whether the text, or anything it decodes to, holds `value`.
bool holds(ScanCase& at, const std::string& message, const std::string& value) {
  at.scan(message);
  for (uint32_t reading = 0; reading < Scanner::kReadings; ++reading)
    if (at.scanner->reading(reading).text().find(value) != std::string_view::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("masks") {
  ScanCase at;
  CHECK(at.rewritten("ssn 219-45-9876.") == "ssn XXX-XX-9876.");
  CHECK(at.rewritten("4111 1111 1111 1111") == "**** **** **** 1111");
  CHECK(at.rewritten("MRN: 00482913") == "MRN: [REDACTED MRN]");
  ScanCase email(with_action(Type::email, Action::kRedact)), phone(with_action(Type::phone, Action::kRedact));
  CHECK(email.rewritten("to robert@example.com!") == "to r***@example.com!");
  CHECK(phone.rewritten("call (415) 555-2671") == "call (XXX) XXX-2671");
}

TEST_CASE("the rest of the message stays what it was") {
  ScanCase at;
  CHECK(at.rewritten(R"( { "n" : 1.50e3 , "ssn" : 219459876 , "b":[ 1,2 ],"a":"\u00e9\/" } )") ==
        R"( { "n" : 1.50e3 , "ssn" : "XXX-XX-9876" , "b":[ 1,2 ],"a":"\u00e9\/" } )");
  CHECK(at.rewritten(R"({"219-45-9876":1})") == R"({"XXX-XX-9876":1})");
  CHECK(at.rewritten(R"({"x":"\u0032\u0031\u0039-45-9876 \u0041"})") == R"({"x":"XXX-XX-9876 \u0041"})");
  CHECK(at.rewritten(R"({"x":"{\"ssn\": 219459876 }"})") == R"({"x":"{\"ssn\": \"XXX-XX-9876\" }"})");
  CHECK(at.rewritten(R"({"x":"{\"y\":\"{\\\"ssn\\\":219459876}\"}"})") ==
        R"({"x":"{\"y\":\"{\\\"ssn\\\":\\\"XXX-XX-9876\\\"}\"}"})");
  CHECK(at.rewritten(R"({"x":"nothing to see"})") == R"({"x":"nothing to see"})");
}

TEST_CASE("a value that was found once is masked wherever it stands") {
  ScanCase at;
  CHECK(at.rewritten(R"({"ssn":"219-45-9876","id":219459876,"t":"a219459876b","u":"MjE5NDU5ODc2"})") ==
        R"({"ssn":"XXX-XX-9876","id":"XXX-XX-9876","t":"aXXX-XX-9876b","u":"XXX-XX-9876"})");
}

TEST_CASE("an encrypted value comes back under its key and at its place, and nowhere else") {
  auto key = DataKey::of("k1", "0123456789abcdef0123456789abcdeF");
  auto other = DataKey::of("k2", "another key of thirty-two bytes!");
  REQUIRE((key.ok() && other.ok()));
  ScanCase at(with_action(Type::ssn, Action::kEncrypt));
  std::string message =
      R"({"ssn":219459876,"t":"is \"219-45-9876\"","219-45-9876":[{"k":"x 219-45-9876"}],"e":"{\"ssn\":219459876}"})";
  std::string out = at.rewritten(message, &*key);
  INFO(out);
  CHECK(JsonReader::local().check_value(out).ok());
  CHECK(out.find("9876") == std::string::npos);
  std::vector<DataKey> keys = {*other, *key};
  auto back = decrypt_values(out, "$", keys);
  REQUIRE(back.ok());
  CHECK(back->opened == 5);
  CHECK(back->locked == 0);
  // A number within a text of JSON comes back as a text there: all else is the original.
  CHECK(
      back->json ==
      R"({"ssn":219459876,"t":"is \"219-45-9876\"","219-45-9876":[{"k":"x 219-45-9876"}],"e":"{\"ssn\":\"219459876\"}"})");
  auto locked = decrypt_values(out, "$", std::vector<DataKey>{*other});
  REQUIRE(locked.ok());
  CHECK(locked->locked == 5);
  CHECK(locked->json == out);
  std::string moved = out;
  moved.replace(moved.find("ssn"), 3, "dog");
  CHECK(decrypt_values(moved, "$", keys).error().code == Errc::kAuthFailed);
  auto elsewhere = decrypt_values(out, "data", keys);
  CHECK(elsewhere.error().code == Errc::kAuthFailed);
  auto impostor = DataKey::of("k1", "another key of thirty-two bytes!");
  CHECK(decrypt_values(out, "$", std::vector<DataKey>{*impostor}).error().code == Errc::kAuthFailed);
}

TEST_CASE("property: nothing that was found is left in what is delivered") {
  std::mt19937 random(7);  // the same run every time
  ScanCase at, probe;
  auto pick = [&](auto... all) {
    std::string list[] = {std::string(all)...};
    return list[random() % sizeof...(all)];
  };
  auto wrap = [&](const std::string& value) -> std::string {
    switch (random() % 6) {
      case 0:
        return "\"" + value + "\"";
      case 1:
        return R"("text before )" + value + R"( and after")";
      case 2:
        return R"(["a",{"b":")" + value + R"("}])";
      case 3:
        return R"("{\"inner\":\")" + value + R"(\"}")";
      case 4: {
        std::string escaped;
        for (char c : value) {
          char buffer[8];
          std::snprintf(buffer, sizeof buffer, "\\u%04x", c);
          escaped += buffer;
        }
        return "\"" + escaped + "\"";
      }
      default:
        return R"({")" + value + R"(":1})";
    }
  };
  size_t masked_count = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string area = std::to_string(200 + random() % 400), group = std::to_string(10 + random() % 89);
    std::string serial = std::to_string(1000 + random() % 8999);
    std::string joint = pick("-", " ", "");
    std::string value = area + joint + group + joint + serial;
    std::string message =
        R"({"ssn":)" + wrap(value) + R"(,"k":)" + wrap(value) + R"(,"n":)" + area + group + serial + "}";
    if (!at.types(message).contains("ssn")) continue;
    ++masked_count;
    std::string out = at.rewritten(message);
    INFO(message);
    INFO(out);
    CHECK(JsonReader::local().check_value(out).ok());
    CHECK_FALSE(holds(probe, out, value));
    CHECK_FALSE(holds(probe, out, area + group + serial));
  }
  CHECK(masked_count > 1500);
}
