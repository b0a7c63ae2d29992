// Following a chain, block by block.
#include "daemons/gatewayd/audit/verify.h"

#include <algorithm>

namespace mas::gateway::audit {
namespace {

// A gateway may sign a former server's chain for a while after another has noticed the loss, and clocks differ.
constexpr WallMicros kSignedMeanwhile = 10 * 60 * 1'000'000ll;

std::string block_name(uint64_t number) { return "block " + std::to_string(number); }

std::string time_text(WallMicros time) {
  std::string text;
  append_rfc3339(text, time);
  return text;
}

}  // namespace

std::string_view fault_text(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return "none";
    case Fault::kUnreadable:
      return "unreadable";
    case Fault::kEdited:
      return "edited";
    case Fault::kRehashed:
      return "rehashed";
    case Fault::kMissing:
      return "missing";
    case Fault::kReordered:
      return "reordered";
    case Fault::kInserted:
      return "inserted";
    case Fault::kEpoch:
      return "epoch";
    case Fault::kNoFront:
      return "no_front";
    case Fault::kTruncated:
      return "truncated";
  }
  return "unknown";
}

void ChainVerifier::fail(Fault fault, uint64_t block, std::string_view entry, std::string why) {
  report_.fault = fault;
  report_.bad_block = block;
  report_.bad_entry = entry;
  report_.why = std::move(why);
}

const Digest* ChainVerifier::hash_of(uint64_t number) const {
  if (hashes_.empty() || number < report_.first || number > report_.last) return nullptr;
  return &hashes_[number - report_.first];
}

void ChainVerifier::add_unreadable(std::string_view entry, std::string_view why) {
  ++report_.blocks;
  if (report_.ok()) fail(Fault::kUnreadable, hashes_.empty() ? 0 : report_.last + 1, entry, std::string(why));
}

void ChainVerifier::add(std::string_view entry, std::string_view bytes) {
  Status status = decode_block(bytes, block_);
  if (status && block_.head.partition != report_.partition)
    status = Error{Errc::kMalformed, "a block of partition " + std::to_string(block_.head.partition)};
  if (status) status = check_namespace_of(bytes, ns_);
  if (!status) return add_unreadable(entry, status.error().message);
  ++report_.blocks;
  report_.records += block_.records.size();
  if (report_.ok()) return follow(entry, bytes);
  // What was missing stands further back: it was not dropped.
  if (report_.fault == Fault::kMissing && block_.head.number == report_.bad_block &&
      block_hash(bytes) == block_.head.hash)
    fail(Fault::kReordered, report_.bad_block, entry,
         block_name(report_.bad_block) + " comes after blocks that were written later");
}

void ChainVerifier::follow(std::string_view entry, std::string_view bytes) {
  uint64_t number = block_.head.number;
  uint64_t expected = report_.last + 1;
  bool first = hashes_.empty();
  if (block_hash(bytes) != block_.head.hash)
    return fail(Fault::kEdited, first ? number : expected, entry, "its hash does not match its content");
  if (!first && number < expected) return repeat(entry);
  overlap_ = false;
  if (!first && number > expected)
    return fail(Fault::kMissing, expected, entry, block_name(number) + " is in its place");
  if (!first && block_.previous != hashes_.back()) {
    previous_differs_ = true;
    return fail(Fault::kRehashed, report_.last, entry,
                block_name(number) + " was made over another " + block_name(report_.last));
  }
  if (number == 0 || (number == kFirstBlock && block_.previous != kGenesisPrevious))
    return fail(Fault::kUnreadable, number, entry,
                "not a valid beginning of a chain: expected number 1 and no previous hash");
  if (block_.epoch < epoch_)
    return fail(
        Fault::kEpoch, number, entry,
        "its epoch " + std::to_string(block_.epoch) + " is lower than " + std::to_string(epoch_) + " before it");
  if (first) {
    report_.first = number;
    front_previous_ = block_.previous;
  }
  report_.last = number;
  epoch_ = block_.epoch;
  hashes_.push_back(block_.head.hash);
  if (block_.records.empty()) return;
  if (auto lost = lost_of(block_, block_.records.front())) said_.push_back(*lost);
}

/// A block with a number that was there: from another source it may be the same one again.
void ChainVerifier::repeat(std::string_view entry) {
  uint64_t number = block_.head.number;
  const Digest* known = hash_of(number);
  if (!overlap_ || known == nullptr)
    return fail(Fault::kInserted, number, entry, block_name(number) + " comes after " + block_name(report_.last));
  if (*known != block_.head.hash) fail(Fault::kRehashed, number, entry, "it differs from the one that was retired");
}

bool ChainVerifier::held(uint64_t number, const Anchors& anchors) const {
  const Digest* hash = hash_of(number);
  return hash != nullptr && std::any_of(anchors.heads.begin(), anchors.heads.end(), [&](const Anchor& head) {
           return head.trusted && head.number == number && head.hash == *hash;
         });
}

