// The envelope's members: collected as they come (last one wins), judged when the text is known to be JSON.
#include "proto/wire/envelope.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/base/numbers.h"
#include "proto/wire/chain.h"
#include "proto/wire/error_reply.h"
#include "proto/wire/trace_context.h"

namespace mas {
namespace {

/// The members of one object that this decoder knows, by position in a table of names.
template <size_t kCount>
class KnownMembers : public JsonVisitor {
 public:
  explicit KnownMembers(const std::array<std::string_view, kCount>& names) : names_(names) {}

  /// Senders keep to an order, mostly the table's: the search starts behind the member that came last.
  void member(std::string_view key, const JsonValue& value) final {
    for (size_t i = 0; i < kCount; ++i) {
      size_t at = next_ + i < kCount ? next_ + i : next_ + i - kCount;
      if (names_[at] != key) continue;
      doubled_ = doubled_ || !values_[at].token.empty();
      values_[at] = value;
      next_ = at + 1;
      return;
    }
    odd_ = true;
  }

  /// The last value of a member; its token is empty where there was none.
  const JsonValue& operator[](size_t at) const { return values_[at]; }
  std::string_view name(size_t at) const { return names_[at]; }
  bool has(size_t at) const { return !values_[at].token.empty(); }
  /// Whether there was a member that is not known.
  bool odd() const { return odd_; }
  /// Whether a known one came twice.
  bool doubled() const { return doubled_; }
  void clear() { values_ = {}; }
  void put(size_t at, const JsonValue& value) { values_[at] = value; }

 protected:
  ~KnownMembers() = default;

 private:
  const std::array<std::string_view, kCount>& names_;
  std::array<JsonValue, kCount> values_{};
  size_t next_ = 0;
  bool odd_ = false;
  bool doubled_ = false;
};

enum Outer : size_t { kSenderId, kTargetId, kMessageType, kData, kMeta, kTimestamp, kMessageId, kOuterCount };
constexpr std::array<std::string_view, kOuterCount> kOuterNames = {"sender_id", "target_id", "message_type", "data",
                                                                   "meta",      "timestamp", "message_id"};

enum Inner : size_t {
  kVersion,
  kCorrelationId,
  kExpectsReply,
  kIsReply,
  kInstance,
  kPriority,
  kDeadline,
  kTraceparent,
  kTracestate,
  kConversationId,
  kHops,
  kChain,
  kError,
  kInnerCount
};
constexpr std::array<std::string_view, kInnerCount> kMetaNames = {
    "version",     "correlation_id", "expects_reply",   "is_reply", "instance", "priority", "deadline",
    "traceparent", "tracestate",     "conversation_id", "hops",     "chain",    "error"};

enum OfError : size_t { kCode, kMessage, kErrorCount };
constexpr std::array<std::string_view, kErrorCount> kErrorNames = {"code", "message"};

class ErrorMembers final : public KnownMembers<kErrorCount> {
 public:
  ErrorMembers() : KnownMembers(kErrorNames) {}
};

class MetaMembers final : public KnownMembers<kInnerCount> {
 public:
  MetaMembers() : KnownMembers(kMetaNames) {}

  /// A second `error` replaces the first one whole.
  JsonVisitor* inside(std::string_view key) override {
    if (key != kMetaNames[kError]) return nullptr;
    error.clear();
    return &error;
  }
  /// Of `meta` and of what is in it.
  bool any_doubled() const { return doubled() || error.doubled(); }

  ErrorMembers error;
};

class OuterMembers final : public KnownMembers<kOuterCount> {
 public:
  OuterMembers() : KnownMembers(kOuterNames) {}

  /// A second `meta` replaces the first one whole.
  JsonVisitor* inside(std::string_view key) override {
    if (key != kOuterNames[kMeta]) return nullptr;
    meta.clear();
    meta.error.clear();
    return &meta;
  }

  MetaMembers meta;
};

template <typename Number>
bool parse(std::string_view text, Number& ret_number) {
  auto number = parse_number<Number>(text);
  if (number) ret_number = *number;
  return number.has_value();
}

/// An integer may be written with a fraction of zeros or an exponent, as in JSON Schema.
bool parse_integer(std::string_view text, int64_t& ret_integer) {
  if (parse(text, ret_integer)) return true;
  constexpr double kExact = 9007199254740992.0;  // 2^53
  double number = 0;
  if (!parse(text, number) || !(std::abs(number) <= kExact) || number != std::trunc(number)) return false;
  ret_integer = static_cast<int64_t>(number);
  return true;
}

/// Reads members into fields; the first that is wrong is remembered and named.
template <size_t kCount>
class Fields {
 public:
  Fields(const KnownMembers<kCount>& members, std::string_view prefix) : members_(members), prefix_(prefix) {}

