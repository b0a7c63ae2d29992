// The envelope: one message between agents, as JSON, byte-compatible with the original Python framework.
//
// Happy path: the sender fills EnvelopeFields and appends the JSON to a buffer; a receiver decodes the bytes into an
// Envelope of views, without copying what it does not have to unescape. Unknown members stay in `raw` untouched.
// Failure: kMalformed or kTooLarge with what is wrong and where (never with the payload's bytes).
// Threading: one decoder per thread. Ownership: an Envelope's views live as long as the bytes that were decoded and
// until the decoder's next call, whichever ends first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/result.h"
#include "proto/wire/json.h"
#include "proto/wire/limits.h"

namespace mas {

/// `meta.error` of a reply: the request could not be answered (error_reply.h).
struct EnvelopeError {
  std::string_view code;     ///< empty: there is no error
  std::string_view message;  ///< any text: the other side wrote it
};

/// Members of `meta`. Texts are empty where the member is absent or null.
struct EnvelopeMeta {
  int64_t version = 1;
  std::string_view correlation_id;
  bool expects_reply = false;
  bool is_reply = false;
  // Ours; the Python framework ignores them.
  std::string_view instance;
  std::string_view priority;
  std::optional<double> deadline;  ///< seconds since the epoch
  std::string_view traceparent;    ///< W3C Trace Context, unchecked (trace_context.h)
  std::string_view tracestate;     ///< likewise
  std::string_view conversation_id;
  int64_t hops = 0;
  std::string_view chain;  ///< raw JSON array of agent ids (chain.h); empty also for an empty one
  EnvelopeError error;
};

/// A decoded message.
struct Envelope {
  std::string_view sender_id;
  std::string_view target_id;
  std::string_view message_type;
  std::string_view data;  ///< raw JSON object, exactly as it stood in the message
  EnvelopeMeta meta;
  double timestamp = 0;  ///< seconds since the epoch; 0 where the sender gave none
  std::string_view message_id;
  std::string_view raw;  ///< the whole message
  bool doubled = false;  ///< one of the members above, or of `meta`, occurs twice: the last one counts
  /// `data` is all of its content: nothing but the members above, each once, and no error or tracestate,
  /// and no traceparent that has room for anything but ids.
  bool bare = false;
};

class EnvelopeDecoder {
 public:
  /// @param bytes one envelope, at most `max_bytes`.
  Result<Envelope> decode(std::string_view bytes, size_t max_bytes = limits::kEnvelopeBytes);

  /// The same, only slower: without the short way for the form that append_envelope writes. Tests hold the two against
  /// each other.
  Result<Envelope> decode_any_form(std::string_view bytes, size_t max_bytes = limits::kEnvelopeBytes);

 private:
  JsonReader reader_;
};

/// What a sender says. `data` must have passed JsonReader::check_object; the texts must be valid UTF-8.
struct EnvelopeFields {
  std::string_view sender_id;
  std::string_view target_id;
  std::string_view message_type;
  std::string_view data;
  EnvelopeMeta meta;
  WallMicros timestamp = 0;
  std::string_view message_id;
};

/// Appends the envelope's JSON in the member order of the Python framework. Optional `meta` members of ours
/// are written only when set.
void append_envelope(std::string& out, const EnvelopeFields& fields);

}  // namespace mas
