// Every word of the vocabulary (context.def): what it is for, and what it leaves alone. A new phrase is tried with the
// rest of its context; a new context fails here until it has a row.
#include <algorithm>
#include <optional>
#include <string>

#include "daemons/gatewayd/dlp/context.h"
#include "daemons/gatewayd/dlp/key_reader.h"
#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

using Types = std::set<std::string>;
using enum Context;

const std::string kToken = "q8Zr4Tn1Xw7Pk3VbY6", kPhraseOfSecret = "k9V!tq2ZmR",
                  kUuid = "3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31";

/// A kind of data: a value that takes its name to be found, in a text and as JSON.
struct Data {
  std::string type, value;
  bool number = false;  ///< without quotes in JSON
};

std::optional<Data> data_of(Context context) {
  switch (context) {
    case kSsn:
      return Data{"ssn", "219459876"};
    case kTax:
      return Data{"itin", "912701234"};
    case kPhone:
      return Data{"phone", "4155552671"};
    case kAddress:
      return Data{"address", "59 Birch Way"};
    case kBirth:
      return Data{"date_of_birth", "1980-03-05"};
    case kPassport:
      return Data{"passport", "X12345678"};
    case kLicense:
      return Data{"drivers_license", "D1234567"};
    case kMrn:
      return Data{"mrn", "7839201"};
    case kInsurance:
      return Data{"health_insurance", "W123456789"};
    case kDiagnosis:
      return Data{"icd10", "S72001A"};
    case kNpi:
      return Data{"npi", "1234567893"};
    case kDea:
      return Data{"dea", "AB1234563"};
    case kCard:
      return Data{"credit_card", "4111111111111111", true};
    case kCvv:
    case kCode:
      return Data{"cvv", "595"};
    case kIban:
      return Data{"iban", "DE89370400440532013000"};
    case kRouting:
      return Data{"bank_routing", "021000021"};
    case kAccount:
      return Data{"bank_account", "123456789012"};
    case kWallet:
      return Data{"crypto_wallet", "0x52908400098527886E0F7030069857D2E4169EE7"};
    case kAwsSecret:
      return Data{"aws_key", "Zq7Rk2Vw9Xb4Nc8Td3YfVw9Xb4Nc8Td3Yf6Hg1Jm"};
    case kApiKey:
    case kSecret:
      return Data{"api_key", kToken};
    case kPassword:
      return Data{"password", kPhraseOfSecret};
    case kMaterial:
      return Data{"generic_secret", kToken};
    case kBasic:
      return Data{"basic_auth", "Ym9iOmh1bnRlcjI="};
    case kNino:
      return Data{"uk_nino", "AB123456C"};
    case kNhs:
      return Data{"uk_nhs", "9434765919"};
    case kSin:
      return Data{"ca_sin", "130 692 544"};
    case kAadhaar:
      return Data{"in_aadhaar", "234123412346"};
    case kKvnr:
      return Data{"de_kvnr", "A123456780"};
    case kSteuerId:
      return Data{"de_steuer_id", "86095742719"};
    case kAuMedicare:
      return Data{"au_medicare", "2123456701"};
    case kTfn:
      return Data{"au_tfn", "123456782"};
    case kNir:
      return Data{"fr_nir", "255081416802538"};
    case kDni:
      return Data{"es_dni", "12345678Z"};
    case kCodiceFiscale:
      return Data{"it_codice_fiscale", "RSSMRA85T10A562S"};
    case kBsn:
      return Data{"nl_bsn", "111222333"};
    case kPesel:
      return Data{"pl_pesel", "02070803628"};
    case kCpf:
      return Data{"br_cpf", "52998224725"};
    case kCnpj:
      return Data{"br_cnpj", "11222333000181"};
    case kMyNumber:
      return Data{"jp_my_number", "123456789018"};
    default:
      return std::nullopt;
  }
}

std::string as_key(std::string_view words) {
  std::string key(words);
  std::replace(key.begin(), key.end(), ' ', '_');
  return key;
}

std::string member(std::string_view key, std::string_view value) {
  return "\"" + std::string(key) + "\":\"" + std::string(value) + "\"";
}

bool is_weak(std::string_view words) { return (read_key(words) & bit(kWeak)) != 0; }
bool is_ascii(std::string_view words) {
  return std::none_of(words.begin(), words.end(), [](char c) { return (c & 0x80) != 0; });
}

