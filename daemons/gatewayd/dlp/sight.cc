// Contexts of a place, and scores.
#include "daemons/gatewayd/dlp/sight.h"

#include <algorithm>

namespace mas::dlp {
namespace {

constexpr uint32_t kNear = 40;  // bytes
constexpr uint32_t kMaxNearbyWords = 16;
constexpr size_t kStepsOfJudging = 8;

}  // namespace

const Node& Sight::node_of(uint32_t at) {
  const auto& nodes = document_.nodes();
  const auto count = static_cast<uint32_t>(nodes.size());
  uint32_t low = at < nodes[node_].text.begin ? 0 : node_, step = 1;
  for (; low + step < count && at >= nodes[low + step].text.begin; step *= 2) low += step;
  for (uint32_t high = std::min(low + step, count); high - low > 1;) {
    uint32_t middle = low + (high - low) / 2;
    (at < nodes[middle].text.begin ? high : low) = middle;
  }
  node_ = low;
  return nodes[node_];
}

Sight::Around Sight::around(Span span, const Node& node) const {
  Around found;
  if (words_.empty()) return found;
  auto past = std::upper_bound(words_.begin(), words_.end(), span.begin,
                               [](uint32_t end, const Word& word) { return end < word.span.end; });
  uint32_t looked = 0, nearest_begin = 0;
  for (auto word = past; word != words_.begin() && looked < kMaxNearbyWords; ++looked) {
    --word;
    if (word->span.begin < node.text.begin || word->span.end + kNear < span.begin) break;
    found.all |= bit(word->context);
    // "access token" and its "token" are one place.
    bool same = found.nearest != 0 && word->span.end > nearest_begin;
    if (found.nearest == 0 || same) {
      found.nearest |= bit(word->context) & kDataContexts;
      if (found.nearest != 0) nearest_begin = word->span.begin;
    }
  }
  looked = 0;
  for (auto word = past; word != words_.end() && looked < kMaxNearbyWords; ++word, ++looked) {
    if (word->span.end > node.text.end || word->span.begin > span.end + kNear) break;
    if (word->span.begin < span.end) continue;
    found.all |= bit(word->context);
  }
  spend(kStepsOfJudging + looked);
  return found;
}

ContextMask Sight::near(Span span) { return around(span, node_of(span.begin)).all; }

uint32_t Sight::put(const Candidate& candidate) {
  if (candidate.score < kMentions) return Judgement::kNotKept;
  Work& work = seen_.work;
  Action action = seen_.actions[candidate.type];
  if (candidate.score < kActs) {
    if (action == Action::kOff || ++work.mentions > Work::kMaxMentions) return Judgement::kNotKept;
  } else if (action <= Action::kAlert) {
    if (action == Action::kOff) return Judgement::kNotKept;
    if (++work.alerts > Work::kMaxAlerts) return ++work.untold, Judgement::kNotKept;
  } else if (++work.hidden > Work::kMaxHidden) {
    work.too_many = true;
    return Judgement::kNotKept;
  }
  seen_.candidates.push_back(candidate);
  return static_cast<uint32_t>(seen_.candidates.size() - 1);
}

void Sight::keep(uint16_t type, uint32_t node, Span span, float score, bool validated, std::string_view detail) {
  Candidate candidate{type, validated, score, number_, node, span, detail};
  uint32_t kept = put(candidate);
  if (seen_.judged == nullptr) return;
  Judgement judgement{candidate, kept};
  judgement.by_rule = true;
  judgement.shape = score;
  judgement.checked = validated;
  seen_.judged->push_back(judgement);
}

void Sight::see(Type type, Span span, const Evidence& evidence) {
  if (!wants(type) || span.size() == 0) return;
  const Node& node = node_of(span.begin);
  float score = evidence.checked ? std::max(evidence.shape, kChecked) : evidence.shape;
  bool by_key = (node.context & evidence.wanted) != 0;
  if (by_key) score += Worth::kKey;
  bool against = (node.context & bit(Context::kNegative)) != 0 && !by_key;
  // Under a key against it most numbers are none, whatever the words around say.
  if (against && evidence.bare && seen_.judged == nullptr && score + Worth::kWords - Worth::kAgainst < kMentions)
    return;
  Around words = around(span, node);
  bool by_words = (words.all & evidence.wanted) != 0;
  bool far = words.nearest != 0 && (words.nearest & evidence.wanted) == 0;
  if (by_words) score += far ? Worth::kFarWords : Worth::kWords;
  if (evidence.bare && !by_words && (words.all & bit(Context::kNegative)) != 0 && !by_key) against = true;
  float off = !against ? 0 : evidence.bare ? Worth::kAgainst : Worth::kAgainstForm;
  score = std::min(score - off, 1.0F);
  if (score < kMentions && seen_.judged == nullptr) return;
  auto number = static_cast<uint32_t>(&node - document_.nodes().data());
  Candidate candidate{static_cast<uint16_t>(type), evidence.checked, score, number_, number, span, evidence.detail};
  uint32_t kept = put(candidate);
  if (seen_.judged != nullptr)
    seen_.judged->push_back({candidate, kept, evidence.shape, evidence.checked, false, by_words && far, evidence.wanted,
                             node.context, words.all, off});
}

}  // namespace mas::dlp
