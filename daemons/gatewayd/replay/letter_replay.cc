// Scripts, and the frame of a letter.
#include "daemons/gatewayd/replay/letter_replay.h"

#include "daemons/gatewayd/replay/replay_frame.h"
#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/redis/bounded_answer.h"
#include "proto/wire/partitions.h"

namespace mas::gateway {
namespace {

// KEYS: requests, queue, list. ARGV: request, frame; without a frame the request is only removed.
// A letter leaves the queue only while this takes entries, since it may have to come back.
// @return 1 moved, 0 not there (any more), a text: why it waits.
constexpr std::string_view kMove = R"lua(
local moved = 0
if ARGV[2] ~= '' then
  local probe = redis.pcall('XADD', KEYS[2], '*', 'reason', 'a probe')
  if type(probe) == 'string' then redis.call('XDEL', KEYS[2], probe) end
  local size = redis.pcall('LLEN', KEYS[3])
  for i, tried in ipairs({probe, size}) do
    if type(tried) == 'table' then
      redis.call('LREM', KEYS[1], 1, ARGV[1])
      redis.call('RPUSH', KEYS[1], ARGV[1])
      return KEYS[i + 1] .. ': ' .. tried.err
    end
  end
  moved = redis.call('XDEL', KEYS[2], ARGV[1])
  if moved == 1 then redis.call('RPUSH', KEYS[3], ARGV[2]) end
end
redis.call('LREM', KEYS[1], 1, ARGV[1])
return moved
)lua";

// On a cluster, to the sender's partition, which is in another slot than the letter. KEYS: its queue, list. ARGV:
// frame. @return 1 pushed, a text: why not.
constexpr std::string_view kPush = R"lua(
local probe = redis.pcall('XADD', KEYS[1], 'NOMKSTREAM', '*', 'reason', 'a probe')
if type(probe) == 'string' then redis.call('XDEL', KEYS[1], probe) end
local size = redis.pcall('LLEN', KEYS[2])
for i, tried in ipairs({probe or '', size}) do
  if type(tried) == 'table' then return KEYS[i] .. ': ' .. tried.err end
end
redis.call('RPUSH', KEYS[2], ARGV[1])
return 1
)lua";

// Behind it, where it was done. A gateway that dies between replays the letter twice. KEYS: requests, queue. ARGV:
// request. @return as above.
constexpr std::string_view kDrop = R"lua(
local moved = redis.call('XDEL', KEYS[2], ARGV[1])
redis.call('LREM', KEYS[1], 1, ARGV[1])
return moved
)lua";

// Behind it, where it was not: the others go first. KEYS: requests. ARGV: request.
constexpr std::string_view kLast = R"lua(
if redis.call('LREM', KEYS[1], 1, ARGV[1]) > 0 then redis.call('RPUSH', KEYS[1], ARGV[1]) end
return 0
)lua";

/// @param fields of the entry: names and values.
ReplayedLetter letter_of(const redis::Reply& fields) {
  ReplayedLetter letter;
  for (size_t i = 0; i + 1 < fields.count; i += 2) {
    std::string_view name = fields[i].text, value = fields[i + 1].text;
    if (name == "payload") letter.payload = value;
    if (name == "sender") letter.sender = value;
    if (name == "attempts") letter.attempts = leading_number<uint32_t>(value);
    if (name == "first") letter.first = leading_number<WallMicros>(value);
  }
  return letter;
}

}  // namespace

void LetterReplay::append_read(redis::Command& command, unsigned place, std::string_view request) const {
  redis::add_bounded(command, {.text = letter_bytes_, .whole = 2 * letter_bytes_},
                     {"XRANGE", keys_.dead_letters(place), request, request});
}

/// A request that is no id is answered with this error, and one whose letter is gone with nothing: both are removed.
bool LetterReplay::answered(const redis::Reply& entries) {
  return entries.is_array() || (entries.is_error() && entries.text.starts_with("ERR Invalid stream ID"));
}

LetterReplay::Appended LetterReplay::append_move(redis::Command& moves, redis::Command& pushes, unsigned place,
                                                 const std::string& request, const redis::Reply& entries,
                                                 size_t partitions) const {
  std::string frame;
  unsigned partition = place;
  Status fits;
  if (entries.is_array() && entries.count == 1 && entries[0].count == 2) {
    auto made = frame_of(place, request, entries[0][1], partitions, partition);
    if (made)
      frame = std::move(*made);
    else
      fits = made.error();
  }
  if (frame.empty()) partition = place;
  const std::string list = keys_.ingress(partition);
  if (keys_.placed(0) == keys_.placed(1) || partition == place) {
    moves.add("EVAL", kMove, 3, keys_.replays(place), keys_.dead_letters(place), list, request, frame);
    return {false, fits};
  }
  pushes.add("EVAL", kPush, 2, keys_.dead_letters(partition), list, frame);
  return {true, fits};
}

void LetterReplay::append_drop(redis::Command& moves, unsigned place, const std::string& request) const {
  moves.add("EVAL", kDrop, 2, keys_.replays(place), keys_.dead_letters(place), request);
}

void LetterReplay::append_last(redis::Command& moves, unsigned place, const std::string& request) const {
  moves.add("EVAL", kLast, 1, keys_.replays(place), request);
}

Result<std::string> LetterReplay::frame_of(unsigned place, const std::string& request, const redis::Reply& fields,
                                           size_t partitions, unsigned& ret_partition) const {
  for (size_t i = 0; i + 1 < fields.count; i += 2) {
    const std::string what = keys_.dead_letters(place) + ": letter " + request + ": " + printable(fields[i].text, 100);
    if (auto fits = redis::check_text(what, fields[i + 1], letter_bytes_); !fits) return fits.error();
  }
  const ReplayedLetter letter = letter_of(fields);
  ret_partition = partition_of(letter.sender, partitions);
  return replay_frame(letter, ns_, ret_partition, mac_);
}

}  // namespace mas::gateway
