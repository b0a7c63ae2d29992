// Signing, reading and collecting of heads.
#include "daemons/gatewayd/audit/heads.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "proto/base/json_writer.h"
#include "proto/base/numbers.h"
#include "proto/wire/json.h"

namespace mas::gateway::audit {
namespace {

constexpr int64_t kHeadVersion = 1;
constexpr uint32_t kMaxPartition = 65'535;

using Members = std::vector<std::pair<std::string, std::string>>;

Error malformed(std::string text) { return Error{Errc::kMalformed, "audit head: " + std::move(text)}; }

void write_blocks(JsonWriter& json, std::string_view name, const std::vector<BlockHead>& blocks) {
  json.key(name).begin_object();
  for (const BlockHead& block : blocks) {
    json.key(std::to_string(block.partition)).begin_object();
    json.key("block").unsigned_integer(block.number).key("hash").string(to_hex(block.hash)).end_object();
  }
  json.end_object();
}

void write_lost(JsonWriter& json, const std::vector<LostBlocks>& lost) {
  json.key("lost").begin_object();
  for (const LostBlocks& blocks : lost) {
    std::string time;
    append_seconds(time, blocks.time);
    json.key(std::to_string(blocks.partition)).begin_object();
    json.key("first").unsigned_integer(blocks.first).key("last").unsigned_integer(blocks.last);
    json.key("hash").string(to_hex(blocks.hash)).key("kept").string(to_hex(blocks.kept));
    json.key("time").raw(time).end_object();
  }
  json.end_object();
}

std::string head_text(const Head& head) {
  std::string text, time;
  append_seconds(time, head.time);
  JsonWriter json(text);
  json.begin_object().key("version").integer(kHeadVersion).key("time").raw(time).key("namespace").string(head.ns);
  json.key("gateway").string(head.gateway).key("key").string(head.key);
  write_blocks(json, "heads", head.heads);
  write_blocks(json, "trimmed", head.trimmed);
  json.key("previous").string(to_hex(head.previous));
  if (!head.lost.empty()) write_lost(json, head.lost);
  json.end_object();
  return text;
}

std::string namespace_name(std::string_view ns) {
  return ns.empty() ? "no namespace" : "namespace '" + std::string(ns) + "'";
}

std::string signed_bytes(std::string_view text) { return std::string(kHeadDomain).append(text); }

const std::string* find(const Members& members, std::string_view key) {
  for (const auto& [name, token] : members)
    if (name == key) return &token;
  return nullptr;
}

std::string text_of(const Members& members, std::string_view key) {
  const std::string* token = find(members, key);
  return token == nullptr ? std::string() : json_text(*token);
}

Result<std::vector<BlockHead>> read_blocks(const Members& head, std::string_view key) {
  const std::string* token = find(head, key);
  if (token == nullptr) return malformed("no member '" + std::string(key) + "'");
  auto partitions = JsonReader::local().members(*token);
  if (!partitions) return malformed("'" + std::string(key) + "' is not an object");
  std::vector<BlockHead> blocks;
  for (const auto& [partition, about] : *partitions) {
    auto members = JsonReader::local().members(about);
    auto p = parse_number<uint32_t>(partition);
    const std::string* block = members ? find(*members, "block") : nullptr;
    uint64_t number = block != nullptr ? parse_number<uint64_t>(*block).value_or(0) : 0;
    auto hash = members ? digest_from_hex(text_of(*members, "hash")) : std::nullopt;
    if (!p || *p > kMaxPartition || number == 0 || !hash)
      return malformed("what '" + std::string(key) + "' has for a partition is not a block and a hash");
    blocks.push_back({*p, number, *hash});
  }
  std::sort(blocks.begin(), blocks.end(),
            [](const BlockHead& a, const BlockHead& b) { return a.partition < b.partition; });
  return blocks;
}

/// @return a time of the head, in microseconds; nullopt: none.
std::optional<WallMicros> read_time(const Members& members) {
  const std::string* token = find(members, "time");
  const double seconds = token != nullptr ? std::strtod(token->c_str(), nullptr) : 0;
  if (!(seconds > 0 && seconds < 1e11)) return std::nullopt;
  return static_cast<WallMicros>(std::llround(seconds * 1e6));
}

std::optional<LostBlocks> read_lost_of(uint32_t partition, const std::string& about) {
  auto members = JsonReader::local().members(about);
  if (!members) return std::nullopt;
  auto number = [&members](std::string_view key) {
    const std::string* token = find(*members, key);
    return token == nullptr ? 0 : parse_number<uint64_t>(*token).value_or(0);
  };
  const auto hash = digest_from_hex(text_of(*members, "hash")), kept = digest_from_hex(text_of(*members, "kept"));
  const auto time = read_time(*members);
  const uint64_t first = number("first"), last = number("last");
  if (!hash || !kept || !time || first == 0 || last < first) return std::nullopt;
  return LostBlocks{partition, first, last, *hash, *kept, *time};
}

Status read_lost(const Members& head, std::vector<LostBlocks>& ret_lost) {
  const std::string* token = find(head, "lost");
  if (token == nullptr) return {};
  auto partitions = JsonReader::local().members(*token);
  if (!partitions) return malformed("'lost' is not an object");
  for (const auto& [partition, about] : *partitions) {
    auto p = parse_number<uint32_t>(partition);
    auto lost = p && *p <= kMaxPartition ? read_lost_of(*p, about) : std::nullopt;
    if (!lost) return malformed("what 'lost' has for a partition is not a range of blocks, two hashes and a time");
    ret_lost.push_back(*lost);
  }
  return {};
}

Status read_head(const std::string& text, Head& ret_head) {
  auto members = JsonReader::local().members(text);
  if (!members) return malformed("'head' is not an object");
  const std::string* version = find(*members, "version");
  if (version == nullptr || *version != std::to_string(kHeadVersion)) return malformed("a version other than 1");
  const auto time = read_time(*members);
  if (!time) return malformed("no time");
  ret_head.time = *time;
  ret_head.ns = text_of(*members, "namespace");
  ret_head.gateway = text_of(*members, "gateway");
  ret_head.key = text_of(*members, "key");
  auto previous = digest_from_hex(text_of(*members, "previous"));
  if (!previous) return malformed("'previous' is not a hash");
  ret_head.previous = *previous;
  auto heads = read_blocks(*members, "heads");
  if (!heads) return heads.error();
  auto trimmed = read_blocks(*members, "trimmed");
  if (!trimmed) return trimmed.error();
  ret_head.heads = std::move(*heads);
  ret_head.trimmed = std::move(*trimmed);
  return read_lost(*members, ret_head.lost);
}

std::optional<Signature> signature_from_hex(std::string_view text) {
  Signature signature;
  if (text.size() != 2 * signature.size()) return std::nullopt;
  auto low = digest_from_hex(text.substr(0, 64));
  auto high = digest_from_hex(text.substr(64));
  if (!low || !high) return std::nullopt;
  std::copy(low->begin(), low->end(), signature.begin());
  std::copy(high->begin(), high->end(), signature.begin() + 32);
  return signature;
}

}  // namespace

std::string sign_head(Head head, const SigningKey& key, Digest& ret_hash) {
  head.key = key.id();
  std::string text = head_text(head);
  std::string bytes = signed_bytes(text);
  ret_hash = sha256(bytes);
  return "{\"head\":" + text + ",\"signature\":\"" + to_hex(key.sign(bytes)) + "\"}";
}

Result<SignedHead> parse_head(std::string_view line) {
  if (line.size() > kHeadBytes) return Error{Errc::kTooLarge, "audit head: larger than 1 MiB"};
  auto members = JsonReader::local().members(line);
  if (!members) return malformed(members.error().message);
  const std::string* text = find(*members, "head");
  auto signature = signature_from_hex(text_of(*members, "signature"));
  if (text == nullptr || !signature) return malformed("no 'head', or no 'signature' of 128 digits");
  SignedHead head;
  if (auto status = read_head(*text, head.head); !status) return status.error();
  head.text = *text;
  head.hash = sha256(signed_bytes(*text));
  head.signature = *signature;
  return head;
}

bool SignedHead::signed_by(const VerifyKey& key) const { return key.verify(signed_bytes(text), view_of(signature)); }

/// @return the place of the key that signed it; keys_.size(): none.
size_t HeadLedger::signer(const SignedHead& head) const {
  auto key = std::find_if(keys_.begin(), keys_.end(), [&](const VerifyKey& k) { return head.signed_by(k); });
  return static_cast<size_t>(key - keys_.begin());
}

/// In the stream each head names the one before it by the same key. What another key, or none, signed does not count.
void HeadLedger::check_order(const SignedHead& head, size_t key, std::string_view place) {
  before_.resize(keys_.size());
  if (before_[key] && head.head.previous != *before_[key])
    complaints_.push_back(std::string(place) + ": the signed head before this one is missing");
  before_[key] = head.hash;
}

void HeadLedger::take(std::vector<std::pair<uint32_t, Anchors>>& all, const SignedHead& head, bool trusted,
                      bool marks_only) {
  auto at = [&](uint32_t partition) -> Anchors& {
    auto place = std::lower_bound(all.begin(), all.end(), partition,
                                  [](const auto& entry, uint32_t p) { return entry.first < p; });
    if (place == all.end() || place->first != partition) place = all.insert(place, {partition, {}});
    return place->second;
  };
  auto add_to = [&](std::vector<Anchor>& list, const BlockHead& block) {
    bool same = !list.empty() && list.back().number == block.number && list.back().hash == block.hash &&
                list.back().trusted == trusted;
    if (!same) list.push_back({block.number, block.hash, head.head.time, trusted});
  };
  for (const BlockHead& mark : head.head.trimmed) add_to(at(mark.partition).trimmed, mark);
  if (marks_only) return;
  for (const LostBlocks& lost : head.head.lost) at(lost.partition).lost.push_back({lost, trusted});
  for (const BlockHead& block : head.head.heads) add_to(at(block.partition).heads, block);
}

void HeadLedger::add(std::string_view line, std::string_view place, bool in_order) {
  auto head = parse_head(line);
  if (!head) {
    complaints_.push_back(std::string(place) + ": " + head.error().message);
    return;
  }
  if (head->head.ns != ns_) {
    complaints_.push_back(std::string(place) + ": a head of " + namespace_name(head->head.ns) + "; expected one of " +
                          namespace_name(ns_));
    return;
  }
  size_t key = signer(*head);
  bool trusted = key < keys_.size();
  if (trusted && in_order) check_order(*head, key, place);
  ++(trusted ? trusted_ : untrusted_);
  if (!trusted && !keys_.empty()) return;  // nobody vouches for what it says
  last_time_ = std::max(last_time_, head->head.time);
  take(anchors_, *head, trusted, false);
}

void HeadLedger::add_marks(std::string_view line) {
  auto head = parse_head(line);
  if (!head || head->head.ns != ns_) return;
  bool trusted = signer(*head) < keys_.size();
  if (trusted || keys_.empty()) take(anchors_, *head, trusted, true);
}

const Anchors& HeadLedger::of(uint32_t partition) const {
  static const Anchors kNone;
  for (const auto& [p, anchors] : anchors_)
    if (p == partition) return anchors;
  return kNone;
}

std::vector<uint32_t> HeadLedger::partitions() const {
  std::vector<uint32_t> list;
  for (const auto& entry : anchors_) list.push_back(entry.first);
  return list;
}

}  // namespace mas::gateway::audit
