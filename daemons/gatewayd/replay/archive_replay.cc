// From a request and its entry to frames.
#include "daemons/gatewayd/replay/archive_replay.h"

#include <map>
#include <vector>

#include "daemons/gatewayd/replay/replay_frame.h"
#include "proto/base/ids.h"
#include "proto/redis/bounded_answer.h"

namespace mas::gateway {
namespace {

constexpr size_t kMaxEntryBytes = 128u * 1024 * 1024;  // what a turn delivers for one partition takes less

// KEYS: requests, lists. ARGV: request, how many frames may wait, then per frame the number of its list's key and it.
// Frames first: it is the first write that Redis refuses when it is out of memory.
// @return how many went in, -1 too many wait, a text: why the request went to the end.
constexpr std::string_view kMove = R"lua(
for i = 2, #KEYS do
  local size = redis.pcall('LLEN', KEYS[i])
  if type(size) == 'table' then
    if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 1 then redis.call('RPUSH', KEYS[1], ARGV[1]) end
    return KEYS[i] .. ': ' .. size.err
  end
  if size > tonumber(ARGV[2]) then return -1 end
end
if not redis.call('LPOS', KEYS[1], ARGV[1]) then return 0 end
local moved = 0
for i = 3, #ARGV, 2 do
  redis.call('RPUSH', KEYS[tonumber(ARGV[i])], ARGV[i + 1])
  moved = moved + 1
end
redis.call('LREM', KEYS[1], 1, ARGV[1])
return moved
)lua";

}  // namespace

/// Frames, and the lists that they go to.
struct ArchiveReplay::Moves {
  struct Frame {
    std::string list, bytes;
  };
  std::map<unsigned, size_t> lists;  // by partition: number among KEYS
  std::vector<std::string> keys;
  std::vector<Frame> frames;
};

void ArchiveReplay::append_read(redis::Command& command, std::string_view request) const {
  auto parsed = archive::parse_request(request);
  // What is no request reads nothing, and is removed by the move.
  std::string entry = parsed ? parsed->entry : "0-1";
  redis::add_bounded(command, {.text = kMaxEntryBytes, .whole = kMaxEntryBytes + 4096},
                     {"XRANGE", keys_.archive(parsed ? parsed->partition : 0), entry, entry});
}

Status ArchiveReplay::append_move(redis::Command& command, unsigned place, std::string_view request,
                                  const redis::Reply& entries, size_t partitions) const {
  Moves moves;
  moves.keys.push_back(keys_.replays(place));
  Status status = make_frames(place, request, entries, partitions, moves);
  std::string count = std::to_string(moves.keys.size()), most = std::to_string(kMaxWaiting);
  std::vector<std::string_view> words{"EVAL", kMove, count};
  words.insert(words.end(), moves.keys.begin(), moves.keys.end());
  words.insert(words.end(), {request, most});
  for (const auto& frame : moves.frames) words.insert(words.end(), {frame.list, frame.bytes});
  command.add(words);
  return status;
}

Status ArchiveReplay::make_frames(unsigned place, std::string_view request, const redis::Reply& entries,
                                  size_t partitions, Moves& moves) const {
  auto parsed = archive::parse_request(request);
  if (!parsed) return parsed.error();
  if (entries.is_error()) return redis::error_of(entries);
  bool found = entries.is_array() && entries.count == 1 && entries[0].count == 2 && entries[0][1].count >= 2;
  if (!found) return Error{Errc::kNotFound, "the archive has no such entry any more"};
  const redis::Reply& blob = entries[0][1][1];
  const std::string what = keys_.archive(parsed->partition) + ": entry " + parsed->entry;
  if (auto fits = redis::check_text(what, blob, kMaxEntryBytes); !fits) return fits;
  archive::Entry entry;
  if (auto status = archive::decode(blob.text, entry); !status) return status;
  auto envelopes = open(entry, keys_.archive(parsed->partition));
  if (!envelopes) return envelopes.error();
  Status first;
  for (uint32_t number : parsed->records) {
    if (number >= entry.records.size()) {
      if (first.ok()) first = Error{Errc::kNotFound, "the entry has no record " + std::to_string(number)};
      continue;
    }
    const auto& record = entry.records[number];
    ReplayedLetter letter;
    letter.payload = std::string_view(*envelopes).substr(record.begin, record.size);
    letter.sender = record.sender;
    letter.first = entry.time;
    letter.credential = kArchiveKey;
    unsigned partition = partition_of(record.sender, partitions);
    if (keys_.placed(partition) != place) {
      if (first.ok())
        first = Error{Errc::kRefused, "record " + std::to_string(number) + " is of a sender whose requests go to " +
                                          keys_.replays(partition)};
      continue;
    }
    auto frame = replay_frame(letter, ns_, partition, mac_);
    if (!frame) {
      if (first.ok()) first = frame.error();
      continue;
    }
    auto [list, fresh] = moves.lists.try_emplace(partition, moves.keys.size() + 1);
    if (fresh) moves.keys.push_back(keys_.ingress(partition));
    moves.frames.push_back({std::to_string(list->second), std::move(*frame)});
  }
  return first;
}

Result<std::string> ArchiveReplay::open(const archive::Entry& entry, std::string_view stream) const {
  for (const archive::Key* key : {key_.get(), old_ ? &*old_ : nullptr})
    if (key != nullptr && key->id() == entry.key_id) return archive::open(entry, *key, stream);
  return Error{Errc::kNotFound, "this gateway has no archive key '" + printable(entry.key_id, 64) +
                                    "', which the entry is sealed under (archive.encryption_key_file, old_key_file)"};
}

}  // namespace mas::gateway