  bool ok() const { return !failed_; }
  const Error& error() const { return error_; }

  /// A text of at most `max_bytes` without NUL, since it will be a C string.
  void text(size_t at, size_t max_bytes, std::string_view& field) {
    const JsonValue& value = members_[at];
    if (value.kind != JsonKind::kString) return fail(at, "expected a string");
    if (value.text.find('\0') != std::string_view::npos) return fail(at, "expected a string without \\u0000");
    if (value.text.size() > max_bytes)
      return fail(at, "expected at most " + std::to_string(max_bytes) + " bytes", Errc::kTooLarge);
    field = value.text;
  }

  void optional_text(size_t at, size_t max_bytes, std::string_view& field) {
    if (members_.has(at) && !null(at)) text(at, max_bytes, field);
  }

  void agent_id(size_t at, std::string_view& field) {
    text(at, limits::kForeignAgentIdBytes, field);
    if (ok() && (field.empty() || has_control_character(field)))
      fail(at, "expected an agent id: 1-512 bytes without control characters");
  }

  void boolean(size_t at, bool& field) {
    if (!members_.has(at)) return;
    if (members_[at].kind != JsonKind::kBoolean) return fail(at, "expected true or false");
    field = members_[at].token == "true";
  }

  void integer(size_t at, int64_t& field) {
    const JsonValue& value = members_[at];
    bool read = value.kind == JsonKind::kNumber ? parse_integer(value.token, field) : parse(number_text(at), field);
    if (!read) fail(at, "expected an integer of 64 bits");
  }

  /// Seconds since the epoch.
  void seconds(size_t at, double& field) {
    if (!parse(number_text(at), field) || !std::isfinite(field)) fail(at, "expected seconds as a number");
  }

  bool null(size_t at) const { return members_[at].kind == JsonKind::kNull; }

  void fail(size_t at, std::string_view expected, Errc code = Errc::kMalformed) {
    if (failed_) return;
    failed_ = true;
    error_ = Error{code, "envelope: " + std::string(prefix_) + std::string(members_.name(at)) + ": " +
                             (members_.has(at) ? "" : "missing; ") + std::string(expected)};
  }

 private:
  /// A number, or a string that holds one; empty for anything else.
  std::string_view number_text(size_t at) const {
    const JsonValue& value = members_[at];
    if (value.kind == JsonKind::kNumber) return value.token;
    return value.kind == JsonKind::kString ? value.text : std::string_view();
  }

  const KnownMembers<kCount>& members_;
  std::string_view prefix_;
  bool failed_ = false;
  Error error_{Errc::kMalformed, {}};
};

Status read_error(const ErrorMembers& members, EnvelopeError& error) {
  Fields fields(members, "meta.error.");
  fields.text(kCode, limits::kErrorCodeBytes, error.code);
  if (fields.ok() && !is_error_code(error.code)) fields.fail(kCode, "expected upper-case letters, digits and '_'");
  fields.optional_text(kMessage, limits::kErrorMessageBytes, error.message);
  return fields.ok() ? Status() : Status(fields.error());
}

Status read_meta(const MetaMembers& members, EnvelopeMeta& meta) {
  Fields fields(members, "meta.");
  if (members.has(kVersion)) fields.integer(kVersion, meta.version);
  fields.optional_text(kCorrelationId, limits::kCorrelationIdBytes, meta.correlation_id);
  fields.boolean(kExpectsReply, meta.expects_reply);
  fields.boolean(kIsReply, meta.is_reply);
  fields.optional_text(kInstance, limits::kMetaTextBytes, meta.instance);
  fields.optional_text(kPriority, limits::kMetaTextBytes, meta.priority);
  fields.optional_text(kTraceparent, limits::kMetaTextBytes, meta.traceparent);
  fields.optional_text(kTracestate, limits::kMetaTextBytes, meta.tracestate);
  fields.optional_text(kConversationId, limits::kMetaTextBytes, meta.conversation_id);
  if (members.has(kDeadline) && !fields.null(kDeadline)) {
    double deadline = 0;
    fields.seconds(kDeadline, deadline);
    meta.deadline = deadline;
  }
  if (members.has(kHops) && !fields.null(kHops)) {
    fields.integer(kHops, meta.hops);
    if (meta.hops < 0) fields.fail(kHops, "expected an integer that is not negative");
  }
  if (members.has(kChain) && !fields.null(kChain)) {
    std::string_view array = members[kChain].token;
    if (!is_chain(array))
      fields.fail(kChain, "expected an array of at most " + std::to_string(limits::kChainAgents) + " agent ids");
    else if (chain_length(array) > 0)
      meta.chain = array;
  }
  const bool has_error = members.has(kError) && !fields.null(kError);
  if (has_error && members[kError].kind != JsonKind::kObject) fields.fail(kError, "expected an object");
  if (!fields.ok()) return fields.error();
  return has_error ? read_error(members.error, meta.error) : Status();
}

/// Whether there is room in it for anything but ids.
bool has_odd_traceparent(const MetaMembers& meta) {
  if (!meta.has(kTraceparent) || meta[kTraceparent].kind == JsonKind::kNull) return false;
  return !is_plain_traceparent(meta[kTraceparent].text);
}

Status read_envelope(const OuterMembers& members, Envelope& envelope) {
  Fields fields(members, "");
  fields.agent_id(kSenderId, envelope.sender_id);
  fields.agent_id(kTargetId, envelope.target_id);
  fields.text(kMessageType, limits::kMessageTypeBytes, envelope.message_type);
  if (members[kData].kind != JsonKind::kObject) fields.fail(kData, "expected an object");
  envelope.data = members[kData].token;
  envelope.doubled = members.doubled() || members.meta.any_doubled();
  const bool free_text = members.meta.has(kError) || members.meta.has(kTracestate) || has_odd_traceparent(members.meta);
  envelope.bare = !envelope.doubled && !members.odd() && !members.meta.odd() && !free_text;
  if (members.has(kTimestamp)) fields.seconds(kTimestamp, envelope.timestamp);
  if (members.has(kMessageId)) fields.text(kMessageId, limits::kMessageIdBytes, envelope.message_id);
  if (members.has(kMeta) && members[kMeta].kind != JsonKind::kObject) fields.fail(kMeta, "expected an object");
  if (!fields.ok()) return fields.error();
  return members.has(kMeta) ? read_meta(members.meta, envelope.meta) : Status();
}

/// Finds the members of an envelope in the form that append_envelope writes: its names in its order without white
/// space, texts of ASCII without an escape, no `chain` and no `error`.
/// Failure: false for any other text; then nothing that was found counts, and the text may still be an envelope.
class OwnForm {
 public:
  OwnForm(std::string_view bytes, JsonReader& reader) : rest_(bytes), reader_(reader) {}

