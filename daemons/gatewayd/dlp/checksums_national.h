// The check digits of the identifiers in the packs: one function per identifier.
//
// Each names the law that defines the identifier, and a publication that describes its form and check digit.
// `digits` are ASCII digits alone, `code` also upper-case letters, both without separators. Pure, no allocation;
// linear.
#pragma once

#include <string_view>

namespace mas::dlp {

/// Germany, Krankenversichertennummer (§ 290 SGB V, with the guideline of the GKV-Spitzenverband in force since 1
/// January 2024; HL7 Deutschland, "Krankenversichertennummer (KVNR)"): a letter, eight digits, a check digit: the
/// letter as two digits, weights 1 2 1 2 …, sum of the digits of the products, modulus 10.
bool kvnr(std::string_view code);
/// Germany, Identifikationsnummer (§ 139b AO, § 1 StIdV; ELSTER, "Prüfung der Steuer- und Steueridentifikationsnummer",
/// chapter 2): eleven digits, ISO/IEC 7064 MOD 11,10. The first is not 0; among the first ten one digit stands twice or
/// three times, not three times in a row, and no other more than once.
bool steuer_id(std::string_view digits);
/// Australia, Medicare card (Medicare Australia, "ACIR immunisation document formats"): ten digits, or eleven with the
/// person's; the first is 2 to 6, the ninth the check digit: weights 1 3 7 9 1 3 7 9, modulus 10. The tenth is not 0.
bool au_medicare(std::string_view digits);
/// Australia, Tax File Number (Income Tax Assessment Act 1936, part VA; python-stdnum, `au.tfn`): nine digits, weights
/// 1 4 3 7 5 8 6 9 10, modulus 11. Older numbers of eight digits are not known.
bool tfn(std::string_view digits);
/// France, numéro d'inscription au répertoire (décret n° 82-103, article 4; INSEE, xml.insee.fr/schema/nir.html):
/// thirteen characters and a key of two digits, 97 - N mod 97; Corsica's 2A and 2B count as 19 and 18. Numbers in 7 and
/// 8 are provisional, of a health fund (Assurance maladie, nir-validation), and hold no month.
bool nir(std::string_view code);
/// Spain, DNI (Real Decreto 255/2025, until then 1553/2005) and NIE (Real Decreto 1155/2024, until then 557/2011):
/// eight digits, or X, Y, Z and seven, and a letter by the remainder of 23 (Dirección General de Ordenación del Juego,
/// "Cálculo del dígito de control del NIF/NIE").
bool dni(std::string_view code);
/// Italy, codice fiscale (Decreto Ministeriale 23 dicembre 1976, Gazzetta Ufficiale 345, supplement): sixteen
/// characters, the last by a table of values for odd and even places, modulus 26; the date of birth, for women with 40
/// more days. Letters in the place of digits (omocodia) are understood.
bool codice_fiscale(std::string_view code);
/// Netherlands, burgerservicenummer (Wet algemene bepalingen burgerservicenummer; Suwi-Gegevensregister, element
/// Burgerservicenr): nine digits, weights 9 8 7 6 5 4 3 2 -1, modulus 11.
bool bsn(std::string_view digits);
/// Poland, PESEL (ustawa z dnia 24 września 2010 r. o ewidencji ludności, art. 15; gov.pl, "Czym jest numer PESEL i jak
/// się go nadaje"): eleven digits, weights 1 3 7 9 1 3 7 9 1 3 1, modulus 10; the date of birth from 1800 to 2099, with
/// the century in the month.
bool pesel(std::string_view digits);
/// Brazil, CPF (Receita Federal, Instrução Normativa RFB 2172/2024; python-stdnum, `br.cpf`): eleven digits, two check
/// digits of modulus 11.
bool cpf(std::string_view digits);
/// Brazil, CNPJ (Receita Federal, Instrução Normativa RFB 2119/2022 and 2229/2024): fourteen characters, letters too
/// since July 2026, each counting its ASCII code less 48; two check digits of modulus 11.
bool cnpj(std::string_view code);
/// Japan, individual number (Ministry of Internal Affairs and Communications, Ordinance 85 of 2014, article 5): twelve
/// digits, weights 2 to 7 and 2 to 6 from the right, modulus 11; a remainder of 0 or 1 gives 0.
bool my_number(std::string_view digits);

}  // namespace mas::dlp
