// How much an audit record costs to build, to decode and to verify. Run by hand; figures depend on the machine, so
// nothing is asserted.
//
//   bench_audit [RECORDS PER BLOCK]     nanoseconds and bytes per record
//   bench_audit resp RECORDS            records in 16 partitions, as commands for `redis-cli --pipe` (audit_query.py)
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "daemons/gatewayd/audit/block.h"
#include "proto/base/clock.h"
#include "proto/redis/command.h"
#include "proto/wire/keys.h"

using namespace mas;
using namespace mas::gateway::audit;

namespace {

constexpr size_t kRecords = 1'000'000;

/// Records of eight senders to eight receivers in frames of 32, as a saturated gateway sees them.
std::vector<std::string> names(const char* prefix) {
  std::vector<std::string> list;
  for (int i = 0; i < 8; ++i) list.push_back(prefix + std::to_string(i));
  return list;
}

double nanoseconds_each(MonoTime start, size_t count) {
  return static_cast<double>((mono_now() - start).count()) / static_cast<double>(count);
}

struct Load {
  std::vector<std::string> senders = names("bench-sender-");
  std::vector<std::string> targets = names("bench-receiver-");
  std::vector<std::string> ids;
  WallMicros now = wall_now();

  explicit Load(size_t count) {
    for (size_t i = 0; i < count; ++i) append_uuid(ids.emplace_back(), new_uuid_v7(now));
  }

  AuditRecord record(size_t i) const {
    AuditRecord record;
    record.time = now + static_cast<WallMicros>(i);
    record.message_id = ids[i];
    record.sender = senders[i / 32 % 8];
    record.target = targets[i % 8];
    record.type = "bench.message";
    record.instance.bytes.fill(static_cast<unsigned char>(i / 32 % 8 + 1));
    record.sequence = i;
    return record;
  }
};

void build(BlockBuilder& builder, const Load& load, uint64_t number, const Digest& previous) {
  builder.begin(0, 1, number, previous, load.now, {}, {});
  for (size_t i = 0; i < load.ids.size(); ++i) builder.add(load.record(i));
}

constexpr uint32_t kPartitions = 16;
constexpr size_t kPerBlock = 500;

/// Writes blocks round-robin over the partitions. One record in ten thousand is of the sender "needle".
void write_resp(size_t records) {
  Load load(kPerBlock);
  BlockBuilder builder;
  Digest previous[kPartitions] = {};
  Keys keys;
  std::string out;
  for (size_t block = 0; block * kPerBlock < records; ++block) {
    auto partition = static_cast<uint32_t>(block % kPartitions);
    builder.begin(partition, 1, block / kPartitions + 1, previous[partition], load.now, {}, {});
    for (size_t i = 0; i < kPerBlock; ++i) {
      AuditRecord record = load.record(i);
      record.sequence = block * kPerBlock + i;
      if (record.sequence % 10'000 == 0) record.sender = "needle";
      builder.add(record);
    }
    auto finished = builder.finish();
    previous[partition] = finished.hash;
    out.clear();
    redis::append_command(out, std::string_view("XADD"), keys.audit(partition), std::string_view("*"),
                          std::string_view("b"), finished.bytes);
    std::fwrite(out.data(), 1, out.size(), stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "resp") {
    write_resp(std::strtoul(argv[2], nullptr, 10));
    return 0;
  }
  size_t per_block = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  if (per_block == 0 || per_block > kBlockRecords) return 2;
  Load load(per_block);
  size_t blocks = kRecords / per_block;
  BlockBuilder builder;
  Digest previous{};
  build(builder, load, 1, previous);
  size_t bytes = builder.finish().bytes.size();

  MonoTime start = mono_now();
  for (size_t i = 0; i < blocks; ++i) build(builder, load, i + 1, previous);
  double add = nanoseconds_each(start, blocks * per_block);
  start = mono_now();
  for (size_t i = 0; i < blocks; ++i) {
    build(builder, load, i + 1, previous);
    previous = builder.finish().hash;
  }
  double whole = nanoseconds_each(start, blocks * per_block);

  std::string block(builder.finish().bytes);
  Block decoded;
  size_t checksum = 0;
  start = mono_now();
  for (size_t i = 0; i < blocks; ++i) checksum += decode_block(block, decoded).ok() ? decoded.records.size() : 0;
  double decode = nanoseconds_each(start, blocks * per_block);
  start = mono_now();
  for (size_t i = 0; i < blocks; ++i) checksum += block_hash(block)[0];
  double hash = nanoseconds_each(start, blocks * per_block);
  std::printf("%zu records a block: %.1f bytes, add %.0f ns, with finish %.0f ns, decode %.0f ns, hash %.0f ns (%zu)\n",
              per_block, static_cast<double>(bytes) / static_cast<double>(per_block), add, whole, decode, hash,
              checksum);
  return 0;
}
