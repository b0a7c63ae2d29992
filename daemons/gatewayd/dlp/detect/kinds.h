// Numbers and dates that nothing but their name tells from others, and which contexts name what stands behind them.
#pragma once

#include "daemons/gatewayd/dlp/context.h"
#include "daemons/gatewayd/dlp/detect/dates.h"
#include "daemons/gatewayd/dlp/detect/named_values.h"
#include "daemons/gatewayd/dlp/types.h"

namespace mas::dlp {

inline constexpr float kNamed = 0.45F;  ///< of a score: with a key 0.8, with words 0.65

/// Numbers that nothing but their name tells from others.
struct Kind {
  Context context;
  Type type;
  size_t (*read)(std::string_view);
};
inline constexpr Kind kKinds[] = {
    {Context::kMrn, Type::mrn, record_number},
    {Context::kInsurance, Type::health_insurance, insurance_number},
    {Context::kPassport, Type::passport, passport_number},
    {Context::kLicense, Type::drivers_license, license_number},
    {Context::kAccount, Type::bank_account, account_number},
    {Context::kCvv, Type::cvv, verification_code},
    {Context::kCode, Type::cvv, verification_code},
    {Context::kBirth, Type::date_of_birth, birth_date_at},
};
inline constexpr ContextMask kOfSecrets = kSecretContexts | bits(Context::kMaterial, Context::kBasic);
inline constexpr ContextMask kNumberContexts =
    bits(Context::kMrn, Context::kInsurance, Context::kPassport, Context::kLicense, Context::kAccount, Context::kCvv,
         Context::kCode, Context::kBirth);
inline constexpr ContextMask kNamedContexts = kNumberContexts | kOfSecrets;

/// Members of clubs and subscribers of mailing lists have short numbers; those of insurers have letters or nine digits.
inline bool is_short_of_insurance(Context context, std::string_view number) {
  constexpr size_t kShortest = 9;
  return context == Context::kInsurance && count_digits(number) == number.size() && number.size() < kShortest;
}

}  // namespace mas::dlp