  bool read(OuterMembers& members) {
    return skip(R"({"sender_id":)") && text(members, kSenderId) && skip(R"(,"target_id":)") &&
           text(members, kTargetId) && skip(R"(,"message_type":)") && text(members, kMessageType) &&
           skip(R"(,"data":)") && object(members, kData) && skip(R"(,"meta":)") && meta(members) &&
           skip(R"(,"timestamp":)") && number(members, kTimestamp) && skip(R"(,"message_id":)") &&
           text(members, kMessageId) && rest_ == "}";
  }

 private:
  bool meta(OuterMembers& members) {
    const char* start = rest_.data();
    MetaMembers& meta = members.meta;
    if (!skip(R"({"version":)") || !number(meta, kVersion) || !skip(R"(,"correlation_id":)")) return false;
    if (!word(meta, kCorrelationId, JsonKind::kNull, "null") && !text(meta, kCorrelationId)) return false;
    if (!skip(R"(,"expects_reply":)") || !boolean(meta, kExpectsReply)) return false;
    if (!skip(R"(,"is_reply":)") || !boolean(meta, kIsReply)) return false;
    if (skip(R"(,"instance":)") && !text(meta, kInstance)) return false;
    if (skip(R"(,"priority":)") && !text(meta, kPriority)) return false;
    if (skip(R"(,"deadline":)") && !number(meta, kDeadline)) return false;
    if (skip(R"(,"traceparent":)") && !text(meta, kTraceparent)) return false;
    if (skip(R"(,"tracestate":)") && !text(meta, kTracestate)) return false;
    if (skip(R"(,"conversation_id":)") && !text(meta, kConversationId)) return false;
    if (skip(R"(,"hops":)") && !number(meta, kHops)) return false;
    if (!skip("}")) return false;
    members.put(kMeta, {JsonKind::kObject, {start, static_cast<size_t>(rest_.data() - start)}, {}});
    return true;
  }

