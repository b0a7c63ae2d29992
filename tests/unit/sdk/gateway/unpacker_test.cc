// From a stream entry to messages: what is delivered, what is dropped, and what is reported as failed.
#include "sdk/src/gateway/unpacker.h"

#include <memory>

#include "tests/unit/catch.h"
#include "tests/unit/sdk/gateway/fake_host.h"

using namespace mas;
using namespace mas::sdk;

namespace {

struct UnpackerCase {
  FakeHost host;
  Deliveries deliveries{host.agent.config};
  DedupeWindow dedupe{host.agent.config.dedupe_messages};
  Unpacker unpacker{host, deliveries, dedupe};
  std::string blob{static_cast<char>(kEntryVersion)};

  UnpackerCase() {
    deliveries.open([] {});
  }
  /// Adds a record of alice's message of that id to the entry.
  void add(const std::string& id, const std::string& target = "bob", const std::string& meta = "{}",
           const std::string& data = "{}") {
    append_record(blob, R"({"sender_id":"alice","target_id":")" + target + R"(","message_type":"t","message_id":")" +
                            id + R"(","meta":)" + meta + R"(,"data":)" + data + "}");
  }
  DeliveryPtr take(size_t stream = 3) {
    auto delivery = std::make_shared<Delivery>(stream, Lane::kNormal, "1-1");
    unpacker.take(delivery, blob, "the stream");
    return delivery;
  }
  std::vector<Failure> failed() {
    std::vector<Failure> failures;
    deliveries.take_failed(failures);
    return failures;
  }
};

}  // namespace

TEST_CASE("each record of an entry is a message with its share of the entry") {
  UnpackerCase at;
  at.add("one");
  at.add("two");
  auto delivery = at.take();
  REQUIRE(at.host.delivered.size() == 2);
  CHECK(at.host.delivered[1]->id() == std::string("two"));
  CHECK(at.host.delivered[1]->share().delivery == delivery);
  CHECK(at.host.delivered[1]->share().index == 1);
  CHECK(delivery->open == 3);  // the two, and who takes the entry apart
}

TEST_CASE("what comes twice is dropped, unless its handler failed meanwhile") {
  UnpackerCase at;
  at.add("one");
  at.take();
  at.take();
  CHECK(at.host.delivered.size() == 1);
  CHECK(at.host.agent.counters.duplicates.get() == 1);
  at.dedupe.forget(at.host.delivered[0]->share().key);
  at.take();
  CHECK(at.host.delivered.size() == 2);
}

TEST_CASE("a reply counts on the reply stream alone") {
  const std::string reply = R"({"is_reply":true,"correlation_id":"c"})";
  UnpackerCase at;
  at.add("one", "bob", reply);
  at.take();
  CHECK(at.host.delivered.empty());
  CHECK(at.host.agent.counters.foreign_replies.get() == 1);
  at.dedupe.clear();
  auto delivery = at.take(0);
  REQUIRE(at.host.delivered.size() == 1);
  CHECK(at.host.delivered[0]->share().delivery == nullptr);  // no handler's: nobody acknowledges it later
  CHECK(delivery->open == 1);
}

TEST_CASE("what the agent cannot hold is reported as failed, and what nobody could read is dropped") {
  UnpackerCase at;
  at.add("large", "bob", "{}", R"({"x":")" + std::string(1000, 'x') + R"("})");
  at.add("stray", "carol");
  auto delivery = at.take();
  CHECK(at.host.delivered.empty());
  CHECK(at.host.agent.counters.malformed.get() == 2);
  auto failed = at.failed();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].share.index == 0);
  CHECK(delivery->open == 2);
  at.take(0);
  CHECK(at.failed().empty());  // nobody takes a report of the reply stream
}

TEST_CASE("of an entry that is cut, what stands before the cut is delivered") {
  UnpackerCase at;
  at.add("one");
  at.add("two");
  at.blob.pop_back();
  at.take();
  CHECK(at.host.delivered.size() == 1);
  CHECK(at.host.agent.counters.malformed.get() == 1);
}

TEST_CASE("an entry whose holders died is reported message by message, and given to nobody") {
  UnpackerCase at;
  at.add("one");
  at.add("two");
  auto delivery = std::make_shared<Delivery>(size_t{3}, Lane::kNormal, "1-1");
  at.unpacker.fail(delivery, at.blob);
  CHECK(at.host.delivered.empty());
  CHECK(at.failed().size() == 2);
}
