// Contexts of a place, and scores.
#include "daemons/gatewayd/dlp/sight.h"

#include <algorithm>

namespace mas::dlp {
namespace {

constexpr uint32_t kNear = 40;  // bytes
constexpr uint32_t kMostWordsNear = 16;
constexpr float kByKey = 0.35F, kByWords = 0.20F, kByFarWords = 0.10F, kAgainstIt = 0.40F, kAgainstForm = 0.20F;

}  // namespace

const Node& Sight::node_of(uint32_t at) {
  const auto& nodes = document_.nodes();
  if (at < nodes[node_].text.begin || (node_ + 1 < nodes.size() && at >= nodes[node_ + 1].text.begin)) {
    if (at >= nodes[node_].text.begin && node_ + 2 < nodes.size() && at < nodes[node_ + 2].text.begin)
      ++node_;
    else
      node_ = document_.node_at(at);
  }
  return nodes[node_];
}

Sight::Around Sight::around(Span span, const Node& node) const {
  Around found;
  auto past = std::upper_bound(words_.begin(), words_.end(), span.begin,
                               [](uint32_t end, const Word& word) { return end < word.span.end; });
  uint32_t looked = 0, nearest_begin = 0;
  for (auto word = past; word != words_.begin() && looked < kMostWordsNear; ++looked) {
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
  for (auto word = past; word != words_.end() && looked < kMostWordsNear; ++word, ++looked) {
    if (word->span.end > node.text.end || word->span.begin > span.end + kNear) break;
    if (word->span.begin < span.end) continue;
    found.all |= bit(word->context);
  }
  return found;
}

ContextMask Sight::near(Span span) { return around(span, node_of(span.begin)).all; }

float Sight::see(Type type, Span span, const Evidence& evidence) {
  if (!wants(type) || span.size() == 0) return 0;
  const Node& node = node_of(span.begin);
  Around words = around(span, node);
  bool by_key = (node.context & evidence.wanted) != 0;
  bool by_words = (words.all & evidence.wanted) != 0;
  float score = evidence.checked ? std::max(evidence.shape, kChecked) : evidence.shape;
  if (by_key) score += kByKey;
  if (by_words) score += words.nearest == 0 || (words.nearest & evidence.wanted) != 0 ? kByWords : kByFarWords;
  bool against = (node.context & bit(Context::kNegative)) != 0 && !by_key;
  if (evidence.bare && !by_words && (words.all & bit(Context::kNegative)) != 0 && !by_key) against = true;
  if (against) score -= evidence.bare ? kAgainstIt : kAgainstForm;
  score = std::min(score, 1.0F);
  if (score < kMentions) return score;
  auto number = static_cast<uint32_t>(&node - document_.nodes().data());
  into_.push_back({static_cast<uint16_t>(type), evidence.checked, score, number_, number, span, evidence.detail});
  return score;
}

}  // namespace mas::dlp
