// Check digits against the examples of their definitions, and against a digit or two changed.
#include "daemons/gatewayd/dlp/checksums.h"

#include <random>

#include "tests/unit/catch.h"

using namespace mas::dlp;

TEST_CASE("the examples of the definitions hold") {
  CHECK(luhn("79927398713"));  // ISO/IEC 7812-1
  CHECK(npi("1234567893"));    // CMS, "NPI check digit"
  CHECK(aba("021000021"));
  CHECK(dea("1234563"));
  CHECK_FALSE(dea("1234564"));
  CHECK(nhs("9434765919"));               // NHS Data Dictionary
  CHECK(verhoeff("2363"));                // Verhoeff (1969)
  CHECK(iban("GB82WEST12345698765432"));  // ISO 13616
  CHECK(iban("DE89370400440532013000"));
  CHECK(base58check("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"));
  CHECK(bech32("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"));                      // BIP 173
  CHECK(bech32("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"));  // BIP 350
}

TEST_CASE("one wrong digit is noticed by every checksum, at every place") {
  struct Case {
    std::string good;
    bool (*check)(std::string_view);
  };
  for (const Case& at : {Case{"4111111111111111", luhn}, Case{"1234567893", npi}, Case{"021000021", aba},
                         Case{"9434765919", nhs}, Case{"234123412346", verhoeff}}) {
    INFO(at.good);
    REQUIRE(at.check(at.good));
    for (size_t i = 0; i < at.good.size(); ++i)
      for (char digit = '0'; digit <= '9'; ++digit) {
        std::string changed = at.good;
        changed[i] = digit;
        CHECK(at.check(changed) == (changed == at.good));
      }
  }
}

TEST_CASE("numbers that were never issued are none") {
  CHECK(ssn("219099998"));
  for (auto number : {"000123456", "666123456", "900123456", "123003456", "123450000", "078051120", "111111111"})
    CHECK_FALSE(ssn(number));
  CHECK(itin("912701234"));
  for (auto number : {"912491234", "912661234", "912931234", "812701234"}) CHECK_FALSE(itin(number));
  CHECK(nanp("4155552671"));
  for (auto number : {"1155552671", "4151152671", "9115552671", "4159112671", "2222222222"}) CHECK_FALSE(nanp(number));
}

TEST_CASE("cards have an issuer and its length") {
  for (auto number : {"4111111111111111", "5555555555554444", "2223003122003222", "378282246310005", "6011111111111117",
                      "3530111333300000", "30569309025904", "6200000000000005"}) {
    INFO(number);
    CHECK((card_issuer(number) && luhn(number)));
  }
  for (auto number : {"1700000000000", "1111111111111111", "378282246310005000", "9999999999999995", "411111111111111"})
    CHECK_FALSE(card_issuer(number));
}

TEST_CASE("codes") {
  for (auto code : {"E11", "J45", "S72", "Z3A", "C7A", "U07", "E119", "S72001A"}) CHECK(icd10(code));
  for (auto code : {"E1", "11E", "P99", "K99", "E1Z"}) CHECK_FALSE(icd10(code));
  CHECK(medicare_beneficiary("1EG4TE5MK73"));  // CMS's own example
  CHECK_FALSE(medicare_beneficiary("1SG4TE5MK73"));
  CHECK_FALSE(medicare_beneficiary("0EG4TE5MK73"));
  CHECK(nino("AB123456C"));
  for (auto code : {"BG123456C", "DA123456C", "AB123456E", "AO123456C"}) CHECK_FALSE(nino(code));
  CHECK(calendar_day(2024, 2, 29));
  CHECK_FALSE(calendar_day(2023, 2, 29));
  CHECK_FALSE(calendar_day(1899, 1, 1));
}

TEST_CASE("entropy is in bits per byte") {
  CHECK(entropy("") == 0);
  CHECK(entropy("aaaa") == 0);
  CHECK(entropy("abcd") == Approx(2));
  CHECK(entropy("0123456789abcdef") == Approx(4));
}