class Vocabulary {
 public:
  void finds(const std::string& message, const std::string& type) {
    INFO(message);
    CHECK(at_.types(message).contains(type));
  }
  void quiet(const std::string& message) {
    INFO(message);
    CHECK(at_.types(message) == Types{});
  }
  void leaves(const std::string& message, const std::string& type) {
    INFO(message);
    CHECK_FALSE(at_.types(message).contains(type));
  }

  void try_data(const Phrase& phrase, const Data& data) {
    std::string words(phrase.words), key = as_key(words);
    // What an ambiguous name needs beside it.
    std::string beside = phrase.context == kPassword ? member("username", "bob") + "," : member("patient", "x") + ",";
    if (!is_weak(words)) beside.clear();
    bool sign = words.find('#') != std::string::npos;
    // Types that act by their form alone are found under any name.
    std::string ordinary = phrase.context == kPassword || phrase.context == kApiKey ? "hunter2" : "case 12";
    if (phrase.in_keys && !sign) {
      std::string value = data.number ? "\"" + key + "\":" + data.value : member(key, data.value);
      finds("{" + beside + value + "}", data.type);
      quiet("{" + member(key, "see the manual") + "}");
      if (is_ascii(key) && words.size() > 3) leaves("{" + member("qq" + key + "qq", ordinary) + "}", data.type);
    }
    if (phrase.in_text) {
      std::string before = phrase.context == kCode ? "card, " : is_weak(words) ? "patient, user, " : "";
      std::string sign_of = words.back() == '=' ? "" : words.ends_with("-p") || words.ends_with(" at") ? " " : ": ";
      finds(before + words + sign_of + data.value, data.type);
      quiet("We spoke about " + words + " in the meeting, and the notes follow.");
      if (is_ascii(words)) leaves("xq" + words + "qx" + sign_of + ordinary, data.type);
    }
  }

  void try_other(const Phrase& phrase) {
    std::string words(phrase.words), key = as_key(words);
    const std::string password = member("password", kPhraseOfSecret);
    bool sign = words.find('#') != std::string::npos;  // of texts alone
    switch (phrase.context) {
      case kNegative:
        if (sign) return quiet("Of " + words + " 219459876 nothing is known.");
        if (phrase.in_text) quiet(words + " 219459876");
        [[fallthrough]];
      case kAbout:
      case kPublic: {
        if (!phrase.in_keys || sign) return;
        quiet("{" + member("password_" + key, kPhraseOfSecret) + "}");     // is for: it is not the password itself
        finds("{" + member(key, "x") + "," + password + "}", "password");  // leaves alone: what stands beside it
        return quiet("{" + member(key, kToken) + "}");
      }
      case kPlain:
        finds("{\"password\":{" + member(key, kPhraseOfSecret) + "}}", "password");
        return quiet("{" + member(key, kPhraseOfSecret) + "}");
      case kNames:
        finds("{" + member(key, "password") + "," + member("value", kPhraseOfSecret) + "}", "password");
        return quiet("{" + member(key, "color") + "," + member("value", kPhraseOfSecret) + "}");
      case kWeak:
        return quiet("{" + member(key, words == "pass" || words == "clave" ? "hunter2" : "7839201") + "}");
      case kEnding:
        finds("{" + member("password_" + key, "hunter2") + "}", "password");
        return quiet("{" + member(key, "hunter2") + "}");
      case kHead:
        if (!phrase.in_keys) return finds(words + "=" + kPhraseOfSecret, "password");
        finds(std::string("ACME_") + (words == "key" ? "KEY" : "PAT") + "=" + kUuid, "api_key");
        quiet("{" + member(key, kToken) + "}");
        return quiet("The " + words + " to it is in the vault, see page 12.");
      case kMedical:
        if (phrase.in_keys) {
          finds("{" + member(key, "x") + "," + member("record_number", "7839201") + "}", "mrn");
          quiet("{" + member(key, "x") + "," + member("event_number", "7839201") + "}");
        }
        if (!phrase.in_text) return;
        finds("The " + words + ", group number 441209917", "health_insurance");
        return quiet("The " + words + ", ticket 441209917");
      case kLogin:
        if (phrase.in_keys) {
          finds("{" + member(key, "bob") + "," + member("pass", "hunter2") + "}", "password");
          quiet("{" + member(key, "bob") + "," + member("color", "hunter2") + "}");
        }
        if (!phrase.in_text) return;
        finds(words + ": bob / " + kPhraseOfSecret, "password");
        return quiet(words + ": src/Auth2.ts and api/v1/users2");
      case kUser:
        finds("use " + words + ":" + kPhraseOfSecret + " for it", "password");
        return quiet(words + ": 12:30, " + words + ":x:0:0:/bin/sh, " + words + "/app2:v1.2.3");
      case kCall:
        finds("new " + words + "(\"bob\", \"" + kPhraseOfSecret + "\")", "password");
        return quiet("new " + words + "(url, user, secrets.get())");
      case kPaging:
        quiet("{" + member(key, "x") + "," + member("token", kToken) + "}");
        return finds("{" + member(key, "x") + "," + password + "}", "password");
      case kManifest:
        finds(words + "\nstringData:\n  any: " + kPhraseOfSecret + "\n", "password");
        return quiet(words + "list\nstringData:\n  any: " + kPhraseOfSecret + "\n");
      case kEmail:
        if (!phrase.in_text) return quiet("{" + member(key, "bob") + "}");
        finds(words + ": bob@build.py", "email");
        return quiet(words + ": @app.route, see page 12");
      case kPayment:
        finds(words + " 4242424242424242", "credit_card");
        return quiet(words + " 4242424242424241");
      case kClinical:
        finds("The " + words + " says E11.9", "icd10");
        return quiet("The " + words + " says E11, see page 12.");
      case kParts:
        quiet(words + " E11.9");
        return finds("diagnosis E11.9, not of any " + words, "icd10");
      default:
        FAIL("no row for the context of \"" << words << "\"");
    }
  }

