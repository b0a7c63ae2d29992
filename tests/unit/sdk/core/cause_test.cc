// What messages say of the one whose handler sent them: hops, chain, conversation, trace; and what replies say.
#include "sdk/src/core/cause.h"

#include <thread>

#include "sdk/src/core/outbox.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::sdk;

namespace {

AgentConfig config_of(const std::string& id) {
  AgentConfig config;
  config.id = id;
  return config;
}

const auto local_time = std::make_shared<RedisClock>();  // nothing was measured

/// An outbox whose messages are looked at, not sent.
class Looked final : public Outbox {
 public:
  explicit Looked(const std::string& id)
      : Outbox(config_of(id), local_time, std::make_shared<Tracer>(), {16, 1 << 20}) {}
  Status accept(const Draft& draft, const Id128& id, WallMicros now) override {
    auto envelope = compose(draft, id, now);
    if (!envelope) return envelope.error();
    sent = *envelope;
    return {};
  }
  /// @return the `meta` of a message that is sent now.
  EnvelopeMeta meta(const Draft& draft) {
    REQUIRE(send(draft, Id128{}, 1).ok());
    auto envelope = decoder.decode(sent);
    REQUIRE(envelope.ok());
    return envelope->meta;
  }
  std::string sent;
  EnvelopeDecoder decoder;

 protected:
  void write_out() override {}
};

const Draft kDraft{.target = "carol", .type = "note", .json = {}, .correlation_id = {}, .ticket = {}, .deadline = {}};
const std::string kTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const std::string kOther = "00-11111111111111111111111111111111-2222222222222222-00";
const std::string kSpan = "00-0af7651916cd43dd8448eb211c80319c-3333333333333333-01";

struct CauseCase {
  std::shared_ptr<Looked> bob = std::make_shared<Looked>("bob");
  EnvelopeDecoder decoder;

  MessagePtr message(const std::string& meta, const std::string& sender = "alice") {
    auto made = mas_message::make(R"({"sender_id":")" + sender +
                                      R"(","target_id":"bob","message_type":"t","data":{},"meta":{)" + meta +
                                      R"(},"message_id":"m1"})",
                                  decoder, 1 << 20, *bob);
    REQUIRE(made.ok());
    return std::move(*made);
  }
};

}  // namespace

TEST_CASE("what is sent without a cause says nothing of one") {
  CauseCase at;
  auto meta = at.bob->meta(kDraft);
  CHECK(meta.hops == 0);
  CHECK(meta.chain.empty());
  CHECK(meta.conversation_id.empty());
  CHECK(at.bob->sent.find("hops") == std::string::npos);
}

TEST_CASE("what a handler sends passes its message on") {
  CauseCase at;
  auto first = at.message("");
  {
    Cause cause(*first);
    auto meta = at.bob->meta(kDraft);
    CHECK(meta.hops == 1);
    CHECK(meta.chain == R"(["alice"])");
    CHECK(meta.conversation_id == "m1");
    CHECK(meta.traceparent.empty());
    std::thread([&] { CHECK(at.bob->meta(kDraft).hops == 0); }).join();
  }
  CHECK(at.bob->meta(kDraft).hops == 0);

  auto later = at.message(R"("traceparent":"00\u002d)" + kTrace.substr(3) +
                          R"(","tracestate":"a=b","conversation_id":"c\u00e4","hops":7,"chain":[ "x", "bob" ])");
  Cause cause(*later);
  auto meta = at.bob->meta(kDraft);
  CHECK(meta.hops == 8);
  CHECK(meta.chain == R"(["x","bob","alice"])");
  CHECK(meta.conversation_id == "cä");
  CHECK(meta.traceparent == kTrace);
  CHECK(meta.tracestate == "a=b");
}

TEST_CASE("another agent of the process that sends for it stands behind it in the chain") {
  CauseCase at;
  Looked dave("dave");
  auto message = at.message("");
  Cause cause(*message);
  auto meta = dave.meta(kDraft);
  CHECK(meta.chain == R"(["alice","bob"])");
}

