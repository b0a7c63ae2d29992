// The script, its arguments and its words.
#include "proto/wire/forget_agent.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "proto/base/ids.h"
#include "proto/wire/lane.h"

namespace mas {
namespace {

// The scripts' pieces. KEYS, as far as they have them: entry, heartbeat, instances, then lanes. ARGV: head of the
// leases' keys, milliseconds that the agent must be gone, 1 to discard what waits, 1 to change nothing.
// An entry of a lane that was handled is deleted, so what is there waits.
constexpr std::string_view kLooksAtLanes = R"lua(
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local waiting, last, lanes = 0, -1, {}
local function field(list, name)
  for i = 1, #list, 2 do
    if list[i] == name then return list[i + 1] end
  end
end
for i = first, #KEYS do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind == 'stream' then
    lanes[#lanes + 1] = KEYS[i]
  elseif kind ~= 'none' then
    return {'foreign', 0, -1}
  end
end
if #lanes == 0 then return {'none', 0, -1} end
for _, lane in ipairs(lanes) do
  local pending = 0
  local id = field(redis.call('XINFO', 'STREAM', lane), 'last-generated-id')
  if id ~= '0-0' then last = math.max(last, tonumber(string.match(id, '^%d+'))) end
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', lane)) do
    pending = pending + field(group, 'pending')
    for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', lane, field(group, 'name'))) do
      last = math.max(last, now - field(consumer, 'idle'))
    end
  end
  waiting = waiting + math.max(pending, redis.call('XLEN', lane))
end
local gone = last < 0 and -1 or math.max(now - last, 0)
local function answer(word) return {word, waiting, gone} end
)lua";
constexpr std::string_view kLooksAtAgent = R"lua(
if redis.call('EXISTS', KEYS[2]) == 1 then return answer('alive') end
if redis.call('HLEN', KEYS[3]) > 1000 then return answer('alive') end
if (redis.call('MEMORY', 'USAGE', KEYS[3], 'SAMPLES', 0) or 0) > 1048576 then return answer('alive') end
for _, instance in ipairs(redis.call('HKEYS', KEYS[3])) do
  if redis.call('EXISTS', ARGV[1] .. instance) == 1 then return answer('alive') end
end
if redis.call('EXISTS', KEYS[1]) == 1 then return answer('registered') end
)lua";
constexpr std::string_view kRemovesLanes = R"lua(
if gone >= 0 and gone < tonumber(ARGV[2]) then return answer('recent') end
if waiting > 0 and ARGV[3] ~= '1' then return answer('waiting') end
if ARGV[4] == '1' then return answer('would') end
redis.call('UNLINK', unpack(lanes))
return answer('forgotten')
)lua";

std::string script(std::initializer_list<std::string_view> pieces) {
  std::string text;
  for (std::string_view piece : pieces) text += piece;
  return text;
}

constexpr std::array<std::string_view, 8> kWords = {"forgotten", "would",  "none",    "registered",
                                                    "alive",     "recent", "waiting", "foreign"};

std::string stream_head(const Keys& keys) { return Keys(keys.ns()).inbox("", Lane::kNormal, 0); }

void append_options(std::vector<std::string>& words, const ForgetOptions& options) {
  words.push_back(std::to_string(to_millis(std::max(options.gone, kForgetSoonest))));
  words.emplace_back(options.discard ? "1" : "0");
  words.emplace_back(options.dry_run ? "1" : "0");
}

/// Of the states that a partition's script answers: which one counts for all partitions.
int rank(ForgetState state) {
  switch (state) {
    case ForgetState::kForgotten:
    case ForgetState::kWould:
      return 1;
    case ForgetState::kWaiting:
      return 2;
    case ForgetState::kRecent:
      return 3;
    case ForgetState::kForeign:
      return 4;
    default:
      return 0;
  }
}

/// @return the key without the partition that it has on a cluster; empty where it has none there.
std::string_view without_partition(const Keys& keys, std::string_view key) {
  if (keys.layout() == KeyLayout::kOneServer) return key;
  const size_t tag = key.rfind(":{");
  if (tag == std::string_view::npos || !key.ends_with('}')) return {};
  const std::string_view number = key.substr(tag + 2, key.size() - tag - 3);
  const bool digits = !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
  return digits ? key.substr(0, tag) : std::string_view();
}

}  // namespace

std::vector<std::string> forget_agent_words(const Keys& keys, std::string_view id, const ForgetOptions& options) {
  static const std::string kForget = script({"local first = 4", kLooksAtLanes, kLooksAtAgent, kRemovesLanes});
  std::vector<std::string> words{
      "EVAL", kForget, std::to_string(3 + kLanes.size()), keys.agent(id), keys.heartbeat(id), keys.instances(id)};
  for (Lane lane : kLanes) words.push_back(keys.inbox(id, lane, 0));
  words.push_back(keys.alive(id, ""));
  append_options(words, options);
  return words;
}

std::vector<std::string> agent_presence_words(const Keys& keys, std::string_view id) {
  static const std::string kPresence =
      script({"local function answer(word) return {word, 0, -1} end", kLooksAtAgent, "return answer('none')"});
  return {"EVAL", kPresence, "3", keys.agent(id), keys.heartbeat(id), keys.instances(id), keys.alive(id, "")};
}

std::vector<std::string> forget_lanes_words(const Keys& keys, std::string_view id, unsigned partition,
                                            const ForgetOptions& options) {
  static const std::string kForgetLanes = script({"local first = 1", kLooksAtLanes, kRemovesLanes});
  std::vector<std::string> words{"EVAL", kForgetLanes, std::to_string(kLanes.size())};
  for (Lane lane : kLanes) words.push_back(keys.inbox(id, lane, partition));
  words.emplace_back();  // no leases are looked at
  append_options(words, options);
  return words;
}

void ForgetParts::add_lanes(const ForgetAnswer& part) {
  if (rank(part.state) > rank(lanes_.state)) lanes_.state = part.state;
  lanes_.waiting += part.waiting;
  if (part.gone_ms >= 0) lanes_.gone_ms = lanes_.gone_ms < 0 ? part.gone_ms : std::min(lanes_.gone_ms, part.gone_ms);
}

/// As the one script does: what is no stream, and that there is none, comes before what the agent's own keys say.
ForgetAnswer ForgetParts::whole() const {
  ForgetAnswer answer = lanes_;
  if (answer.state == ForgetState::kForeign || answer.state == ForgetState::kNone) return {answer.state, 0, -1};
  if (presence_ != ForgetState::kNone) answer.state = presence_;
  return answer;
}

std::optional<ForgetState> parse_forget_state(std::string_view word) {
  auto found = std::find(kWords.begin(), kWords.end(), word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<ForgetState>(found - kWords.begin());
}

std::string_view forget_state_name(ForgetState state) { return kWords[static_cast<size_t>(state)]; }

std::string_view agent_id_of_lane(const Keys& keys, std::string_view key) {
  const std::string head = stream_head(keys);
  key = without_partition(keys, key);
  if (!key.starts_with(head)) return {};
  key.remove_prefix(head.size());
  const size_t colon = key.find(':');
  std::string_view id = key.substr(0, colon);
  const bool lane = colon == std::string_view::npos || parse_lane(key.substr(colon + 1)).has_value();
  return lane && check_agent_id(id).ok() ? id : std::string_view();
}

std::string lane_scan_pattern(const Keys& keys) { return stream_head(keys) + "*"; }

}  // namespace mas
