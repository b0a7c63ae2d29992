// Identifiers of the packs, which the configuration switches on: a form, a check digit, and mostly a word or key.
//
// One number in ten has the right check digit of most of these, so that digits alone are none of them. A form that only
// this identifier is printed in (529.982.247-25) acts by itself.
#include <algorithm>
#include <array>
#include <bitset>
#include <utility>

#include "daemons/gatewayd/dlp/checksums_national.h"
#include "daemons/gatewayd/dlp/detect/digit_group_chain.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr float kActsAlone = 0.65F, kWithContext = 0.51F;

/// An identifier of digits alone. `printed` is the form that it is told by: 9 stands for any digit; "" where there is
/// none.
struct Numeric {
  Type type;
  Context context;
  size_t digits;
  bool (*check)(std::string_view);
  std::string_view printed;
};
constexpr Numeric kNumeric[] = {
    {Type::de_steuer_id, kSteuerId, 11, steuer_id, ""},
    {Type::au_medicare, kAuMedicare, 10, au_medicare, ""},
    {Type::au_medicare, kAuMedicare, 11, au_medicare, ""},
    {Type::au_tfn, kTfn, 9, tfn, ""},
    {Type::fr_nir, kNir, 15, nir, "9 99 99 99 999 999 99"},
    {Type::nl_bsn, kBsn, 9, bsn, "9999.99.999"},
    {Type::pl_pesel, kPesel, 11, pesel, ""},
    {Type::br_cpf, kCpf, 11, cpf, "999.999.999-99"},
    {Type::br_cnpj, kCnpj, 14, cnpj, "99.999.999/9999-99"},
    {Type::jp_my_number, kMyNumber, 12, my_number, ""},
};

/// An identifier of letters and digits. In `form` A stands for a letter, 9 for a digit, * for either, L for X, Y or Z;
/// other characters stand for themselves and are no part of the code.
struct Lettered {
  Type type;
  Context context;
  std::string_view form;
  bool (*check)(std::string_view);
  bool alone;  ///< acts by its form
};
constexpr Lettered kLettered[] = {
    {Type::de_kvnr, kKvnr, "A999999999", kvnr, false},
    {Type::de_kvnr, kKvnr, "A 999 999 999", kvnr, false},
    {Type::de_kvnr, kKvnr, "A999 999 999", kvnr, false},
    {Type::fr_nir, kNir, "9 99 99 9A 999 999 99", nir, true},
    {Type::fr_nir, kNir, "999999A99999999", nir, false},
    {Type::es_dni, kDni, "99999999A", dni, false},
    {Type::es_dni, kDni, "99999999-A", dni, false},
    {Type::es_dni, kDni, "99999999 A", dni, false},
    {Type::es_dni, kDni, "99.999.999-A", dni, true},
    {Type::es_dni, kDni, "99.999.999 A", dni, false},
    {Type::es_nie, kDni, "L9999999A", dni, false},
    {Type::es_nie, kDni, "L-9999999-A", dni, true},
    {Type::es_nie, kDni, "L9999999-A", dni, false},
    {Type::it_codice_fiscale, kCodiceFiscale, "AAAAAA**A**A***A", codice_fiscale, true},
    {Type::it_codice_fiscale, kCodiceFiscale, "AAA AAA **A** A***A", codice_fiscale, true},
    {Type::br_cnpj, kCnpj, "**.***.***/****-99", cnpj, true},
};

bool is_printed(std::string_view text, std::string_view form) {
  return !form.empty() && text.size() == form.size() &&
         std::equal(text.begin(), text.end(), form.begin(),
                    [](char c, char f) { return f == '9' ? is_digit(c) : c == f; });
}

/// Whether a byte may stand where a form has `kind`.
constexpr bool fits(char c, char kind) {
  char big = to_upper(c);
  switch (kind) {
    case 'A':
      return is_upper(big);
    case '9':
      return is_digit(c);
    case '*':
      return is_digit(c) || is_upper(big);
    case 'L':
      return big >= 'X' && big <= 'Z';
    default:
      return c == kind;
  }
}

using Forms = std::bitset<std::size(kLettered)>;

/// Which forms may begin with a word: by its length, as far as letters and digits go, and by its first bytes and those
/// behind it. Nearly every word has the wrong length.
struct Beginnings {
  static constexpr uint32_t kPlaces = 4, kLongest = 16;
  std::array<Forms, kLongest + 1> of_length{};
  std::array<std::array<Forms, 256>, kPlaces> with_byte{};

  Beginnings() {
    for (size_t number = 0; number < std::size(kLettered); ++number) {
      std::string_view form = kLettered[number].form;
      size_t length = std::min(form.find_first_of(" -.", 0), form.size());
      of_length[length].set(number);
      for (uint32_t place = 0; place < kPlaces; ++place)
        for (int byte = 0; byte < 256; ++byte)
          if (fits(static_cast<char>(byte), form[place])) with_byte[place][static_cast<size_t>(byte)].set(number);
    }
  }
};
const Beginnings& beginnings() {
  static const Beginnings kMade;
  return kMade;
}

