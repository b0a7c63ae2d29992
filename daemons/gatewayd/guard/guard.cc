// The order of the rules, and their names.
#include "daemons/gatewayd/guard/guard.h"

#include <algorithm>
#include <utility>

#include "proto/wire/chain.h"

namespace mas::gateway {
namespace {

enum class Kind : unsigned char { kConversation = 1, kPair = 2 };

/// The kind keeps a conversation apart from a pair. The second is an agent's id, which has no zero byte.
uint64_t hash_of(const SipKey& key, Kind kind, std::string_view first, std::string_view second) {
  return SipHash(key).add_byte(static_cast<unsigned char>(kind)).add(first).add_byte(0).add(second).finish();
}

uint32_t budget_of(int64_t setting) {
  return static_cast<uint32_t>(std::clamp<int64_t>(setting, 0, WindowTable::kMaxCount));
}

WallMicros micros(Duration window) { return std::chrono::duration_cast<std::chrono::microseconds>(window).count(); }

}  // namespace

Guard::Guard(const SipKey& key) : key_(key) { begin_anew(); }

void Guard::begin_anew() {
  table_.reset(static_cast<size_t>(std::max<int64_t>(settings_.counters, 0)), micros(settings_.window));
}

void Guard::configure(const GuardSettings& settings) {
  GuardSettings before = std::exchange(settings_, settings);
  if (before.window != settings.window || before.counters != settings.counters) begin_anew();
}

GuardVerdict Guard::judge(const GuardQuestion& asked, WallMicros now) {
  GuardVerdict verdict = judge_path(asked);
  return verdict.allowed() ? judge_budgets(asked, now) : verdict;
}

GuardVerdict Guard::judge_path(const GuardQuestion& asked) const {
  int64_t length = 0;
  int64_t visits = asked.sender == asked.target ? 1 : 0;
  std::string_view id;
  for (ChainReader reader(asked.chain); reader.next(id); ++length) visits += id == asked.target ? 1 : 0;
  const int64_t hops = std::max(asked.hops, length);
  if (hops > settings_.max_hops) return {GuardRule::kHops, hops};
  if (!asked.answers && visits > settings_.max_visits) return {GuardRule::kChain, visits};
  return {};
}

GuardVerdict Guard::judge_budgets(const GuardQuestion& asked, WallMicros now) {
  const uint32_t conversation = asked.conversation.empty() ? 0 : budget_of(settings_.conversation);
  const uint32_t pair = budget_of(settings_.pair);
  uint64_t conversation_key = 0, pair_key = 0;
  if (conversation > 0) {
    conversation_key = hash_of(key_, Kind::kConversation, asked.conversation, asked.sender);
    if (!table_.allows(conversation_key, conversation, now)) return {GuardRule::kConversation, conversation};
  }
  if (pair > 0) {
    pair_key = hash_of(key_, Kind::kPair, asked.sender, asked.target);
    if (!table_.allows(pair_key, pair, now)) return {GuardRule::kPair, pair};
  }
  if (conversation > 0) table_.add(conversation_key, now);
  if (pair > 0) table_.add(pair_key, now);
  return {};
}

void GuardVerdict::append_to(std::string& out, const GuardSettings& settings) const {
  auto seconds = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(settings.window).count()) + " s";
  switch (rule) {
    case GuardRule::kNone:
      out.append("no rule of the guard");
      return;
    case GuardRule::kHops:
      out.append("hops: ").append(std::to_string(count)).append(", at most ").append(std::to_string(settings.max_hops));
      return;
    case GuardRule::kChain:
      out.append("chain: the target appears in it ")
          .append(std::to_string(count))
          .append(count == 1 ? " time" : " times");
      out.append(", at most ").append(std::to_string(settings.max_visits));
      return;
    case GuardRule::kConversation:
      out.append("conversation: at most ").append(std::to_string(count)).append(" messages in ").append(seconds);
      return;
    case GuardRule::kPair:
      out.append("pair: at most ").append(std::to_string(count)).append(" messages in ").append(seconds);
      return;
  }
}

std::string GuardVerdict::describe(const GuardSettings& settings) const {
  std::string text;
  append_to(text, settings);
  return text;
}

}  // namespace mas::gateway