  bool skip(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  template <typename Members>
  void found(Members& members, size_t at, JsonKind kind, size_t size) {
    members.put(at, {kind, rest_.substr(0, size), {}});
    rest_.remove_prefix(size);
  }

  template <typename Members>
  bool text(Members& members, size_t at) {
    if (!rest_.starts_with('"')) return false;
    size_t end = 1;
    while (end < rest_.size() && is_plain(rest_[end])) ++end;
    if (end == rest_.size() || rest_[end] != '"') return false;
    members.put(at, {JsonKind::kString, rest_.substr(0, end + 1), rest_.substr(1, end - 1)});
    rest_.remove_prefix(end + 1);
    return true;
  }

  /// Without an exponent.
  template <typename Members>
  bool number(Members& members, size_t at) {
    size_t start = rest_.starts_with('-') ? 1 : 0;
    size_t end = digits_from(start);
    if (end == start || (rest_[start] == '0' && end > start + 1)) return false;
    if (end < rest_.size() && rest_[end] == '.') {
      const size_t fraction = end + 1;
      end = digits_from(fraction);
      if (end == fraction) return false;
    }
    found(members, at, JsonKind::kNumber, end);
    return true;
  }

  template <typename Members>
  bool word(Members& members, size_t at, JsonKind kind, std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    found(members, at, kind, expected.size());
    return true;
  }

  template <typename Members>
  bool boolean(Members& members, size_t at) {
    return word(members, at, JsonKind::kBoolean, "true") || word(members, at, JsonKind::kBoolean, "false");
  }

  bool object(OuterMembers& members, size_t at) {
    auto object = reader_.leading_object(rest_);
    if (!object) return false;
    found(members, at, JsonKind::kObject, object->size());
    return true;
  }

  size_t digits_from(size_t at) const {
    while (at < rest_.size() && rest_[at] >= '0' && rest_[at] <= '9') ++at;
    return at;
  }
  static bool is_plain(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

  std::string_view rest_;
  JsonReader& reader_;
};

Result<Envelope> judged(const OuterMembers& members, std::string_view bytes) {
  Envelope envelope;
  envelope.raw = bytes;
  if (auto status = read_envelope(members, envelope); !status) return status.error();
  return envelope;
}

void append_meta(std::string& out, const EnvelopeMeta& meta) {
  JsonWriter json(out);
  out.append(R"(,"meta":{"version":)");
  json.integer(meta.version);
  out.append(R"(,"correlation_id":)");
  if (meta.correlation_id.empty())
    out.append("null");
  else
    append_json_string(out, meta.correlation_id);
  out.append(meta.expects_reply ? R"(,"expects_reply":true)" : R"(,"expects_reply":false)");
  out.append(meta.is_reply ? R"(,"is_reply":true)" : R"(,"is_reply":false)");
  if (!meta.instance.empty()) json.key("instance").string(meta.instance);
  if (!meta.priority.empty()) json.key("priority").string(meta.priority);
  if (meta.deadline) json.key("deadline").number(*meta.deadline);
  if (!meta.traceparent.empty()) json.key("traceparent").string(meta.traceparent);
  if (!meta.tracestate.empty()) json.key("tracestate").string(meta.tracestate);
  if (!meta.conversation_id.empty()) json.key("conversation_id").string(meta.conversation_id);
  if (meta.hops != 0) json.key("hops").integer(meta.hops);
  if (!meta.chain.empty()) json.key("chain").raw(meta.chain);
  if (!meta.error.code.empty()) {
    json.key("error").begin_object();
    json.key("code").string(meta.error.code);
    json.key("message").string(meta.error.message);
    json.end_object();
  }
  json.end_object();
}

}  // namespace

Result<Envelope> EnvelopeDecoder::decode(std::string_view bytes, size_t max_bytes) {
  if (bytes.size() <= std::min(max_bytes, limits::kMaxEnvelopeBytes)) {
    OuterMembers members;
    if (OwnForm(bytes, reader_).read(members)) return judged(members, bytes);
  }
  return decode_any_form(bytes, max_bytes);
}

Result<Envelope> EnvelopeDecoder::decode_any_form(std::string_view bytes, size_t max_bytes) {
  if (bytes.size() > max_bytes)
    return Error{Errc::kTooLarge,
                 "envelope: " + std::to_string(bytes.size()) + " bytes; expected at most " + std::to_string(max_bytes)};
  OuterMembers members;
  // The envelope is one level around `data`, which has the full depth to itself.
  if (auto status = reader_.visit(bytes, members, limits::kJsonDepth + 1); !status)
    return status.error().in("envelope");
  return judged(members, bytes);
}

// The names that every envelope has are written as they stand, without the writer's look at each character: this is
// most of what sending a small message costs.
void append_envelope(std::string& out, const EnvelopeFields& fields) {
  out.append(R"({"sender_id":)");
  append_json_string(out, fields.sender_id);
  out.append(R"(,"target_id":)");
  append_json_string(out, fields.target_id);
  out.append(R"(,"message_type":)");
  append_json_string(out, fields.message_type);
  out.append(R"(,"data":)").append(fields.data);
  append_meta(out, fields.meta);
  out.append(R"(,"timestamp":)");
  append_seconds(out, fields.timestamp);
  out.append(R"(,"message_id":)");
  append_json_string(out, fields.message_id);
  out.push_back('}');
}

}  // namespace mas
