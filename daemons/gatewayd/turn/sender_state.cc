// Sequence numbers and remembered refusals.
#include "daemons/gatewayd/turn/sender_state.h"

#include <algorithm>

namespace mas::gateway {
namespace {

constexpr uint8_t kVersion = 2;
constexpr uint8_t kFixedRuns = 1;  // the version with runs of 13 bytes
constexpr uint64_t kFarGap = 3;    // stands behind the run, from here on
constexpr uint64_t kFirstRefusal = 16;
constexpr uint64_t kRefusals = 32;  // values that have room in a run's byte
constexpr bool encodable(Decision decision) {
  auto value = static_cast<uint64_t>(decision);
  return value >= kFirstRefusal && value < kFirstRefusal + kRefusals;
}
#define MAS_DECISION(name, value, text, accepted, errc, meaning) \
  static_assert(accepted || encodable(Decision::name), "no room for it in a run");
#include "proto/base/decisions.def"
#undef MAS_DECISION

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

/// @return nullopt for one that is cut short, past 64 bits, or has needless bytes.
std::optional<uint64_t> read_varint(ByteReader& in) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    auto byte = in.integer<uint8_t>();
    if (!in.ok() || (shift == 63 && byte > 1)) return std::nullopt;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) != 0) continue;
    if (byte == 0 && shift > 0) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

}  // namespace

Decision SenderState::decision(uint64_t sequence) const {
  auto after = std::upper_bound(refusals_.begin(), refusals_.end(), sequence,
                                [](uint64_t number, const Run& run) { return number < run.first; });
  if (after == refusals_.begin()) return Decision::kAllowed;
  const Run& run = *std::prev(after);
  return sequence < run.first + run.count ? run.decision : Decision::kAllowed;
}

void SenderState::decide(Decision decision) {
  ++last_;
  if (decision_accepted(decision)) return;
  bool extends = !refusals_.empty() && refusals_.back().decision == decision &&
                 refusals_.back().first + refusals_.back().count == last_ && refusals_.back().count < UINT32_MAX;
  if (extends)
    ++refusals_.back().count;
  else
    refusals_.push_back({last_, 1, decision});
  forget_old();
}

/// Keeps the runs that reach into the last kSenderWindow numbers: never more of them than decode() takes.
void SenderState::forget_old() {
  auto end = [](const Run& run) { return run.first + (run.count - 1); };
  while (!refusals_.empty() && last_ - end(refusals_.front()) >= limits::kSenderWindow) refusals_.pop_front();
}

void SenderState::append_to(std::string& out) const {
  ByteWriter writer(out);
  writer.integer(kVersion)
      .integer(last_)
      .integer(static_cast<uint64_t>(active_))
      .integer(static_cast<uint32_t>(refusals_.size()));
  uint64_t behind = 0;  // the end of the run before
  for (const Run& run : refusals_) {
    uint64_t gap = run.first - behind;
    uint64_t kind = std::min(gap, kFarGap) * kRefusals + (static_cast<uint64_t>(run.decision) - kFirstRefusal);
    append_varint(out, (uint64_t{run.count} - 1) * (kRefusals * (kFarGap + 1)) + kind);
    if (gap >= kFarGap) append_varint(out, gap - kFarGap);
    behind = run.first + run.count;
  }
}

namespace {

struct Place {
  uint64_t first = 0, count = 0, decision = 0;
};

std::optional<Place> read_fixed(ByteReader& in) {
  Place place;
  place.first = in.integer<uint64_t>();
  place.count = in.integer<uint32_t>();
  place.decision = in.integer<uint8_t>();
  return in.ok() ? std::optional(place) : std::nullopt;
}

std::optional<Place> read_packed(ByteReader& in, uint64_t behind) {
  auto packed = read_varint(in);
  if (!packed) return std::nullopt;
  uint64_t gap = *packed / kRefusals % (kFarGap + 1);
  if (gap == kFarGap) {
    auto more = read_varint(in);
    if (!more || *more > UINT64_MAX - behind - kFarGap) return std::nullopt;
    gap += *more;
  }
  return Place{behind + gap, *packed / (kRefusals * (kFarGap + 1)) + 1, *packed % kRefusals + kFirstRefusal};
}

}  // namespace

Status SenderState::take_runs(ByteReader& in, uint8_t version, uint32_t runs) {
  const Error bad{Errc::kMalformed, "sender state: not in the form this version writes"};
  uint64_t behind = 0;
  for (uint32_t i = 0; i < runs; ++i) {
    auto place = version == kFixedRuns ? read_fixed(in) : read_packed(in, behind);
    if (!place || place->decision > UINT8_MAX || place->count == 0 || place->count > UINT32_MAX) return bad;
    Run run{place->first, static_cast<uint32_t>(place->count), static_cast<Decision>(place->decision)};
    bool refusal = is_decision(static_cast<uint8_t>(place->decision)) && !decision_accepted(run.decision);
    bool sound =
        refusal && run.first > 0 && run.first >= behind && run.first <= last_ && run.count - 1 <= last_ - run.first;
    if (!sound) return bad;
    behind = run.first + run.count;
    refusals_.push_back(run);
  }
  return {};
}

Result<SenderState> SenderState::decode(std::string_view bytes) {
  const Error bad{Errc::kMalformed, "sender state: not in the form this version writes"};
  ByteReader in(bytes);
  SenderState state;
  auto version = in.integer<uint8_t>();
  state.last_ = in.integer<uint64_t>();
  state.active_ = static_cast<WallMicros>(in.integer<uint64_t>());
  auto runs = in.integer<uint32_t>();
  bool known = version == kVersion || version == kFixedRuns;
  if (!in.ok() || !known || runs > limits::kSenderWindow || state.last_ == UINT64_MAX) return bad;
  if (auto status = state.take_runs(in, version, runs); !status) return status.error();
  if (!in.at_end()) return bad;
  return state;
}

}  // namespace mas::gateway
