// The mock gateway: frames in, entries and receipts out.
#include "tests/sdk/mock_gateway.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proto/wire/envelope.h"
#include "proto/wire/failure_report.h"
#include "proto/wire/frame.h"
#include "proto/wire/keys.h"
#include "proto/wire/limits.h"
#include "proto/wire/receipt.h"
#include "proto/wire/wake_up.h"
#include "tests/sdk/harness.h"
#include "tests/sdk/raw_redis.h"

using mas::Decision;
using mas::Frame;
using mas::Id128;
using mas::ReceiptKind;
using mas::ReceiptMessage;
using mas::Record;

namespace {

struct Script {
  unsigned partitions = 16;
  int drop_receipts = 0, drop_frames = 0, refuse_frames = 0, drop_wake_ups = 0;
  Decision frame_decision = Decision::kUnavailable;
  std::deque<Decision> report_refusals;
  std::string refused_type, refused_detail;
  Decision type_decision = Decision::kAllowed;
  unsigned retry_after_ms = 0;
  std::string key_id, key;
};

struct Sender {
  uint64_t last = 0;
  std::map<uint64_t, Decision> refusals;
};

/// What a ticket is here: the requester's instance, in hexadecimal, and filling.
std::string ticket_for(const Id128 &instance) {
  std::string ticket = instance.hex();
  ticket.resize(mas::kTicketBytes, '.');
  return ticket;
}

}  // namespace

struct mock_gateway {
 public:
  explicit mock_gateway(std::string socket) : socket_(std::move(socket)), thread_([this] { run(); }) {}
  explicit mock_gateway(const std::vector<mas::test::RawCluster::Node> &nodes)
      : keys_("", mas::KeyLayout::kCluster), cluster_(nodes), thread_([this] { run(); }) {}
  ~mock_gateway() {
    stopping_ = true;
    thread_.join();
  }

  bool on_cluster() const { return cluster_.has_value(); }
  template <typename Change>
  void change(Change &&fn) {
    std::lock_guard lock(mutex_);
    fn();
  }
  void pause(bool paused) {
    std::unique_lock lock(mutex_);
    paused_ = paused;
    turned_.wait(lock, [&] { return idle_ == paused; });
  }

  Script script;                          // guarded by mutex_
  std::map<std::string, Sender> senders;  // by sender and instance; guarded by mutex_
  mock_counts counts{};                   // guarded by mutex_

