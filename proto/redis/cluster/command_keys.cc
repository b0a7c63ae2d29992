// Where the keys of each command stand.
#include "proto/redis/cluster/command_keys.h"

#include <algorithm>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/redis/cluster/hash_slot.h"

namespace mas::redis {
namespace {

enum class KeysAt : uint8_t {
  kNone,
  kFirst,     // the first argument
  kSecond,    // behind a subcommand: XGROUP CREATE key
  kAll,       // every argument
  kCounted,   // behind a text and their number: EVAL script numkeys key…
  kStreams,   // the first half of what follows STREAMS
  kFirstTwo,  // source and destination
};

struct Form {
  std::string_view name;
  KeysAt keys;
};

/// Sorted by name.
constexpr Form kForms[] = {
    {"APPEND", KeysAt::kFirst},   {"BLMOVE", KeysAt::kFirstTwo},     {"CLIENT", KeysAt::kNone},
    {"CLUSTER", KeysAt::kNone},   {"CONFIG", KeysAt::kNone},         {"DBSIZE", KeysAt::kNone},
    {"DEL", KeysAt::kAll},        {"EVAL", KeysAt::kCounted},        {"EVALSHA", KeysAt::kCounted},
    {"EXISTS", KeysAt::kAll},     {"FCALL", KeysAt::kCounted},       {"FUNCTION", KeysAt::kNone},
    {"GET", KeysAt::kFirst},      {"HDEL", KeysAt::kFirst},          {"HELLO", KeysAt::kNone},
    {"HEXISTS", KeysAt::kFirst},  {"HGET", KeysAt::kFirst},          {"HGETALL", KeysAt::kFirst},
    {"HINCRBY", KeysAt::kFirst},  {"HKEYS", KeysAt::kFirst},         {"HLEN", KeysAt::kFirst},
    {"HMGET", KeysAt::kFirst},    {"HRANDFIELD", KeysAt::kFirst},    {"HSCAN", KeysAt::kFirst},
    {"HSET", KeysAt::kFirst},     {"HSETNX", KeysAt::kFirst},        {"HSTRLEN", KeysAt::kFirst},
    {"INCR", KeysAt::kFirst},     {"INFO", KeysAt::kNone},           {"LINDEX", KeysAt::kFirst},
    {"LLEN", KeysAt::kFirst},     {"LPUSH", KeysAt::kFirst},         {"LRANGE", KeysAt::kFirst},
    {"LREM", KeysAt::kFirst},     {"LTRIM", KeysAt::kFirst},         {"MEMORY", KeysAt::kSecond},
    {"MGET", KeysAt::kAll},       {"PERSIST", KeysAt::kFirst},       {"PEXPIRE", KeysAt::kFirst},
    {"PING", KeysAt::kNone},      {"PTTL", KeysAt::kFirst},          {"PUBLISH", KeysAt::kNone},
    {"PUBSUB", KeysAt::kSecond},  {"ROLE", KeysAt::kNone},           {"RPUSH", KeysAt::kFirst},
    {"SADD", KeysAt::kFirst},     {"SCARD", KeysAt::kFirst},         {"SET", KeysAt::kFirst},
    {"SETEX", KeysAt::kFirst},    {"SINTER", KeysAt::kAll},          {"SISMEMBER", KeysAt::kFirst},
    {"SMEMBERS", KeysAt::kFirst}, {"SMISMEMBER", KeysAt::kFirst},    {"SPUBLISH", KeysAt::kFirst},
    {"SREM", KeysAt::kFirst},     {"SSCAN", KeysAt::kFirst},         {"STRLEN", KeysAt::kFirst},
    {"TIME", KeysAt::kNone},      {"TTL", KeysAt::kFirst},           {"TYPE", KeysAt::kFirst},
    {"UNLINK", KeysAt::kAll},     {"WAIT", KeysAt::kNone},           {"WATCH", KeysAt::kAll},
    {"XACK", KeysAt::kFirst},     {"XADD", KeysAt::kFirst},          {"XCLAIM", KeysAt::kFirst},
    {"XDEL", KeysAt::kFirst},     {"XGROUP", KeysAt::kSecond},       {"XINFO", KeysAt::kSecond},
    {"XLEN", KeysAt::kFirst},     {"XPENDING", KeysAt::kFirst},      {"XRANGE", KeysAt::kFirst},
    {"XREAD", KeysAt::kStreams},  {"XREADGROUP", KeysAt::kStreams},  {"XREVRANGE", KeysAt::kFirst},
    {"XTRIM", KeysAt::kFirst},    {"ZADD", KeysAt::kFirst},          {"ZCARD", KeysAt::kFirst},
    {"ZRANGE", KeysAt::kFirst},   {"ZRANGEBYSCORE", KeysAt::kFirst}, {"ZREM", KeysAt::kFirst},
};
static_assert(std::is_sorted(std::begin(kForms), std::end(kForms),
                             [](const Form& a, const Form& b) { return a.name < b.name; }));

/// Takes "<mark>N\r\n" off `bytes`.
std::optional<size_t> take_length(std::string_view& bytes, char mark) {
  const auto end = bytes.find("\r\n");
  if (end == std::string_view::npos || bytes[0] != mark) return std::nullopt;
  const auto length = parse_number<size_t>(bytes.substr(1, end - 1));
  if (length) bytes.remove_prefix(end + 2);
  return length;
}

std::optional<std::string_view> take_word(std::string_view& bytes) {
  const auto length = take_length(bytes, '$');
  if (!length || *length > bytes.size() || bytes.size() - *length < 2) return std::nullopt;
  const std::string_view word = bytes.substr(0, *length);
  bytes.remove_prefix(*length + 2);
  return word;
}

/// The words of a command as they are asked for, so that no more of it is read than its keys need.
class Words {
 public:
  explicit Words(std::string_view command) : rest_(command), left_(take_length(rest_, '*').value_or(0)) {}

