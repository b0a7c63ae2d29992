// The functions' texts, and the library made of them.
#include "proto/wire/agent_functions.h"

namespace mas {
namespace {

// KEYS: streams. ARGV: group, own name, head of the leases' keys, how many of a stream, how many holders may end with
// an entry, the key of the agent's instances, whether also those that stand there (which did not end in order) are
// taken for dead. Consumers are named by instances. Redis counts an entry's deliveries, also those to the same instance
// after a lost link: the thousands of that count are how often it was claimed, which is how many of its holders have
// ended. One that two holders ended with is held alone: nobody takes another such one meanwhile, so that of a killer
// and those beside it only the killer is held when the third holder ends.
// @return for each stream the claimed entries, as XREADGROUP has them, the ids of those that too many holders ended
// with, whether one was left since another is held, and up to which entry the group was delivered; an error where one
// has no group. No more streams than an agent has: what a call takes is bounded by what its caller has in them.
// On a cluster the leases are in another slot than the streams. Their head is empty there: the caller has looked at the
// leases, the names of the dead follow the other arguments, and the fifth result names all other consumers.
constexpr std::string_view kClaim = R"lua(
if #KEYS > 8 then return redis.error_reply('ERR an agent has no more than 8 streams') end
local group, own = ARGV[1], ARGV[2]
local leases_elsewhere, named = ARGV[3] == '', {}
for i = 8, #ARGV do named[ARGV[i]] = true end
local function is_dead(name)
  if name == own then return false end
  if leases_elsewhere then return named[name] end
  return redis.call('EXISTS', ARGV[3] .. name) == 0 and
         (ARGV[7] == '1' or not redis.call('HGET', ARGV[6], name))
end
local function delivered(stream)
  for _, fields in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local found = {}
    for i = 1, #fields, 2 do found[fields[i]] = fields[i + 1] end
    if found.name == group then return found['last-delivered-id'] end
  end
end
local function claim(stream)
  local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, group)
  if consumers.err then return consumers end
  local claimed, suspects, left, room, alone, others = {}, {}, 0, tonumber(ARGV[4]), nil, {}
  local function may_hold_another()
    if alone == nil then
      alone = false
      for _, held in ipairs(redis.call('XPENDING', stream, group, '-', '+', 1000, own)) do
        if held[4] >= 2000 then alone = true end
      end
    end
    return not alone
  end
  for _, c in ipairs(consumers) do
    local name, pending = nil, 0
    for i = 1, #c, 2 do
      if c[i] == 'name' then name = c[i + 1] elseif c[i] == 'pending' then pending = c[i + 1] end
    end
    local dead = is_dead(name)
    if leases_elsewhere and name ~= own and not dead and #others < 1000 then others[#others + 1] = name end
    if dead then
      if pending == 0 then
        redis.call('XGROUP', 'DELCONSUMER', stream, group, name)
      elseif room > 0 then
        for _, entry in ipairs(redis.call('XPENDING', stream, group, '-', '+', room, name)) do
          local id, ended = entry[1], math.floor(entry[4] / 1000) + 1
          local suspect = ended >= tonumber(ARGV[5])
          if ended >= 2 and not suspect and not may_hold_another() then
            left = 1
          else
            if suspect then suspects[#suspects + 1] = id elseif ended >= 2 then alone = true end
            for _, taken in ipairs(redis.call('XCLAIM', stream, group, own, 0, id, 'RETRYCOUNT', ended * 1000)) do
              claimed[#claimed + 1] = taken
            end
            room = room - 1
          end
        end
        if #redis.call('XPENDING', stream, group, '-', '+', 1, name) == 0 then
          redis.call('XGROUP', 'DELCONSUMER', stream, group, name)
        end
      end
    end
  end
  return {claimed, suspects, left, delivered(stream), leases_elsewhere and others or nil}
end
local results = {}
for i, stream in ipairs(KEYS) do
  results[i] = claim(stream)
end
return results
)lua";

// KEYS: entry, heartbeat, instances, own lease. ARGV: own instance, head of every lease's key, channel, the event that
// the agent is gone, the event that an instance is.
// Another instance may be one that was killed and whose lease has not run out. So the heartbeat ends with the last
// lease: whoever lives renews both in time.
// Anybody with the agent's rights may have made its instances many, or their names long: 1,000 are looked at, and those
// that were not count as alive for as long as a lease lasts (15 s). A longer name than an instance's (32 digits) is
// none. Every write here is one that Redis accepts when it is out of memory.
constexpr std::string_view kTakeBack = R"lua(
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[4])
local others, left = 0, 0
for _, instance in ipairs(redis.call('HRANDFIELD', KEYS[3], 1000)) do
  local lease = #instance <= 128 and redis.call('PTTL', ARGV[2] .. instance) or -2
  if lease ~= -2 then
    others = others + 1
    left = math.max(left, lease)
  else
    redis.call('HDEL', KEYS[3], instance)
  end
end
local unseen = redis.call('HLEN', KEYS[3]) - others
if unseen > 0 then
  others = others + unseen
  left = math.max(left, 15000)
end
if others == 0 then
  for i = 1, 3 do redis.call('DEL', KEYS[i]) end
  redis.call('PUBLISH', ARGV[3], ARGV[4])
else
  if redis.call('PTTL', KEYS[2]) > left then redis.call('PEXPIRE', KEYS[2], left) end
  redis.call('PUBLISH', ARGV[3], ARGV[5])
end
return others
)lua";

}  // namespace

// The names have the library's number.
const AgentFunction kClaimFunction{"mas_claim_3", kClaim};
const AgentFunction kTakeBackFunction{"mas_take_back_3", kTakeBack};

/// Neither function writes anything that Redis refuses when it is out of memory.
std::string agent_library() {
  std::string text = "#!lua name=" + std::string(kAgentLibrary) + "\n";
  for (const AgentFunction* function : {&kClaimFunction, &kTakeBackFunction})
    text.append("redis.register_function{function_name='")
        .append(function->name)
        .append("', flags={'allow-oom'}, callback=function(KEYS, ARGV)")
        .append(function->body)
        .append("end}\n");
  return text;
}

}  // namespace mas
