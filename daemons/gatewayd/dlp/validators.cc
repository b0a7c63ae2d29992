// Validators: the checksums, given values with their separators.
#include "daemons/gatewayd/dlp/validators.h"

#include <algorithm>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/checksums_national.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

constexpr size_t kLongest = 128;  // bytes of a value: more than any number has

template <bool (*check)(std::string_view), bool (*belongs)(char)>
bool of(std::string_view value) {
  if (value.empty() || value.size() > kLongest) return false;
  std::string kept;
  std::copy_if(value.begin(), value.end(), std::back_inserter(kept), belongs);
  return !kept.empty() && check(kept);
}

bool any(char) { return true; }
bool digit(char c) { return is_digit(c); }
bool alnum(char c) { return is_alnum(c); }

template <size_t size, bool (*check)(std::string_view)>
bool sized(std::string_view text) {
  return text.size() == size && check(text);
}

bool card(std::string_view digits) { return card_issuer(digits) && luhn(digits); }
bool diagnosis(std::string_view code) { return code.size() >= 3 && icd10(code); }

/// ISO 7064 MOD 97-10 over the whole value, letters counting 10 to 35: LEI (ISO 17442) and others. IBANs are turned
/// around first: for them there is `iban`.
bool mod97(std::string_view text) {
  unsigned rest = 0;
  for (char c : text) {
    if (is_digit(c))
      rest = (rest * 10 + static_cast<unsigned>(c - '0')) % 97;
    else
      rest = (rest * 100 + static_cast<unsigned>(to_lower(c) - 'a' + 10)) % 97;
  }
  return text.size() > 2 && rest == 1;
}

constexpr Validator kValidators[] = {
    {"aba", of<sized<9, aba>, digit>},
    {"au_medicare", of<au_medicare, digit>},
    {"base58check", of<base58check, any>},
    {"bech32", of<bech32, any>},
    {"bsn", of<bsn, digit>},
    {"card", of<card, digit>},
    {"cnpj", of<cnpj, alnum>},
    {"codice_fiscale", of<codice_fiscale, alnum>},
    {"cpf", of<cpf, digit>},
    {"dea", of<sized<7, dea>, digit>},
    {"dni", of<dni, alnum>},
    {"iban", of<iban, alnum>},
    {"icd10", of<diagnosis, alnum>},
    {"itin", of<sized<9, itin>, digit>},
    {"kvnr", of<kvnr, alnum>},
    {"luhn", of<luhn, digit>},
    {"medicare_beneficiary", of<sized<11, medicare_beneficiary>, alnum>},
    {"mod97", of<mod97, alnum>},
    {"my_number", of<my_number, digit>},
    {"nanp", of<sized<10, nanp>, digit>},
    {"nhs", of<sized<10, nhs>, digit>},
    {"nino", of<sized<9, nino>, alnum>},
    {"nir", of<nir, alnum>},
    {"npi", of<sized<10, npi>, digit>},
    {"pesel", of<pesel, digit>},
    {"ssn", of<sized<9, ssn>, digit>},
    {"steuer_id", of<steuer_id, digit>},
    {"tfn", of<tfn, digit>},
    {"verhoeff", of<verhoeff, digit>},
};

}  // namespace

std::span<const Validator> validators() { return kValidators; }

const Validator* find_validator(std::string_view name) {
  for (const Validator& one : kValidators)
    if (one.name == name) return &one;
  return nullptr;
}

}  // namespace mas::dlp