  std::optional<std::string_view> next() {
    if (left_ == 0) return std::nullopt;
    --left_;
    return take_word(rest_);
  }
  size_t left() const { return left_; }

 private:
  std::string_view rest_;
  size_t left_;
};

/// The slot that all keys so far have.
struct SharedSlot {
  std::optional<unsigned> slot;
  bool split = false;

  void add(std::optional<std::string_view> key) {
    if (key) add_slot(hash_slot(*key));
  }
  void add_slot(std::optional<unsigned> other) {
    if (!other) return;
    split = split || (slot && *slot != *other);
    slot = other;
  }
};

void add_keys(SharedSlot& slot, Words& words, size_t count) {
  for (size_t i = 0; i < count && words.left() > 0; ++i) slot.add(words.next());
}

void add_stream_keys(SharedSlot& slot, Words& words) {
  while (auto word = words.next())
    if (*word == "STREAMS") return add_keys(slot, words, words.left() / 2);
}

void add_keys(SharedSlot& slot, Words& words, KeysAt at) {
  switch (at) {
    case KeysAt::kNone:
      return;
    case KeysAt::kFirst:
      return add_keys(slot, words, 1);
    case KeysAt::kFirstTwo:
      return add_keys(slot, words, 2);
    case KeysAt::kAll:
      return add_keys(slot, words, words.left());
    case KeysAt::kSecond:
      words.next();
      return add_keys(slot, words, 1);
    case KeysAt::kCounted:
      words.next();
      return add_keys(slot, words, parse_number<size_t>(words.next().value_or("")).value_or(0));
    case KeysAt::kStreams:
      return add_stream_keys(slot, words);
  }
}

}  // namespace

std::string_view split_command(std::string_view& bytes) {
  const std::string_view before = bytes;
  std::string_view rest = bytes;
  const auto words = rest.empty() ? std::nullopt : take_length(rest, '*');
  for (size_t i = 0; words && i < *words; ++i)
    if (!take_word(rest)) return {};
  if (!words) return {};
  bytes = rest;
  return before.substr(0, before.size() - rest.size());
}

Result<std::optional<unsigned>> slot_of_command(std::string_view command) {
  Words words(command);
  const auto name = words.next();
  if (!name) return Error{Errc::kInvalidArgument, "a command without a name cannot be sent to a cluster"};
  const auto* form = std::lower_bound(std::begin(kForms), std::end(kForms), *name,
                                      [](const Form& f, std::string_view wanted) { return f.name < wanted; });
  if (form == std::end(kForms) || form->name != *name)
    return Error{Errc::kInvalidArgument, "the keys of " + printable(*name) + " are not known: it cannot be routed"};
  SharedSlot slot;
  add_keys(slot, words, form->keys);
  if (slot.split) return Error{Errc::kInvalidArgument, "the keys of one " + printable(*name) + " are in several slots"};
  return slot.slot;
}

Result<std::optional<unsigned>> slot_of_run(std::string_view bytes, size_t count) {
  SharedSlot shared;
  for (size_t i = 0; i < count; ++i) {
    const std::string_view command = split_command(bytes);
    if (command.empty()) return Error{Errc::kInvalidArgument, "a run has fewer commands than it says"};
    auto slot = slot_of_command(command);
    if (!slot) return slot;
    shared.add_slot(*slot);
  }
  if (shared.split) return Error{Errc::kInvalidArgument, "the keys of one run are in several slots"};
  return shared.slot;
}

}  // namespace mas::redis