/// The code at `begin` in this form. @param ret_code without separators, in upper case. @param ret_lower whether a
/// letter was small. @return its size there; 0: it does not fit.
size_t read_form(const Sight& sight, uint32_t begin, std::string_view form, std::array<char, 24>& ret_code,
                 size_t& ret_size, bool& ret_lower) {
  ret_size = 0;
  ret_lower = false;
  for (size_t i = 0; i < form.size(); ++i) {
    char c = sight.at(begin + i), kind = form[i];
    if (!fits(c, kind)) return 0;
    ret_lower = ret_lower || is_lower(c);
    if (is_alnum(kind) || kind == '*') ret_code[ret_size++] = to_upper(c);
  }
  return form.size();
}

bool is_edge(char before, char after, char behind) {
  bool open = !is_alnum(before) && before != '_' && before != '-' && before != '.';
  bool joined = (after == '-' || after == '.' || after == '/') && is_alnum(behind);
  return open && !is_alnum(after) && after != '_' && !joined;
}

/// @param forms that may begin there.
void see_lettered_at(Sight& sight, uint32_t begin, Forms forms) {
  std::array<char, 24> code{};
  for (size_t form = 0; form < std::size(kLettered); ++form) {
    const Lettered& one = kLettered[form];
    if (!forms[form]) continue;
    size_t size = 0;
    bool lower = false;
    size_t taken = read_form(sight, begin, one.form, code, size, lower);
    if (taken == 0 || !one.check({code.data(), size})) continue;
    Span all{begin, begin + static_cast<uint32_t>(taken)};
    if (!is_edge(sight.before(begin), sight.at(all.end), sight.at(all.end + 1))) continue;
    ContextMask wanted = is_key_against(sight, all) ? 0 : bit(one.context);
    bool alone = one.alone && !lower;
    sight.see(one.type, all, {alone ? kActsAlone : kWithContext, wanted, alone, !alone});
  }
}

}  // namespace

void see_pack_numbers(const DigitGroupChain& chain) {
  constexpr size_t kMaxGroups = 7;
  Sight& sight = chain.sight();
  constexpr size_t kFewestDigits = 9, kMaxDigits = 15, kStepsOfChecks = 8;
  std::array<char, kMaxDigits> digits{};
  size_t total = 0;
  for (size_t n = 1; n <= kMaxGroups && chain.has(n - 1); ++n) {
    const DigitGroup& group = chain.group(n - 1);
    if (total + group.size > kMaxDigits) return;
    std::copy_n(sight.text().data() + group.begin, group.size, digits.data() + total);
    total += group.size;
    if (total < kFewestDigits || !chain.stands_alone(n)) continue;
    sight.spend(kStepsOfChecks);
    Span all = chain.span(n);
    for (const Numeric& one : kNumeric) {
      if (one.digits != total || !sight.wants(one.type) || !one.check({digits.data(), total})) continue;
      bool printed = is_printed(sight.view(all), one.printed);
      ContextMask wanted = is_key_against(sight, all) ? 0 : bit(one.context);
      sight.see(one.type, all, {printed ? kActsAlone : kWithContext, wanted, printed, !printed});
    }
  }
}

bool wants_packs(const Sight& sight) {
  // Both tables are constant: this is one test of the types' bits.
  auto any = [&sight]<size_t... kRow>(const auto& rows, std::index_sequence<kRow...>) {
    return (sight.wants(rows[kRow].type) | ...);
  };
  return any(kNumeric, std::make_index_sequence<std::size(kNumeric)>()) ||
         any(kLettered, std::make_index_sequence<std::size(kLettered)>());
}

void see_pack_codes(Sight& sight) {
  std::string_view text = sight.text();
  const ByteClasses& classes = sight.classes();
  const Beginnings& may_begin = beginnings();
  Forms wanted;
  for (size_t form = 0; form < std::size(kLettered); ++form) wanted[form] = sight.wants(kLettered[form].type);
  auto next = [&](uint32_t from) { return classes.next(&ByteClasses::Word::alnum, from); };
  for (uint32_t at = next(0), end = 0; at + Beginnings::kPlaces <= text.size(); at = next(end)) {
    end = classes.end(&ByteClasses::Word::alnum, at);
    sight.spend(1);
    if (end - at > Beginnings::kLongest) continue;
    Forms forms = wanted & may_begin.of_length[end - at];
    for (uint32_t place = 0; place < Beginnings::kPlaces && forms.any(); ++place)
      forms &= may_begin.with_byte[place][static_cast<unsigned char>(text[at + place])];
    if (forms.any()) see_lettered_at(sight, at, forms);
  }
}

}  // namespace mas::dlp