TEST_CASE("who has no id of ours is left out of the chain, and the message can be read") {
  CauseCase at;
  auto message = at.message(R"("chain":["x"])", "an agent of others");
  Cause cause(*message);
  auto meta = at.bob->meta(kDraft);
  CHECK(meta.chain == R"(["x"])");
  CHECK(meta.hops == 1);
  auto unchained = at.message("", "an agent of others");
  Cause other(*unchained);
  CHECK(at.bob->meta(kDraft).chain.empty());
}

TEST_CASE("a reply carries its request's conversation and trace, and no hop") {
  CauseCase at;
  auto request = at.message(R"("correlation_id":"r1","expects_reply":true,"traceparent":")" + kTrace +
                            R"(","tracestate":"a=b","hops":3,"chain":["x"])");
  Draft reply = kDraft;
  reply.correlation_id = "r1";
  reply.request = request.get();
  auto meta = at.bob->meta(reply);
  CHECK(meta.hops == 0);
  CHECK(meta.chain.empty());
  CHECK(meta.conversation_id.empty());
  CHECK(meta.traceparent == kTrace);
  CHECK(meta.tracestate == "a=b");
  auto other = at.message(R"("traceparent":")" + kOther + '"');
  Cause cause(*other);
  CHECK(at.bob->meta(reply).traceparent == kTrace);
  CHECK(at.bob->meta(kDraft).traceparent == kOther);
}

TEST_CASE("the context of a span that an observer opened is stronger than the message's, for what belongs to it") {
  CauseCase at;
  auto request = at.message(R"("correlation_id":"r1","expects_reply":true,"traceparent":")" + kTrace + '"');
  auto other = at.message(R"("correlation_id":"r2","expects_reply":true,"traceparent":")" + kOther + '"');
  Draft reply = kDraft, reply_to_other = kDraft;
  reply.correlation_id = "r1", reply.request = request.get();
  reply_to_other.correlation_id = "r2", reply_to_other.request = other.get();
  Cause cause(*request);
  OwnContext span;
  span.assign({kSpan, "s=1"});
  request->traced_as(1, span);
  CHECK(at.bob->meta(kDraft).traceparent == kSpan);
  CHECK(at.bob->meta(reply).traceparent == kSpan);
  CHECK(at.bob->meta(reply).tracestate == "s=1");
  CHECK(at.bob->meta(reply_to_other).traceparent == kOther);
  thread_context().assign({kTrace, {}});  // mas_trace_set()
  CHECK(at.bob->meta(kDraft).traceparent == kTrace);
  CHECK(at.bob->meta(kDraft).tracestate.empty());
  CHECK(at.bob->meta(reply_to_other).traceparent == kTrace);
  thread_context().assign({});
  CHECK(at.bob->meta(kDraft).traceparent == kSpan);
  request->traced_as(1, OwnContext());
  CHECK(at.bob->meta(kDraft).traceparent.empty());
  CHECK(at.bob->meta(reply).traceparent.empty());
}

TEST_CASE("what a thread runs for others takes nothing over from it") {
  CauseCase at;
  auto message = at.message(R"("traceparent":")" + kTrace + '"');
  thread_context().assign({kOther, {}});
  {
    Cause cause(*message);
    thread_context().assign({kSpan, "s=1"});
    {
      WithoutCause others;
      CHECK(at.bob->meta(kDraft).traceparent.empty());
      CHECK(at.bob->meta(kDraft).hops == 0);
      thread_context().assign({kTrace, {}});
      CHECK(at.bob->meta(kDraft).traceparent == kTrace);
    }
    CHECK(at.bob->meta(kDraft).traceparent == kSpan);
    CHECK(at.bob->meta(kDraft).tracestate == "s=1");
    CHECK(at.bob->meta(kDraft).hops == 1);
  }
  CHECK(at.bob->meta(kDraft).traceparent == kOther);
  thread_context().assign({});
}

TEST_CASE("a chain that is passed on for ever stays within its bound") {
  CauseCase at;
  std::string meta;
  for (int i = 0; i < 100; ++i) {
    auto message = at.message(meta, "agent" + std::to_string(i));
    Cause cause(*message);
    auto next = at.bob->meta(kDraft);
    CHECK(next.hops == i + 1);
    meta = "\"hops\":" + std::to_string(next.hops) + ",\"chain\":" + std::string(next.chain);
  }
  CHECK(meta.find("agent68") != std::string::npos);
  CHECK(meta.find("agent67") == std::string::npos);
}
