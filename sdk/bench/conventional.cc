// The usual design over one socket, in batches.
#include "sdk/bench/conventional.h"

#include <array>
#include <vector>

#include "proto/base/ids.h"
#include "proto/redis/command.h"
#include "proto/wire/envelope.h"
#include "sdk/bench/redis_usage.h"
#include "sdk/bench/stamp.h"
#include "sdk/masctl/cli/interrupt.h"

namespace mas::ctl {

namespace {

using redis::append_command;

constexpr const char* kGroup = "bench";
constexpr const char* kConsumer = "one";

/// What the usual audit keeps of a message; the size is what counts.
constexpr std::string_view kAuditRecord =
    R"({"time":1700000000.000000,"sender":"bench-00000000-s0","target":"bench-00000000-r0","type":"bench.message",)"
    R"("decision":"ALLOWED","id":"00000000-0000-0000-0000-000000000000",)"
    R"("hash":"0000000000000000000000000000000000000000000000000000000000000000"})";

std::string sample_envelope(size_t payload) {
  std::string data = stamped_payload(payload);
  std::string envelope;
  append_envelope(envelope, {"bench-00000000-s0",
                             "bench-00000000-r0",
                             "bench.message",
                             data,
                             {},
                             wall_now(),
                             "00000000-0000-0000-0000-000000000000"});
  return envelope;
}

/// An entry that was read: where it is, and its id.
struct Entry {
  size_t stream;
  std::string id;
};

class UsualDesign {
 public:
  UsualDesign(RawLink& link, const Settings& settings, size_t payload)
      : link_(link), envelope_(sample_envelope(payload)) {
    std::string prefix = settings.keys.prefix() + "bench-" + new_instance_id().hex().substr(0, 8) + ":";
    ingress_ = prefix + "ingress";
    audit_ = prefix + "audit";
    for (size_t i = 0; i < kConventionalTargets; ++i) targets_[i] = prefix + "target:" + std::to_string(i);
  }

  Status create() {
    append_command(out_, "XGROUP", "CREATE", ingress_, kGroup, "0", "MKSTREAM");
    for (const auto& target : targets_) append_command(out_, "XGROUP", "CREATE", target, kGroup, "0", "MKSTREAM");
    return flush(1 + kConventionalTargets);
  }

  Status remove() {
    append_command(out_, "UNLINK", ingress_, audit_);
    for (const auto& target : targets_) append_command(out_, "UNLINK", target);
    return flush(1 + kConventionalTargets);
  }

  /// Carries kConventionalDepth messages from the sender to the receivers' acknowledgements.
  Status batch() {
    Status done = ingest();
    if (done.ok()) done = read(ingress_, kConventionalDepth, 0, read_);
    if (done.ok()) done = deliver();
    received_.clear();
    for (size_t i = 0; done.ok() && i < kConventionalTargets; ++i) {
      done = read(targets_[i], kConventionalDepth, i, received_);
    }
    if (done.ok()) done = acknowledge();
    if (done.ok() && received_.size() != kConventionalDepth)
      return Error{Errc::kInternal, "messages were lost or misdelivered"};
    return done;
  }

 private:
  Status ingest() {
    for (size_t i = 0; i < kConventionalDepth; ++i) append_command(out_, "XADD", ingress_, "*", "b", envelope_);
    read_.clear();
    return flush(kConventionalDepth);
  }

  Status deliver() {
    size_t next = 0;
    for (const auto& entry : read_) {
      append_command(out_, "MULTI");
      append_command(out_, "XADD", targets_[next++ % kConventionalTargets], "*", "b", envelope_);
      append_command(out_, "XADD", audit_, "*", "r", kAuditRecord);
      append_command(out_, "XACK", ingress_, kGroup, entry.id);
      append_command(out_, "XDEL", ingress_, entry.id);
      append_command(out_, "EXEC");
    }
    return flush(6 * read_.size());
  }

  Status acknowledge() {
    for (const auto& entry : received_) {
      append_command(out_, "XACK", targets_[entry.stream], kGroup, entry.id);
      append_command(out_, "XDEL", targets_[entry.stream], entry.id);
    }
    return flush(2 * received_.size());
  }

  Status read(const std::string& stream, size_t count, size_t index, std::vector<Entry>& entries) {
    std::string command;
    append_command(command, "XREADGROUP", "GROUP", kGroup, kConsumer, "COUNT", count, "STREAMS", stream, ">");
    auto reply = link_.call(command);
    if (!reply.ok()) return reply.error();
    if (!(*reply)->is_array()) return {};
    for (const auto& of_stream : **reply) {
      for (const auto& entry : of_stream[1]) entries.push_back({index, std::string(entry[0].text)});
    }
    return {};
  }

  Status flush(size_t replies) {
    Status written = link_.write(out_);
    out_.clear();
    if (!written.ok()) return written;
    for (size_t i = 0; i < replies; ++i) {
      auto reply = link_.read();
      if (!reply.ok()) return reply.error();
    }
    return {};
  }

  RawLink& link_;
  std::string envelope_;
  std::string ingress_, audit_;
  std::array<std::string, kConventionalTargets> targets_;
  std::string out_;
  std::vector<Entry> read_, received_;
};

Result<ConventionalCeiling> run(RawLink& link, UsualDesign& design, Duration time) {
  ConventionalCeiling ceiling;
  auto before = redis_cpu_nanos(link);
  if (!before.ok()) return before.error();
  MonoTime begin = mono_now();
  do {
    Status done = design.batch();
    if (!done.ok()) return done.error();
    if (interrupted()) return Error{Errc::kCancelled, "interrupted"};
    ceiling.messages += kConventionalDepth;
  } while (mono_now() - begin < time);
  ceiling.elapsed = static_cast<uint64_t>((mono_now() - begin).count());
  auto after = redis_cpu_nanos(link);
  if (!after.ok()) return after.error();
  ceiling.redis_cpu = *after - *before;
  return ceiling;
}

}  // namespace

Result<ConventionalCeiling> measure_conventional(const Settings& settings, size_t payload, Duration time) {
  auto link = RawLink::open(settings.endpoint);
  if (!link.ok()) return link.error();
  UsualDesign design(**link, settings, payload);
  Status created = design.create();
  if (!created.ok()) return created.error();
  auto ceiling = run(**link, design, time);
  Status removed = design.remove();
  if (ceiling.ok() && !removed.ok()) return removed.error();
  return ceiling;
}

}  // namespace mas::ctl
