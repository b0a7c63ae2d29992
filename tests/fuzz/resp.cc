// Replies of Redis: the first byte of the input says into how large pieces the rest is cut. However it is cut, the
// replies are the same, and every byte of them may be read. With a bound on texts, the replies up to the first text
// that is too large are the same, and of that one its length and its head are told. As RESP3 they are the same however
// they are cut, and what is RESP2 is read as it is without.
#include "proto/redis/reply.h"
#include "proto/redis/resp3.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

namespace {

constexpr size_t kMaxReplyBytes = 256 * 1024;
constexpr size_t kMaxTextBytes = 64;

/// Writes down a whole reply, so that the sanitizers see every byte of it read.
void describe(const redis::Reply& reply, std::string& out) {
  out += std::to_string(static_cast<int>(reply.type)) + ":" + std::to_string(reply.integer) + ":";
  out += reply.text;
  out += '(';
  for (const auto& element : reply) describe(element, out);
  out += ')';
  if (reply.is_error()) require(!redis::error_of(reply).message.empty(), "an error has a sentence");
}

struct Outcome {
  std::string replies;
  bool failed = false;
  bool too_large = false;
};

/// Takes what is complete.
void drain(redis::ReplyReader& reader, Outcome& outcome) {
  for (;;) {
    auto reply = reader.next();
    if (!reply) {
      outcome.failed = true;
      outcome.too_large = reply.error().code == Errc::kTooLarge;
      return;
    }
    if (*reply == nullptr) return;
    describe(**reply, outcome.replies);
  }
}

/// Reads the bytes as RESP3.
Outcome read_resp3(std::string whole, size_t piece) {
  redis::ReplyReader reader({.reply_bytes = kMaxReplyBytes, .text_bytes = kMaxReplyBytes});
  redis::Resp3Headers headers;
  Outcome outcome;
  for (std::span<char> bytes = whole; !bytes.empty() && !outcome.failed;) {
    auto next = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(next.size());
    outcome.failed = !headers.feed(next, reader).ok();
    drain(reader, outcome);
  }
  return outcome;
}

Outcome read(std::string_view whole, size_t piece, size_t text_bytes) {
  redis::ReplyReader reader({.reply_bytes = kMaxReplyBytes, .text_bytes = text_bytes});
  Outcome outcome;
  for (std::string_view bytes = whole; !bytes.empty() && !outcome.failed;) {
    auto next = bytes.substr(0, piece);
    bytes.remove_prefix(next.size());
    outcome.failed = !reader.feed(next).ok();
    if (!outcome.failed) drain(reader, outcome);
  }
  if (!outcome.too_large) return outcome;
  const redis::OversizedText& text = reader.oversized();
  require(text.bytes > text_bytes, "what is within its bound is not too large");
  require(text.head.size() == std::min<uint64_t>(text.bytes, redis::OversizedText::kHeadBytes), "its head is told");
  require(whole.find(std::to_string(text.bytes) + "\r\n" + text.head) != std::string_view::npos, "the head is its own");
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  auto bytes = text_of(data + 1, size - 1);
  const size_t piece = data[0] + 1u;
  Outcome whole = read(bytes, bytes.size(), kMaxReplyBytes);
  Outcome pieces = read(bytes, piece, kMaxReplyBytes);
  Outcome bounded = read(bytes, piece, kMaxTextBytes);
  require(whole.failed == pieces.failed, "an error does not depend on how the bytes arrive");
  require(whole.replies == pieces.replies, "replies do not depend on how the bytes arrive");
  require(bounded.too_large ? whole.replies.starts_with(bounded.replies) : bounded.replies == whole.replies,
          "a bound on texts changes nothing before a text that is too large");
  Outcome whole3 = read_resp3(std::string(bytes), bytes.size() + 1), pieces3 = read_resp3(std::string(bytes), piece);
  require(whole3.failed == pieces3.failed && whole3.replies == pieces3.replies,
          "RESP3 does not depend on how it arrives");
  if (!whole.failed) require(whole3.replies == whole.replies, "RESP2 is read in RESP3 as it is");
  return 0;
}
