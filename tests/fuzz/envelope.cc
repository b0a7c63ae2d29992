// Envelopes: the short way of decoding and the general one agree on every text; what is accepted comes back the same
// after encoding and decoding; the verdict depends on the bytes alone.
#include "proto/wire/envelope.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reference_json.h"

using namespace mas;
using namespace mas::fuzz;

namespace {

bool same_meta(const EnvelopeMeta& a, const EnvelopeMeta& b) {
  return a.version == b.version && a.correlation_id == b.correlation_id && a.expects_reply == b.expects_reply &&
         a.is_reply == b.is_reply && a.instance == b.instance && a.priority == b.priority && a.deadline == b.deadline &&
         a.traceparent == b.traceparent && a.tracestate == b.tracestate && a.conversation_id == b.conversation_id &&
         a.hops == b.hops && a.chain == b.chain;
}

bool same_fields(const Envelope& a, const Envelope& b) {
  return a.sender_id == b.sender_id && a.target_id == b.target_id && a.message_type == b.message_type &&
         a.data == b.data && a.message_id == b.message_id && same_meta(a.meta, b.meta);
}

/// The two ways of decoding.
void require_same(const Result<Envelope>& a, const Result<Envelope>& b) {
  require(a.ok() == b.ok(), "both ways take the same texts");
  if (!a) return require(a.error().message == b.error().message, "both ways say the same is wrong");
  require(same_fields(*a, *b) && a->timestamp == b->timestamp && a->raw == b->raw, "both ways read the same");
  require(a->doubled == b->doubled && a->bare == b->bare, "both ways judge the members the same");
  require(a->meta.error.code == b->meta.error.code && a->meta.error.message == b->meta.error.message,
          "both ways read the same error");
}

std::string encoded(const Envelope& envelope) {
  std::string out;
  append_envelope(out, {envelope.sender_id, envelope.target_id, envelope.message_type, envelope.data, envelope.meta,
                        1'795'350'097'250'000, envelope.message_id});
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static EnvelopeDecoder decoder;
  static EnvelopeDecoder second_decoder;
  static EnvelopeDecoder general_decoder;
  auto bytes = text_of(data, size);
  auto envelope = decoder.decode(bytes);
  require_same(envelope, general_decoder.decode_any_form(bytes));
  for (char padding : kPaddings) {
    Padded in_place(bytes, padding);
    auto again = second_decoder.decode(in_place.text());
    require(again.ok() == envelope.ok(), "what follows an envelope does not matter");
    if (again) require(same_fields(*envelope, *again), "decoding in place gives the same fields");
  }
  if (!envelope) {
    require(envelope.error().message.starts_with("envelope: "), "a refusal says what was refused");
    return 0;
  }
  require(ReferenceJson::accepts(bytes, limits::kJsonDepth + 1), "an envelope is JSON");
  std::string ours = encoded(*envelope);
  auto again = second_decoder.decode(ours, limits::kMaxEnvelopeBytes);
  require(again.ok(), "what is accepted can be sent on");
  require_same(again, general_decoder.decode_any_form(ours, limits::kMaxEnvelopeBytes));
  require(same_fields(*envelope, *again), "encoding and decoding changes no field");
  return 0;
}