void ChainVerifier::check_front(const Anchors& anchors) {
  if (hashes_.empty()) return;
  if (report_.first == kFirstBlock) {
    report_.front = "begins with block 1";
    return;
  }
  // A mark at or behind the place says that all up to it was retired and may be gone, if it is of this chain.
  for (const Anchor& mark : anchors.trimmed) {
    bool at_front = mark.number + 1 == report_.first && mark.hash == front_previous_;
    const Digest* inside = hash_of(mark.number);
    if (!at_front && (inside == nullptr || *inside != mark.hash)) continue;
    report_.front = "begins with " + block_name(report_.first) + "; the signed head of " + time_text(mark.time) +
                    " says that the blocks before it were retired";
    return;
  }
  fail(Fault::kNoFront, report_.first - 1, {},
       "the chain begins with " + block_name(report_.first) +
           ", and neither retired blocks nor a signed head show that the blocks before it were retired");
}

/// What the chain says counts where a trusted head holds it in place; without keys nobody can tell.
void ChainVerifier::collect_lost(const Anchors& anchors) {
  const bool keys =
      std::any_of(anchors.heads.begin(), anchors.heads.end(), [](const auto& head) { return head.trusted; });
  uint64_t held_to = 0;
  for (const Anchor& head : anchors.heads)
    if (held(head.number, anchors)) held_to = std::max(held_to, head.number);
  claims_ = anchors.lost;
  for (const LostBlocks& said : said_) claims_.push_back({said, !keys || said.first <= held_to});
  std::stable_sort(claims_.begin(), claims_.end(),
                   [](const auto& a, const auto& b) { return a.blocks.count() > b.blocks.count(); });
  std::vector<LostClaim> kept;  // the widest of those that are about the same blocks
  for (const LostClaim& claim : claims_) {
    auto same = std::find_if(kept.begin(), kept.end(), [&](const LostClaim& one) {
      return one.blocks.first <= claim.blocks.first && claim.blocks.last <= one.blocks.last &&
             std::abs(one.blocks.time - claim.blocks.time) <= kSignedMeanwhile;
    });
    if (same == kept.end())
      kept.push_back(claim);
    else
      same->trusted = same->trusted || (claim.trusted && claim.blocks.first == same->blocks.first);
  }
  claims_ = std::move(kept);
}

/// Whether the head names a block that is gone, as a gateway said later; the range grows to it. All blocks behind the
/// first lost one that were there before the loss went with it.
bool ChainVerifier::was_lost(const Anchor& head) {
  for (LostClaim& claim : claims_) {
    LostBlocks& lost = claim.blocks;
    const bool trusted = claim.trusted || !head.trusted;
    if (!trusted || head.number < lost.first || head.time > lost.time + kSignedMeanwhile) continue;
    if (head.number > lost.last) {
      lost.last = head.number;
      lost.hash = head.hash;
    }
    return true;
  }
  return false;
}

void ChainVerifier::check_heads(const Anchors& anchors, bool to_end) {
  std::vector<Anchor> heads = anchors.heads;
  std::sort(heads.begin(), heads.end(), [](const Anchor& a, const Anchor& b) { return a.number < b.number; });
  for (const Anchor& head : heads) {
    if (head.number < report_.first) continue;  // trimmed, which check_front() judges
    const Digest* hash = hash_of(head.number);
    if (hash == nullptr) {
      if (!to_end || !report_.ok()) return;
      if (was_lost(head)) continue;
      return fail(Fault::kTruncated, report_.last + 1, {},
                  "the signed head of " + time_text(head.time) + " names " + block_name(head.number) + ", but " +
                      (hashes_.empty() ? "there is none" : "the chain ends with " + block_name(report_.last)));
    }
    if (*hash != head.hash) {
      if (was_lost(head)) continue;
      return fail(
          Fault::kRehashed, head.number, {},
          "the signed head of " + time_text(head.time) + " names it with another hash: the chain was rewritten, from " +
              (report_.anchored == 0 ? "a block up to this one" : "a block after " + block_name(report_.anchored)));
    }
    if (head.trusted) report_.anchored = head.number;
  }
}

ChainReport ChainVerifier::finish(const Anchors& anchors, bool to_end) {
  // Two blocks that do not fit: the first is the bad one, unless a signed head vouches for it.
  if (previous_differs_ && held(report_.bad_block, anchors)) {
    report_.why = "it was made over another " + block_name(report_.bad_block) + " than the signed one";
    ++report_.bad_block;
  }
  check_front(anchors);
  collect_lost(anchors);
  if (report_.fault != Fault::kNoFront) check_heads(anchors, to_end);
  for (const LostClaim& claim : claims_) report_.lost.push_back(claim.blocks);
  std::sort(report_.lost.begin(), report_.lost.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  if (!report_.ok() && report_.last >= report_.bad_block) report_.last = report_.bad_block - 1;
  return std::move(report_);
}

}  // namespace mas::gateway::audit
