// The detectors. Each looks through a document for data of its kinds and tells the Sight what it saw.
//
// All are linear in the text: what they look at around a place is bounded by a constant. Pure.
#pragma once

#include <cstdint>

#include "daemons/gatewayd/dlp/detect/digit_groups.h"
#include "daemons/gatewayd/dlp/sight.h"

namespace mas::dlp {

/// Numbers: what consists of digits and separators, or begins with a letter or two and goes on in digits.
/// @param groups to work with.
void detect_numbers(Sight& sight, std::vector<DigitGroup>& groups);
/// Addresses with an @.
void detect_emails(Sight& sight);
/// Values whose key says what they are: passwords, record numbers, dates of birth.
void detect_by_keys(Sight& sight);
/// The same in running text, after a word that says it, "MRN: 12345678", "password is …", or below it in a column.
void detect_after_words(Sight& sight);

/// Seed phrases of wallets (seed_phrases.h).
void detect_seed_phrases(Sight& sight);

/// What a literal that the matcher found may be the beginning of.
enum class Trigger : uint8_t {
  kPhrase,          ///< of the vocabulary
  kToken,           ///< a vendor's token: number of its entry in the table
  kInfixToken,      ///< the same, of those that have their fixed text within
  kAws,             ///< an AWS access key id
  kJwt,             ///< base64 of the beginning of a JSON object
  kPem,             ///< an armoured block
  kUrl,             ///< "://"
  kJdbc,            ///< "jdbc:oracle:"
  kEasyConnect,     ///< "@//": where Oracle's database is, behind user and password
  kUrlParameter,    ///< "?key=" and others: number of the parameter
  kConnectionPair,  ///< "password=" of a connection string
  kBearer,          ///< "bearer "
  kBasic,           ///< "basic "
  kAuthorization,   ///< the header
  kCookie,          ///< the header
  kPoBox,           ///< "box"
  kHexCoin,         ///< "0x"
  kBech32,          ///< "bc1" and others
  kTrack,           ///< "%B": track 1 of a magnetic stripe
  kProgram,         ///< one that takes a password on its command line: number of its entry in the table
  kPasswordOption,  ///< "--pass"
  kPipedPassword,   ///< a program that reads a password: number of it
  kHl7Record,       ///< "^MR": what a record number ends in
  kAge,             ///< "AGE-SECRET-KEY-1"
  kPutty,           ///< "PuTTY-User-Key-File-"
  kJwk,             ///< "kty"
  kTokenOption,     ///< "--token"
  kNamedKey,        ///< "private key": the key may follow
  kPgpass,          ///< a port between colons: a line of PostgreSQL's password file
  kWifiCode,        ///< "WIFI:": what a phone reads from a code to join a network
  kLine,            ///< a text that a password follows: number of its place in the table
  kWifiName,        ///< "ssid": the network's key may follow
};
/// A literal of the matcher's database.
struct Literal {
  std::string_view text;
  bool any_case;
  Trigger trigger;
  uint16_t argument = 0;
};
/// All literals but those of the vocabulary.
std::vector<Literal> secret_literals();
/// @param span where the literal stands.
void detect_at(Sight& sight, const Literal& literal, Span span);

}  // namespace mas::dlp
