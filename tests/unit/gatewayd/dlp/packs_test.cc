// Identifiers of the packs: examples that are in common use, every wrong check digit, and what looks like them.
#include <string>
#include <vector>

#include "daemons/gatewayd/dlp/checksums_national.h"
#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

using Types = std::set<std::string>;

struct Identifier {
  std::string good;
  bool (*check)(std::string_view);
};

const std::vector<Identifier> kExamples = {
    {"A123456780", kvnr},        {"86095742719", steuer_id},
    {"2123456701", au_medicare}, {"123456782", tfn},
    {"255081416802538", nir},    {"12345678Z", dni},
    {"X1234567L", dni},          {"RSSMRA85T10A562S", codice_fiscale},
    {"111222333", bsn},          {"02070803628", pesel},
    {"52998224725", cpf},        {"11222333000181", cnpj},
    {"12ABC34501DE35", cnpj},    {"123456789018", my_number},
};

ScanCase with_packs() {
  return ScanCase{Type::de_kvnr, Type::de_steuer_id, Type::au_medicare, Type::au_tfn,   Type::fr_nir,
                  Type::es_dni,  Type::es_nie,       Type::nl_bsn,      Type::pl_pesel, Type::it_codice_fiscale,
                  Type::br_cpf,  Type::br_cnpj,      Type::jp_my_number};
}

}  // namespace

TEST_CASE("examples in common use hold") {
  for (const auto& one : kExamples) {
    INFO(one.good);
    CHECK(one.check(one.good));
    CHECK_FALSE(one.check(one.good.substr(1)));
    CHECK_FALSE(one.check(one.good + "00"));
  }
  CHECK(nir("1850599A0012345") == false);
}

TEST_CASE("every other check digit is refused") {
  for (const auto& one : kExamples) {
    size_t at = one.check == au_medicare ? 8 : one.good.size() - 1;
    bool letter = one.good[at] >= 'A';
    for (char c = letter ? 'A' : '0'; c <= (letter ? 'Z' : '9'); ++c) {
      std::string changed = one.good;
      changed[at] = c;
      INFO(changed);
      CHECK(one.check(changed) == (changed == one.good));
    }
  }
}

TEST_CASE("a column of a log is no number of the older packs either") {
  ScanCase at{Type::uk_nhs, Type::ca_sin, Type::in_aadhaar};
  for (auto message : {"0/0/5/402/943 476 5919 - -", "12 943 476 5919 7", "130 692 544 9", "2341 2341 2346 8"}) {
    INFO(message);
    CHECK(at.types(message) == Types{});
  }
}

TEST_CASE("numbers of a form that is never issued") {
  CHECK_FALSE(steuer_id("01234567890"));
  CHECK_FALSE(steuer_id("11223456789"));  // two digits stand twice
  CHECK_FALSE(au_medicare("1123456701"));
  CHECK_FALSE(pesel("02330803620"));
  CHECK_FALSE(cpf("11111111111"));
  CHECK_FALSE(bsn("000000000"));
  CHECK_FALSE(codice_fiscale("RSSMRA85Z10A562S"));  // no month
}

TEST_CASE("a tax identification number has no digit three times in a row") {
  CHECK_FALSE(steuer_id("11123456786"));
  CHECK(steuer_id("12131456787"));  // three times, apart
  for (auto example : {"47036892816", "65929970489", "57549285017", "25768131411"}) {
    INFO(example);
    CHECK(steuer_id(example));
  }
}

TEST_CASE("a tax code of Italy holds a date of birth, for women with 40 more days") {
  for (auto code : {"RSSMRA85T50A562W", "RSSMRA85T41A562U", "RSSMRA85T71A562X", "RSSMRA85T1LA562V"}) {
    INFO(code);
    CHECK(codice_fiscale(code));
  }
  for (auto code :
       {"RSSMRA85T32A562Y", "RSSMRA85T00A562R", "RSSMRA85T40A562V", "RSSMRA85T72A562C", "RSSMRA85B30A562G"}) {
    INFO(code);
    CHECK_FALSE(codice_fiscale(code));
  }
}

TEST_CASE("a PESEL is of the centuries that the law names") {
  CHECK(pesel("99813101233"));        // 31 January 1899
  CHECK(pesel("00811500122"));        // 15 January 1800
  CHECK_FALSE(pesel("99413101231"));  // 31 January 2199
}

TEST_CASE("a provisional number of a French health fund holds no month") {
  CHECK(nir("710170000012385"));
  CHECK(nir("820170000012330"));
  CHECK(nir("255500814001276"));        // registered without a month
  CHECK_FALSE(nir("185170000012308"));  // 17 is no month
  CHECK_FALSE(nir("255430814001261"));
}

TEST_CASE("the packs find what is printed, and digits where something says what they are") {
  ScanCase at = with_packs();
  struct Case {
    std::string message;
    Types types;
  };
  for (const Case& one : std::vector<Case>{
           {"KVNR: A123456780", {"de_kvnr"}},
           {R"({"kvnr":"A123456780"})", {"de_kvnr"}},
           {"Steuer-ID 86 095 742 719", {"de_steuer_id"}},
           {"Steueridentifikationsnummer: 86095742719", {"de_steuer_id"}},
           {"Medicare card 2123 45670 1", {"au_medicare"}},
           {"TFN 123 456 782", {"au_tfn"}},
           {R"({"tax_file_number":123456782})", {"au_tfn"}},
           {"2 55 08 14 168 025 38", {"fr_nir"}},
           {"NIR 255081416802538", {"fr_nir"}},
           {"DNI 12345678Z", {"es_dni"}},
           {"12.345.678-Z", {"es_dni"}},
           {"X-1234567-L", {"es_nie"}},
           {"nie: x1234567l", {"es_nie"}},
           {"RSSMRA85T10A562S", {"it_codice_fiscale"}},
           {"codice fiscale rssmra85t10a562s", {"it_codice_fiscale"}},
           {"BSN 111222333", {"nl_bsn"}},
           {"PESEL: 02070803628", {"pl_pesel"}},
           {"529.982.247-25", {"br_cpf"}},
           {R"({"cpf":"52998224725"})", {"br_cpf"}},
           {"11.222.333/0001-81", {"br_cnpj"}},
           {"12.ABC.345/01DE-35", {"br_cnpj"}},
           {"my number 1234 5678 9018", {"jp_my_number"}},
           {"マイナンバー: 123456789018", {"jp_my_number"}},
       }) {
    INFO(one.message);
    CHECK(at.types(one.message) == one.types);
  }
}

TEST_CASE("digits that happen to have a right check digit stay quiet, and so does everything while the packs are off") {
  ScanCase on = with_packs(), off;
  for (auto message : {"A123456780", "part A123456780 shipped", "86095742719", "86 095 742 719", "2123 45670 1",
                       "123 456 782", "255081416802538", "12345678Z", "rssmra85t10a562s", "111222333", "02070803628",
                       "52998224725", "11222333000181", R"({"n":52998224725,"m":"111222333"})", "1234 5678 9018",
                       "BSN 111222334", "CPF 529.982.247-24", R"({"bsn_hash":"111222333"})"}) {
    INFO(message);
    CHECK(on.types(message) == Types{});
  }
  for (auto message :
       {"KVNR: A123456780", "529.982.247-25", "RSSMRA85T10A562S", "BSN 111222333", "PESEL: 02070803628"}) {
    INFO(message);
    CHECK(off.types(message) == Types{});
  }
}
