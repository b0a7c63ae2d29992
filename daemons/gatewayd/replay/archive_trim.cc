// The trimming script.
#include "daemons/gatewayd/replay/archive_trim.h"

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/wire/partitions.h"

namespace mas::gateway {
namespace {

constexpr Duration kTrimEvery = std::chrono::seconds(10);
constexpr unsigned kLeftOvers = 16;  // at a time: all of them within eleven minutes

// KEYS: the stream. ARGV: milliseconds to keep, bytes. By Redis's clock, which gave the entries their ids.
// The bytes are Redis's estimate from a hundred nodes, and the entries that go are reckoned by their mean.
// @return how many entries went.
constexpr std::string_view kTrim = R"lua(
local time = redis.call('TIME')
local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[1]
local gone = redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f', math.max(oldest, 0)))
local bytes = redis.call('MEMORY', 'USAGE', KEYS[1], 'SAMPLES', 100)
local most = tonumber(ARGV[2])
if bytes and bytes > most then
  local left = math.floor(redis.call('XLEN', KEYS[1]) * most / bytes * 0.95)
  gone = gone + redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', string.format('%.0f', left))
end
return gone
)lua";

}  // namespace

ArchiveTrim::ArchiveTrim(common::Frame& frame)
    : frame_(frame),
      trimmed_(frame.metrics().counter("archive_trimmed_entries_total",
                                       "Entries of the archive that were removed for age or size.")) {}

void ArchiveTrim::look(std::vector<unsigned> partitions, size_t count, const ArchiveSettings& settings, MonoTime now) {
  if (now < next_ || partitions.empty()) return;
  next_ = now + kTrimEvery;
  for (unsigned i = 0; i < kLeftOvers && partitions.front() == 0; ++i) {
    left_over_ = left_over_ + 1 < kMaxPartitions ? left_over_ + 1 : static_cast<unsigned>(count);
    left_over_ = std::max(left_over_, static_cast<unsigned>(count));
    if (left_over_ < kMaxPartitions) partitions.push_back(left_over_);
  }
  redis::Command command;
  for (unsigned partition : partitions)
    command.add("EVAL", kTrim, 1, frame_.keys().archive(partition), to_millis(settings.keep), settings.max_bytes);
  static_cast<void>(frame_.redis().scatter(command, redis::reply_to<&ArchiveTrim::on_reply>(this)));
}

void ArchiveTrim::on_reply(uint64_t, const redis::Answer& answer) {
  if (!answer.ok()) return;
  const redis::Reply& reply = **answer;
  if (reply.is_integer() && reply.integer > 0) trimmed_.add(static_cast<uint64_t>(reply.integer));
  if (reply.is_error() && repeat_.should_log(reply.error_code(), mono_now()))
    frame_.log().warn("archive_not_trimmed", {{"why", printable(reply.text, 200)}});
}

}  // namespace mas::gateway
