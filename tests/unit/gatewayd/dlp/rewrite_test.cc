// Masks and tokens: what was found is gone, what was not is byte for byte there, and who holds the key has it back.
#include <random>

#include "proto/wire/data_key.h"
#include "proto/wire/envelope.h"
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

/// What is left where every finding that hides something is taken out of the message.
std::string without_findings(const ScanCase& at, const std::string& message) {
  std::string left;
  size_t from = 0;
  for (const Finding& finding : at.scanner->report().findings) {
    if (!finding.acts || finding.action < Action::kEncrypt) continue;
    left.append(message, from, finding.source.begin - from);
    from = finding.source.end;
  }
  return left.append(message, from);
}

std::string escaped(const std::string& value) {
  std::string text;
  for (char c : value) {
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, "\\u%04x", c);
    text += buffer;
  }
  return text;
}

/// Whether `text` is `like` with bytes added here and there.
bool only_adds(const std::string& text, const std::string& like) {
  size_t at = 0;
  for (char c : text) at += at < like.size() && like[at] == c ? 1 : 0;
  return at == like.size();
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

TEST_CASE("a key or value that equals a found one is masked as a whole") {
  ScanCase at;
  CHECK(at.rewritten(R"({"ssn":"219-45-9876","id":219459876,"note":"219-45-9876","u":"MjE5NDU5ODc2"})") ==
        R"({"ssn":"XXX-XX-9876","id":"XXX-XX-9876","note":"XXX-XX-9876","u":"XXX-XX-9876"})");
  CHECK(at.rewritten(R"({"ssn":219459876,"219459876":[219459876,true,"219459876"]})") ==
        R"({"ssn":"XXX-XX-9876","XXX-XX-9876":["XXX-XX-9876",true,"XXX-XX-9876"]})");
}

TEST_CASE("a mask does not reach into other values") {
  ScanCase at, account(with_action(Type::bank_account, Action::kRedact));
  CHECK(at.rewritten(R"({"drivers_license":"D1234567","created_ms":1712345678901,"t":"aD1234567b","n":12345678})") ==
        R"({"drivers_license":"[REDACTED DRIVERS_LICENSE]","created_ms":1712345678901,"t":"aD1234567b","n":12345678})");
  CHECK(at.rewritten(R"({"ssn":"219-45-9876","t":"a219459876b","trace_id":"2194598760","ms":12194598769})") ==
        R"({"ssn":"XXX-XX-9876","t":"a219459876b","trace_id":"2194598760","ms":12194598769})");
  CHECK(
      account.rewritten(
          R"({"bank_account":"000123456789","arn":"arn:aws:iam::000123456789:role/x","id":"000123456789"})") ==
      R"({"bank_account":"[REDACTED BANK_ACCOUNT]","arn":"arn:aws:iam::000123456789:role/x","id":"[REDACTED BANK_ACCOUNT]"})");
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

TEST_CASE("property: what was found is hidden, and nothing else changes") {
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
      case 4:
        return "\"" + escaped(value) + "\"";
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
    std::string left = without_findings(at, message), digits = area + group + serial;
    for (const std::string& one : {value, escaped(value), digits, escaped(digits)})  // what is equal as a whole
      for (size_t place; (place = left.find(one)) != std::string::npos;) left.erase(place, one.size());
    CHECK(only_adds(out, left));
    CHECK_FALSE(probe.types(out).contains("ssn"));
  }
  CHECK(masked_count > 1500);
}

TEST_CASE("a trace context that its masks make too long is dropped, and the envelope stays valid") {
  auto key = DataKey::of("k1", "0123456789abcdef0123456789abcdeF");
  REQUIRE(key.ok());
  ScanCase at(with_action(Type::ssn, Action::kEncrypt));
  auto rewritten = [&](const std::string& name, const std::string& value) {
    std::string envelope = R"({"sender_id":"a","target_id":"b","message_type":"t","data":{"meta":{")" + name +
                           R"(":"219-45-9876"}},"meta":{")" + name + R"(":")" + value + R"(","note":"219-45-9876"}})";
    REQUIRE(EnvelopeDecoder().decode(envelope).ok());
    REQUIRE(at.scanner->scan_json(envelope, Document::Shape::kEnvelope).ok());
    std::string out;
    append_rewritten(*at.scanner, envelope, &*key, out);
    INFO(out);
    CHECK(out.find("219-45-9876") == std::string::npos);
    CHECK(out.find(R"("data":{"meta":{")" + name + R"(":"{mas:enc:)") !=
          std::string::npos);  // that is the application's
    CHECK(EnvelopeDecoder().decode(out).ok());
    return out;
  };
  for (const char* name : {"tracestate", "traceparent"}) {
    const std::string null = "\"meta\":{\"" + std::string(name) + R"(":null,"note":")";
    for (const char* begin : {"a=219-45-9876,b=", "a=219-45-9876,ssn=219-45-9875,b="}) {
      std::string full = begin + std::string(200, 'x') + ",c=";
      full.resize(512, 'y');
      CHECK(rewritten(name, full).find(null) != std::string::npos);
      CHECK(rewritten(name, begin + std::string("y")).find(null) == std::string::npos);
    }
  }
}

