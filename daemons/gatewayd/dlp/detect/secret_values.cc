// Passwords, keys and tokens under names.
#include "daemons/gatewayd/dlp/detect/secret_values.h"

#include <algorithm>
#include <string>

#include "daemons/gatewayd/dlp/detect/base64.h"
#include "daemons/gatewayd/dlp/detect/looks.h"
#include "daemons/gatewayd/dlp/detect/stand_ins.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr size_t kStepsOfLooks = 32, kTimesRead = 2;  // of a value, by all questions what it looks like

bool is_letters(std::string_view value) { return std::all_of(value.begin(), value.end(), is_letter); }

/// `user:password` in base64.
bool is_basic(std::string_view value) {
  constexpr size_t kLongest = 512;
  std::string user, password;
  return value.size() <= kLongest && decode_login(value, user, password) && !user.empty() &&
         !is_stand_in(password, As::kPassword);
}

/// Whether an access key id of AWS stands nearby.
bool is_beside_aws_id(const Sight& sight, Span span) {
  constexpr uint32_t kNear = 128;
  uint32_t begin = span.begin - std::min(span.begin, kNear);
  uint32_t end = std::min<uint32_t>(span.end + kNear, static_cast<uint32_t>(sight.text().size()));
  std::string_view around = sight.view({begin, end});
  return around.find("AKIA") != std::string_view::npos || around.find("ASIA") != std::string_view::npos;
}

/// What a text assigns without quotes may be the name of a variable: `password = user_password`.
bool is_name_of_variable(std::string_view value) {
  bool joined =
      value.find_first_of("_.") != std::string_view::npos || std::any_of(value.begin() + 1, value.end(), is_upper);
  return joined && count_digits(value) == 0 && is_slug(value);
}

/// What a debugger shows of a variable: pw=0x5581b2a0 <buf+16>.
bool is_pointer(std::string_view value) {
  constexpr size_t kMaxDigits = 16;
  return value.starts_with("0x") && value.size() <= kMaxDigits + 2 &&
         std::all_of(value.begin() + 2, value.end(), is_hex_digit);
}

bool accepts_password(std::string_view value, const Naming& naming) {
  if (value.empty() || (naming.how != Named::kByKey && is_pointer(value))) return false;
  if (naming.pin && value.size() >= 4 && value.size() <= 8 && count_digits(value) == value.size()) return true;
  if (begins_as_path(value) && (is_path(value) || value.find_first_not_of("/.~\\:") == std::string_view::npos))
    return false;
  if ((naming.says & bit(kWeak)) != 0) {
    if (is_strong_password(value)) return true;
    bool mixed = count_digits(value) > 0 && count_digits(value) < value.size() && value.size() >= 6;
    return naming.login && mixed && !naming.number && !is_version(value) && !is_file_name(value) && !is_path(value) &&
           is_password(value, Named::kByVerb, false);
  }
  if (!is_password(value, naming.how, naming.number)) return false;
  if (naming.how == Named::kByKey) return !is_reference(value) || value.find('.') == std::string_view::npos;
  if (naming.how == Named::kInObject) return is_strong_password(value) || (count_digits(value) > 0 && !is_slug(value));
  if (naming.how == Named::kByWord) return is_strong_password(value);
  if (naming.how == Named::kByVerb)
    return !is_file_name(value) && !is_path(value) && !is_version(value) && !is_technical_word(value) &&
           !is_reference(value) && (count_digits(value) > 0 || !is_slug(value));
  if (naming.quoted) return naming.alone || count_digits(value) > 0 || !is_letters(value);
  if (is_name_of_variable(value) || is_reference(value) || is_version(value)) return false;
  // A word in running text is a word: "reset your password: click here".
  bool word = is_letters(value) || (count_digits(value) == 0 && is_slug(value));
  return !word || naming.alone || naming.tight;
}

bool accepts_credential(std::string_view value, const Naming& naming) {
  bool by_prose = naming.how == Named::kByVerb || naming.how == Named::kByWord || naming.how == Named::kInObject;
  bool weak = (naming.says & bit(kWeak)) != 0;
  if (naming.number) return false;
  if (!weak && !by_prose) return may_be_credential(value) && (naming.quoted || !is_name_of_variable(value));
  return is_generated(value);
}

/// Hexadecimal digits alone are as often a hash.
bool is_hash(std::string_view value) {
  return value.size() >= 32 && std::all_of(value.begin(), value.end(), is_hex_digit);
}

}  // namespace

void see_secret(Sight& sight, Span span, const Naming& naming) {
  std::string_view value = sight.view(span);
  sight.spend(kStepsOfLooks + value.size() * kTimesRead);
  if (value.starts_with("Bearer ") || value.starts_with("bearer ") || value.starts_with("Basic ")) return;
  ContextMask says = naming.says;
  if ((says & bit(kBasic)) != 0 && is_basic(value)) sight.see(Type::basic_auth, span, {0.9F, 0, true, false});
  bool may_be_aws = (says & bits(kAwsSecret, kApiKey)) != 0 && is_aws_secret(value);
  if (may_be_aws && ((says & bit(kAwsSecret)) != 0 || is_beside_aws_id(sight, span))) {
    sight.see(Type::aws_key, span, {0.7F, says & kSecretContexts, true, false, "secret access key"});
    return;
  }
  constexpr float kActing = 0.75F;
  if ((says & bit(kPassword)) != 0) {
    if (accepts_password(value, naming)) sight.see(Type::password, span, {naming.shape, bit(kPassword), false, false});
  } else if ((says & bits(kApiKey, kAwsSecret, kCredential)) != 0) {
    bool hash = (says & bit(kWeak)) != 0 && is_hash(value);
    if (accepts_credential(value, naming))
      sight.see(hash ? Type::generic_secret : Type::api_key, span,
                {std::max(naming.shape, kActing), says & kSecretContexts, false, false});
  } else if ((says & bit(kSecret)) != 0) {
    if (is_discord_token(value))
      sight.see(Type::api_key, span, {0.9F, bit(kSecret), false, false, "discord"});
    else if (naming.number)
      return;
    else if (is_generated(value) && !is_hash(value))
      sight.see(Type::api_key, span, {kActing, says & kSecretContexts, false, false});
    else if (is_generic_secret(value) && may_be_credential(value) && !is_resource_name(value))
      sight.see(Type::generic_secret, span, {naming.shape, bit(kSecret), false, false});
  } else if ((says & bit(kMaterial)) != 0 && is_generic_secret(value)) {
    sight.see(Type::generic_secret, span, {naming.shape, bit(kMaterial), false, false});
  }
}

}  // namespace mas::dlp
