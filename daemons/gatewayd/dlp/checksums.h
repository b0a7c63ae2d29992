// The check digits by which numbers are told from numbers: each from the definition of its data type.
//
// `digits` are ASCII digits alone unless said otherwise. Pure, no allocation; linear.
#pragma once

#include <string_view>

namespace mas::dlp {

/// ISO/IEC 7812-1 annex B: payment cards, Canadian SIN.
bool luhn(std::string_view digits);
/// US NPI (45 CFR 162.406; CMS "NPI check digit"): Luhn over 80840 and the ten digits; the first is 1 or 2.
bool npi(std::string_view digits);
/// US routing number (ABA, "Routing Number Policy"): nine digits, weights 3 7 1, and a first pair that is assigned.
bool aba(std::string_view digits);
/// US DEA registration (21 CFR 1301): seven digits; the last is that of d1+d3+d5 + 2(d2+d4+d6).
bool dea(std::string_view digits);
/// NHS number (NHS Data Dictionary): ten digits, modulus 11.
bool nhs(std::string_view digits);
/// Verhoeff (1969), as UIDAI uses it for Aadhaar.
bool verhoeff(std::string_view digits);
/// ISO 13616 / ISO 7064 MOD 97-10, and the length that the country has registered. @param iban letters and digits
/// alone.
bool iban(std::string_view iban);
inline constexpr size_t kLongestIban = 34;
/// @param first, second the country's letters, in upper case. @return the size of its IBANs; 0 for no country.
size_t iban_length(char first, char second);
/// Base58Check (Bitcoin): 25 bytes, the last four the start of the double SHA-256 of the others, and a version byte of
/// the main or test net.
bool base58check(std::string_view text);
/// BIP 173 and BIP 350: bech32 and bech32m, without the check of the witness program.
bool bech32(std::string_view text);
/// Number area, group and serial as the SSA issues them (since 2011: "SSN Randomization"): area not 000, 666 or 9xx,
/// group not 00, serial not 0000; nor one of the numbers that were published in advertisements.
bool ssn(std::string_view digits);
/// IRS: area 9xx, group 50-65, 70-88, 90-92 or 94-99.
bool itin(std::string_view digits);
/// Issuer ranges and lengths of ISO/IEC 7812 as the networks publish them: Visa, Mastercard, American Express,
/// Discover, Diners Club, JCB, UnionPay, Maestro.
bool card_issuer(std::string_view digits);
/// North American Numbering Plan: area and exchange begin with 2-9, neither is N11. @param digits ten.
bool nanp(std::string_view digits);
/// ICD-10-CM: letter, two characters, and a chapter that exists. @param code without its dot, at least three
/// characters.
bool icd10(std::string_view code);
/// CMS "Understanding the Medicare Beneficiary Identifier Format": eleven characters C A AN N A AN N A A N N, without
/// the letters S L O I B Z.
bool medicare_beneficiary(std::string_view code);
/// UK national insurance number (HMRC NIM39110): prefixes and suffix letter. @param code nine characters, upper case.
bool nino(std::string_view code);
/// A day of the calendar between 1900 and 2099. @return whether year, month and day are one.
bool calendar_day(int year, int month, int day);

/// Shannon (1948): bits per byte of the distribution of bytes in `text`.
double entropy(std::string_view text);

}  // namespace mas::dlp