 private:
  ScanCase at_{Type::uk_nino,           Type::uk_nhs,      Type::ca_sin,   Type::in_aadhaar, Type::de_kvnr,
               Type::de_steuer_id,      Type::au_medicare, Type::au_tfn,   Type::fr_nir,     Type::es_dni,
               Type::it_codice_fiscale, Type::nl_bsn,      Type::pl_pesel, Type::br_cpf,     Type::br_cnpj,
               Type::jp_my_number};
};

}  // namespace

TEST_CASE("no word of the vocabulary without what it is for, and what it leaves alone") {
  Vocabulary vocabulary;
  for (const Phrase& phrase : phrases()) {
    if (auto data = data_of(phrase.context))
      vocabulary.try_data(phrase, *data);
    else
      vocabulary.try_other(phrase);
  }
}

TEST_CASE("a key that detectors go by is told whatever its case and the digits behind it") {
  KeyReader keys;
  CHECK(keys.read("value").roles == kAnswerKey);
  CHECK(keys.read("valueString").roles == kAnswerKey);
  CHECK(keys.read("answer_2").roles == kNoRole);
  CHECK(keys.read("answer2").roles == kAnswerKey);
  CHECK(keys.read("kind").roles == kKindKey);
  CHECK(keys.read("Columns").roles == kColumnsKey);
  CHECK(keys.read("HEADER").roles == kColumnsKey);
  CHECK(keys.read("12").roles == kNoRole);
}

TEST_CASE("what a key says is remembered for that key alone") {
  KeyReader keys;
  // Up to sixteen bytes a key is compared at once; longer ones may share their first and last eight.
  for (int round = 0; round < 2; ++round) {
    CHECK(keys.read("id").mask == read_key("id"));
    CHECK(keys.read("ts").mask == read_key("ts"));
    CHECK(keys.read("ssn").mask == read_key("ssn"));
    CHECK(keys.read("sin").mask == read_key("sin"));
    CHECK(keys.read("password").mask == read_key("password"));
    CHECK(keys.read("customer_passport_of_customer").mask == read_key("customer_passport_of_customer"));
    CHECK(keys.read("customer_timezone_of_customer").mask == read_key("customer_timezone_of_customer"));
  }
}

TEST_CASE("a key is told by its own bytes, whatever stands behind it") {
  KeyReader keys;
  const std::string all = "passport_number_of_patient_4711";
  for (const char* behind : {"................", "0123456789012345", "_password_secret"}) {
    for (size_t size = 0; size <= all.size(); ++size) {
      const std::string key = all.substr(0, size), padded = key + behind;
      INFO(padded);
      CHECK(keys.read_padded(padded.data(), size).mask == read_key(key));
      CHECK(keys.read(key).mask == read_key(key));
    }
  }
}