 private:
  void run() {
    while (!stopping_) {
      try {
        if (cluster_) {
          while (!stopping_) turn(*cluster_);
          return;
        }
        mas::test::RawRedis redis(socket_);
        while (!stopping_ && turn(redis)) {
        }
      } catch (const std::runtime_error &) {  // the server is away
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  /// @return whether it is paused.
  bool rests() {
    {
      std::unique_lock lock(mutex_);
      idle_ = paused_;
      turned_.notify_all();
    }
    if (idle_) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return idle_;
  }

  /// Lists in many slots: none can be waited for.
  void turn(mas::test::RawCluster &cluster) {
    if (rests()) return;
    unsigned partitions = 0;
    change([&] { partitions = script.partitions; });
    bool any = false;
    for (unsigned p = 0; p < partitions; ++p) {
      const std::string element = cluster.command({"LPOP", keys_.ingress(p)});
      if (element == "(nil)" || element.empty() || element[0] == '-') continue;
      any = true;
      std::lock_guard lock(mutex_);
      handle(cluster, keys_.ingress(p), element);
    }
    if (!any) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  /// @return false when the server is away.
  bool turn(mas::test::RawRedis &redis) {
    if (rests()) return true;
    std::vector<std::string> wait{"BLPOP"};
    unsigned partitions = 0;
    change([&] { partitions = script.partitions; });
    for (unsigned p = 0; p < partitions; ++p) wait.push_back(keys_.ingress(p));
    wait.emplace_back("0.02");
    auto taken = redis.array(wait);
    if (taken.size() == 2) {
      std::lock_guard lock(mutex_);
      handle(redis, taken[0], taken[1]);
    }
    return redis.command({"PING"}) == "PONG";
  }

  void handle(mas::test::RawCommands &redis, const std::string &list, const std::string &element) {
    Frame frame;
    ++counts.frames;
    if (!mas::decode_frame(element, frame)) {
      ++counts.unauthenticated;
      return;
    }
    counts.records += static_cast<int>(frame.records.size());
    counts.largest_frame = std::max(counts.largest_frame, static_cast<int>(frame.records.size()));
    if (script.drop_frames > 0 && script.drop_frames-- > 0) return;
    ReceiptMessage receipt;
    receipt.frame = frame.header.id;
    if (!authentic(redis, list, frame)) {
      ++counts.unauthenticated;
      refuse(receipt, Decision::kAuthFailed, "the mock does not know this credential");
    } else if (script.refuse_frames > 0 && script.refuse_frames-- > 0) {
      refuse(receipt, script.frame_decision, "the script says so");
    } else {
      decide(redis, frame, receipt);
    }
    if (script.drop_receipts > 0 && script.drop_receipts-- > 0) return;
    std::string bytes;
    mas::append_receipt(bytes, receipt);
    redis.command(
        {cluster_ ? "SPUBLISH" : "PUBLISH", keys_.receipts(frame.header.sender, frame.header.instance.hex()), bytes});
  }

  static void refuse(ReceiptMessage &receipt, Decision decision, std::string_view detail) {
    receipt.kind = ReceiptKind::kFrameRefused;
    receipt.outcomes.push_back({0, decision, 0, detail});
  }

  bool authentic(mas::test::RawCommands &redis, const std::string &list, const Frame &frame) {
    const auto &header = frame.header;
    auto partition = static_cast<unsigned>(mas::fnv1a64(header.sender) % script.partitions);
    if (list != keys_.ingress(partition)) return false;
    if (script.key_id.empty())
      return header.kind == mas::CredentialKind::kToken &&
             redis.command({"HGET", keys_.agent(header.sender), "token"}) == header.credential;
    if (header.kind != mas::CredentialKind::kKey || header.credential != script.key_id) return false;
    std::vector<mas::Digest> digests;
    for (const Record &record : frame.records) digests.push_back(mas::sha256(record.envelope));
    std::string input;
    mas::append_frame_mac_input(input, "", partition, header, frame.records, digests);
    return mas::equal_in_constant_time(mas::HmacKey(script.key).tag(input), frame.mac);
  }

  void decide(mas::test::RawCommands &redis, const Frame &frame, ReceiptMessage &receipt) {
    const auto &header = frame.header;
    Sender &sender = senders[std::string(header.sender) + header.instance.hex()];
    if (header.first_sequence > sender.last + 1) {
      ++counts.gaps;
      receipt.kind = ReceiptKind::kResendFrom;
      receipt.sequence = sender.last + 1;
      return;
    }
    receipt.kind = ReceiptKind::kDecided;
    receipt.sequence = header.first_sequence;
    receipt.count = static_cast<uint32_t>(frame.records.size());
    for (uint32_t i = 0; i < receipt.count; ++i) {
      uint64_t number = header.first_sequence + i;
      if (number <= sender.last) {
        ++counts.repeated;
      } else {
        ++counts.decided;
        sender.last = number;
        Decision decision = decide_one(redis, frame, frame.records[i]);
        if (decision != Decision::kAllowed) sender.refusals[number] = decision;
      }
      auto refused = sender.refusals.find(number);
      if (refused == sender.refusals.end()) continue;
      bool scripted = refused->second == script.type_decision;
      receipt.outcomes.push_back({i, refused->second, scripted ? script.retry_after_ms : 0,
                                  scripted ? std::string_view(script.refused_detail) : std::string_view()});
    }
    flush(redis);
  }

  Decision decide_one(mas::test::RawCommands &redis, const Frame &frame, const Record &record) {
    if ((record.flags & Record::kFailed) != 0) {
      ++counts.reports;
      auto report = mas::FailureReport::decode(record.envelope);
      if (!report) return Decision::kMalformed;
      counts.last_report_partition = report->partition ? static_cast<int>(*report->partition) : -1;
      if (script.report_refusals.empty()) return Decision::kAllowed;
      Decision refusal = script.report_refusals.front();
      script.report_refusals.pop_front();
      return refusal;
    }
    auto envelope = decoder_.decode(record.envelope);
    if (!envelope || envelope->sender_id != frame.header.sender) return Decision::kMalformed;
    if (!script.refused_type.empty() && envelope->message_type == script.refused_type) return script.type_decision;
    if (redis.command({"HGET", keys_.agent(envelope->target_id), "mode"}) != "gateway")
      return Decision::kTargetNotFound;
    const unsigned partition = mas::partition_of(frame.header.sender, script.partitions);
    mas::WakeUp wake{partition, mas::Lane::kNormal, {}};
    std::string stream = keys_.inbox(envelope->target_id, wake.lane, partition);
    if (envelope->meta.is_reply) {
      if (record.ticket.size() != mas::kTicketBytes) return Decision::kAuthzDenied;
      wake.instance = record.ticket.substr(0, 32);
      stream = keys_.reply_inbox(envelope->target_id, wake.instance, partition);
    }
    if (envelope->meta.expects_reply && envelope->meta.instance != frame.header.instance.hex())
      return Decision::kMalformed;
    auto &[blob, channel, wake_up] = entries_[stream];
    if (blob.empty()) {
      blob.push_back(static_cast<char>(mas::kEntryVersion));
      channel = keys_.wake_channel(envelope->target_id);
      mas::append_wake_up(wake_up, wake);
    }
    mas::append_record(blob, record.envelope,
                       envelope->meta.expects_reply ? ticket_for(frame.header.instance) : std::string());
    ++counts.delivered;
    return Decision::kAllowed;
  }

  void flush(mas::test::RawCommands &redis) {
    for (const auto &[stream, entry] : entries_) {
      const std::vector<std::string> add{"XADD", stream, "*", "b", entry.blob};
      if (!cluster_) {
        redis.command(add);
        continue;
      }
      std::string replicated;  // what a killed primary alone had is added once more, at its heir
      cluster_->command(add, {"WAIT", "1", "200"}, replicated);
      const bool told = script.drop_wake_ups == 0 || --script.drop_wake_ups < 0;
      if (told) cluster_->command({"SPUBLISH", entry.channel, entry.wake_up});
    }
    entries_.clear();
  }

  /// What a frame delivers into one stream.
  struct Entry {
    std::string blob, channel, wake_up;
  };

  const std::string socket_;
  const mas::Keys keys_;
  std::optional<mas::test::RawCluster> cluster_;  // else it is one server
  mas::EnvelopeDecoder decoder_;
  std::map<std::string, Entry> entries_;  // by stream
  std::mutex mutex_;
  std::condition_variable turned_;
  bool paused_ = false;
  bool idle_ = false;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

mock_gateway *mock_gateway_start_on(const std::vector<mas::test::RawCluster::Node> &nodes) {
  return new mock_gateway(nodes);
}

extern "C" {

mock_gateway *mock_gateway_start(void) {
  std::string url = redis_url();
  return new mock_gateway(url.substr(url.find('/') + 2));
}

void mock_gateway_stop(mock_gateway *gateway) { delete gateway; }

void mock_gateway_pause(mock_gateway *gateway, bool paused) { gateway->pause(paused); }

void mock_gateway_set_partitions(mock_gateway *gateway, unsigned partitions) {
  mock_gateway_pause(gateway, true);  // it waits at no list of before
  gateway->change([&] { gateway->script.partitions = partitions; });
  if (!gateway->on_cluster()) redis("HSET", "mas.config", "partitions", std::to_string(partitions).c_str(), nullptr);
  mock_gateway_pause(gateway, false);
}

void mock_gateway_drop_receipts(mock_gateway *gateway, int count) {
  gateway->change([&] { gateway->script.drop_receipts = count; });
}

void mock_gateway_drop_wake_ups(mock_gateway *gateway, int count) {
  gateway->change([&] { gateway->script.drop_wake_ups = count; });
}

void mock_gateway_drop_frames(mock_gateway *gateway, int count) {
  gateway->change([&] { gateway->script.drop_frames = count; });
}

void mock_gateway_refuse_frames(mock_gateway *gateway, int count, const char *decision) {
  gateway->change([&] {
    gateway->script.refuse_frames = count;
    gateway->script.frame_decision = *mas::parse_decision(decision);
  });
}

void mock_gateway_refuse_type(mock_gateway *gateway, const char *type, const char *decision, const char *detail,
                              unsigned retry_after_ms) {
  gateway->change([&] {
    gateway->script.refused_type = type == nullptr ? "" : type;
    gateway->script.type_decision = *mas::parse_decision(decision);
    gateway->script.refused_detail = detail;
    gateway->script.retry_after_ms = retry_after_ms;
  });
}

void mock_gateway_refuse_report(mock_gateway *gateway, const char *decision) {
  gateway->change([&] { gateway->script.report_refusals.push_back(*mas::parse_decision(decision)); });
}

void mock_gateway_forget(mock_gateway *gateway) {
  gateway->change([&] { gateway->senders.clear(); });
}

void mock_gateway_use_key(mock_gateway *gateway, const char *key_id, const char *key) {
  gateway->change([&] {
    gateway->script.key_id = key_id;
    gateway->script.key.assign(key, 32);
  });
}

mock_counts mock_gateway_counts(mock_gateway *gateway) {
  mock_counts counts;
  gateway->change([&] { counts = gateway->counts; });
  return counts;
}

}  // extern "C"
