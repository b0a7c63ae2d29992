// The check digits of the identifiers in the packs: one function per identifier, each from the law or page that defines it.
//
// `digits` are ASCII digits alone, `code` also upper-case letters, both without separators. Pure, no allocation; linear.
#pragma once

#include <string_view>

namespace mas::dlp {

/// Germany, Krankenversichertennummer (§ 290 SGB V; GKV-Spitzenverband, "Richtlinien zum Aufbau der KVNR"): a letter, eight
/// digits, a check digit: the letter as two digits, weights 1 2 1 2 …, sum of the digits of the products, modulus 10.
bool kvnr(std::string_view code);
/// Germany, Identifikationsnummer (§ 139b AO, BZSt): eleven digits, ISO/IEC 7064 MOD 11,10. The first is not 0; among the
/// first ten one digit stands twice or three times, and no other more than once.
bool steuer_id(std::string_view digits);
/// Australia, Medicare card (Services Australia): ten digits, or eleven with the person's; the first is 2 to 6, the ninth
/// the check digit: weights 1 3 7 9 1 3 7 9, modulus 10.
bool au_medicare(std::string_view digits);
/// Australia, Tax File Number (ATO): nine digits, weights 1 4 3 7 5 8 6 9 10, modulus 11.
bool tfn(std::string_view digits);
/// France, numéro d'inscription au répertoire (décret n° 82-103; INSEE): thirteen characters and a key of two digits,
/// 97 - N mod 97; Corsica's 2A and 2B count as 19 and 18.
bool nir(std::string_view code);
/// Spain, DNI (Real Decreto 1553/2005) and NIE (Real Decreto 557/2011): eight digits, or X, Y, Z and seven, and a letter
/// by the remainder of 23.
bool dni(std::string_view code);
/// Italy, codice fiscale (Decreto Ministeriale 23 dicembre 1976): sixteen characters, the last by a table of values for odd
/// and even places, modulus 26. Letters in the place of digits (omocodia) are understood.
bool codice_fiscale(std::string_view code);
/// Netherlands, burgerservicenummer (Wet algemene bepalingen burgerservicenummer; RvIG): nine digits, weights
/// 9 8 7 6 5 4 3 2 -1, modulus 11.
bool bsn(std::string_view digits);
/// Poland, PESEL (ustawa o ewidencji ludności, 2010, art. 15; gov.pl): eleven digits, weights 1 3 7 9 1 3 7 9 1 3 1, modulus
/// 10; the date of birth, with the century in the month.
bool pesel(std::string_view digits);
/// Brazil, CPF (Receita Federal, Instrução Normativa RFB 1548/2015): eleven digits, two check digits of modulus 11.
bool cpf(std::string_view digits);
/// Brazil, CNPJ (Receita Federal, Instrução Normativa RFB 2119/2022 and 2229/2024): fourteen characters, letters too since
/// 2026, each counting its ASCII code less 48; two check digits of modulus 11.
bool cnpj(std::string_view code);
/// Japan, individual number (Ministry of Internal Affairs, Ordinance 85 of 2014, article 5): twelve digits, weights 2 to 7
/// and 2 to 6 from the right, modulus 11.
bool my_number(std::string_view digits);

}  // namespace mas::dlp
