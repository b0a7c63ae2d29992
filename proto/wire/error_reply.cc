// The table of codes, and sentences that are safe to send and to show.
#include "proto/wire/error_reply.h"

#include <algorithm>
#include <array>

#include "proto/base/ids.h"
#include "proto/wire/limits.h"

namespace mas {
namespace {

struct Code {
  Errc errc;
  std::string_view text;
};

constexpr std::array<Code, 4> kCodes = {{{Errc::kHandlerFailed, "HANDLER_FAILED"},
                                         {Errc::kNoHandler, "NO_HANDLER"},
                                         {Errc::kInvalidPayload, "INVALID_PAYLOAD"},
                                         {Errc::kUnavailable, "UNAVAILABLE"}}};
constexpr size_t kEllipsis = 3;  // bytes that printable() adds to a text that it cuts

}  // namespace

bool is_error_code(std::string_view text) {
  auto fits = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && text.size() <= limits::kErrorCodeBytes && std::all_of(text.begin(), text.end(), fits);
}

std::string_view error_code_of(Errc errc) {
  auto found = std::find_if(kCodes.begin(), kCodes.end(), [&](const Code& code) { return code.errc == errc; });
  return found == kCodes.end() ? kCodes.front().text : found->text;
}

Errc errc_of(std::string_view code) {
  auto found = std::find_if(kCodes.begin(), kCodes.end(), [&](const Code& known) { return known.text == code; });
  return found == kCodes.end() ? kCodes.front().errc : found->errc;
}

Error error_of_reply(std::string_view replier, std::string_view code, std::string_view message) {
  Error error{errc_of(code), "'" + printable(replier) + "' answered " + std::string(code)};
  if (!message.empty()) error.message += ": " + error_text(message);
  return error;
}

std::string error_text(std::string_view sentence) { return printable(sentence, limits::kMetaTextBytes - kEllipsis); }

}  // namespace mas