namespace {

struct ErrorRead {
  std::string code, message;
};

/// Rewrites an envelope whose `meta` has these members. @return the error that its receiver reads.
ErrorRead error_after(ScanCase& at, const DataKey& key, const std::string& meta) {
  const std::string envelope =
      R"({"sender_id":"a","target_id":"b","message_type":"t","data":{},"meta":{)" + meta + R"(,"note":"219-45-9876"}})";
  REQUIRE(EnvelopeDecoder().decode(envelope).ok());
  REQUIRE(at.scanner->scan_json(envelope, Document::Shape::kEnvelope).ok());
  std::string out;
  append_rewritten(*at.scanner, envelope, &key, out);
  INFO(out);
  CHECK(out.find("219-45-9876") == std::string::npos);
  EnvelopeDecoder decoder;
  auto rewritten = decoder.decode(out);
  REQUIRE(rewritten.ok());
  return {std::string(rewritten->meta.error.code), std::string(rewritten->meta.error.message)};
}

}  // namespace

TEST_CASE("an error whose message becomes too long loses it, and one whose code is masked has a general one") {
  auto key = DataKey::of("k1", "0123456789abcdef0123456789abcdeF");
  REQUIRE(key.ok());
  ScanCase at(with_action(Type::ssn, Action::kEncrypt));
  auto error_of = [&](const std::string& code, const std::string& message) {
    return error_after(at, *key, R"("error":{"code":")" + code + R"(","message":")" + message + "\"}");
  };
  CHECK(error_of("X_1", "no 219-45-9876").message.starts_with("no {mas:enc:"));
  std::string full = "no 219-45-9876 ";
  full.resize(limits::kErrorMessageBytes, 'x');
  ErrorRead cut = error_of("X_1", full);
  CHECK(cut.code == "X_1");
  CHECK(cut.message.empty());
  ErrorRead coded = error_of("AKIAQYLPMN5HFIQR7XYA", "no");
  CHECK(coded.code == "HANDLER_FAILED");
  CHECK(coded.message == "no");
  // As it is written does not matter.
  ErrorRead escaped_names =
      error_after(at, *key, R"("err\u006fr":{"c\u006fde":"AKIAQYLPMN5HFIQR7XYA","messag\u0065":")" + full + "\"}");
  CHECK(escaped_names.code == "HANDLER_FAILED");
  CHECK(escaped_names.message.empty());
}

TEST_CASE("the ids of a chain are routing, and stay what they are") {
  auto key = DataKey::of("k1", "0123456789abcdef0123456789abcdeF");
  REQUIRE(key.ok());
  ScanCase at(with_action(Type::ssn, Action::kEncrypt));
  const std::string envelope = R"({"sender_id":"a","target_id":"b","message_type":"t","data":{},)"
                               R"("meta":{"chain":["a","AKIAQYLPMN5HFIQR7XYA"],"tracestate":"ssn=219-45-9876"}})";
  REQUIRE(at.scanner->scan_json(envelope, Document::Shape::kEnvelope).ok());
  std::string out;
  append_rewritten(*at.scanner, envelope, &*key, out);
  EnvelopeDecoder decoder;
  auto rewritten = decoder.decode(out);
  REQUIRE(rewritten.ok());
  CHECK(rewritten->meta.chain == R"(["a","AKIAQYLPMN5HFIQR7XYA"])");
}
