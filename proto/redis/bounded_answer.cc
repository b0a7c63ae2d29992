// The script.
#include "proto/redis/bounded_answer.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

namespace mas::redis {
namespace {

// KEYS: the command's key, if it has one. ARGV: bytes of a text, bytes of all, whether to refuse (1), the command, its
// other arguments.
constexpr std::string_view kRead = R"lua(
local most, left, largest = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
local words = {ARGV[4]}
for _, key in ipairs(KEYS) do words[#words + 1] = key end
for i = 5, #ARGV do words[#words + 1] = ARGV[i] end
local function bounded(node)
  if type(node) == 'table' then
    for i = 1, #node do node[i] = bounded(node[i]) end
  elseif type(node) == 'string' then
    if #node > most then
      largest = math.max(largest, #node)
      return #node
    end
    left = left - #node
  end
  return node
end
local answer = bounded(redis.pcall(unpack(words)))
local function refused(what, bytes, bound)
  local key = KEYS[1] and string.sub(KEYS[1], 1, 200) or ARGV[4]
  return redis.error_reply(string.format('TOOLARGE %s: %s %.0f bytes; expected at most %s', key, what, bytes, bound))
end
if ARGV[3] == '1' and largest > 0 then return refused('a text of', largest, ARGV[1]) end
if left < 0 then return refused('an answer of', ARGV[2] - left, ARGV[2]) end
return answer)lua";

}  // namespace

void add_bounded(Command& batch, AnswerBounds bounds, std::span<const std::string_view> words) {
  const bool has_key = words[0] != "SCAN";
  const std::string text = std::to_string(bounds.text), whole = std::to_string(bounds.whole);
  const std::string_view head[] = {"EVAL", kRead, has_key ? "1" : "0"};
  const std::string_view limits[] = {text, whole, bounds.refuse ? "1" : "0", words[0]};
  std::vector<std::string_view> arguments(std::begin(head), std::end(head));
  if (has_key) arguments.push_back(words[1]);
  std::copy(std::begin(limits), std::end(limits), std::back_inserter(arguments));
  std::copy(words.begin() + (has_key ? 2 : 1), words.end(), std::back_inserter(arguments));
  batch.add(arguments);
}

void add_bounded(Command& batch, AnswerBounds bounds, std::initializer_list<std::string_view> words) {
  add_bounded(batch, bounds, std::span(words.begin(), words.size()));
}

Command bounded(AnswerBounds bounds, std::initializer_list<std::string_view> words) {
  Command command;
  add_bounded(command, bounds, words);
  return command;
}

Error too_large(std::string_view what, uint64_t bytes, size_t most) {
  return Error{Errc::kTooLarge, std::string(what) + " has " + std::to_string(bytes) + " bytes; expected at most " +
                                    std::to_string(most)};
}

Status check_text(std::string_view what, const Reply& reply, size_t most) {
  if (!reply.is_integer()) return {};
  return too_large(what, static_cast<uint64_t>(reply.integer), most);
}

}  // namespace mas::redis
