// What the words around a value say about it: key names of JSON and words of running text, as sets of contexts.
//
// A bare run of nine digits is nothing; under the key `ssn`, or after "social security number", it is a number to be
// hidden; under `trace_id` it is none. The vocabulary (context.def) is one table for keys and for text.
// Keys are taken apart at case changes, digits and punctuation (`patientSSN_2` is patient, ssn), and the longest
// phrases are looked up first, so that `member_id` is an insurance number and `card_id` is an id. Of names of secrets
// the end decides: `page_access_token` is a token, `access_token_page` a page.
// Threading: any. Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace mas::dlp {

enum class Context : uint8_t {
  kSsn,
  kTax,
  kPhone,
  kAddress,
  kBirth,
  kPassport,
  kLicense,
  kMrn,
  kInsurance,
  kDiagnosis,
  kNpi,
  kDea,
  kCard,
  kCvv,
  kCode,  ///< a code that may be a card's, or one sent to a telephone
  kIban,
  kRouting,
  kAccount,
  kWallet,
  kAwsSecret,
  kApiKey,
  kPassword,
  kSecret,      ///< says secret and no more: `token`, `secret`, `credentials`
  kCredential,  ///< a name that ends in token, key, secret …: X_TOKEN, xApiKey; from how it ends, no phrase has it
  kMaterial,    ///< salts and seeds: worth an alert
  kBasic,       ///< user and password, in base64
  kNino,
  kNhs,
  kSin,
  kAadhaar,
  kKvnr,
  kSteuerId,
  kAuMedicare,
  kTfn,
  kNir,
  kDni,
  kCodiceFiscale,
  kBsn,
  kPesel,
  kCpf,
  kCnpj,
  kMyNumber,
  // What tells of the key itself.
  kNegative,  ///< an id, a time, a hash, a counter: not what it looks like
  kAbout,     ///< tells something about a value, and is not it: `password_policy`, `card_type`
  kPublic,    ///< public keys, key ids
  kPlain,     ///< says nothing by itself: `value`, `number`; what holds it says more
  kNames,     ///< its value names what stands beside it: {"name": "password", "value": …}
  // What stands beside it, and helps.
  kWeak,      ///< a name of other trades, too, or one that may name a secret: takes a second sign
  kEnding,    ///< behind a name that says what it is, changes nothing: `password_prod`
  kHead,      ///< what names of credentials end in: key, pat
  kMedical,   ///< patients, doctors, insurers: enough for a number under an ambiguous name, which is blocked
  kLogin,     ///< a user's name, and logging in
  kUser,      ///< names of accounts that programs come with: admin, root
  kCall,      ///< calls that take a user's name and a password
  kPaging,    ///< pages of a list, and their cursors
  kManifest,  ///< a document of secrets
  // Second signs: they name no kind of data, and make a doubtful form of one sure.
  kEmail,     ///< an address of mail follows
  kPayment,   ///< somebody pays
  kClinical,  ///< of a treatment, and of other trades ("assessed"): enough for a diagnosis code, which is told
  kParts,     ///< parts, releases and rooms, which are numbered like diagnoses
  kCount
};

using ContextMask = uint64_t;
static_assert(static_cast<unsigned>(Context::kCount) <= 64);
constexpr ContextMask bit(Context context) { return ContextMask{1} << static_cast<unsigned>(context); }
template <typename... C>
constexpr ContextMask bits(C... contexts) {
  return (bit(contexts) | ...);
}
/// Everything that names a kind of data.
inline constexpr ContextMask kDataContexts = bit(Context::kNegative) - 1;
/// Secrets: what stands under such a name is a credential, if it looks like one.
inline constexpr ContextMask kSecretContexts =
    bits(Context::kPassword, Context::kApiKey, Context::kSecret, Context::kAwsSecret, Context::kCredential);
/// What speaks against it.
inline constexpr ContextMask kAgainst = bits(Context::kNegative, Context::kAbout, Context::kPublic);

struct Phrase {
  Context context;
  std::string_view words;  ///< lower case, one space between two; other scripts as they are written
  bool in_keys, in_text;
};

/// The vocabulary.
const std::vector<Phrase>& phrases();

inline constexpr size_t kLongestKey = 128;  ///< bytes of a key that are looked at

/// What keys are called that detectors go by, whatever their words say. It tells only whether a detector need look at a
/// document; which keys it takes is for the detector to say.
enum KeyRole : uint8_t {
  kNoRole = 0,
  kAnswerKey = 1,   ///< "answer", "value": a question or label stands beside it (labels.h)
  kKindKey = 2,     ///< "kind", "type": what kind of document it is (manifests.h)
  kColumnsKey = 4,  ///< "columns", "fields": names of columns, whose rows stand elsewhere (result_sets.h)
};
/// @return what a key may be, whatever its case.
uint8_t roles_of(std::string_view key);

/// @param key unescaped. @return what its words say. @note reads the vocabulary each time: see key_reader.h.
ContextMask read_key(std::string_view key);

}  // namespace mas::dlp
