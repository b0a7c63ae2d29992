// Siblings and parents.
#include "daemons/gatewayd/dlp/detect/neighbours.h"

#include <algorithm>

namespace mas::dlp {
namespace {

constexpr uint32_t kMaxNodes = 32;      // to either side
constexpr uint32_t kMaxContainers = 3;  // upwards

ContextMask unambiguous(ContextMask says) {
  return (says & bit(Context::kWeak)) != 0 ? says & ~kDataContexts & ~bit(Context::kWeak) : says;
}

/// What the key at `number` says of the value that it stands for.
ContextMask said_by(const Document& document, uint32_t number) {
  const auto& nodes = document.nodes();
  const Node* next = number + 1 < nodes.size() ? &nodes[number + 1] : nullptr;
  // "patient_wait": false is no patient. What is neither string, number, object nor array has no node.
  bool flag = next == nullptr || (next->key != number && next->container == nodes[number].container);
  return flag ? nodes[number].own & ~bit(Context::kMedical) : nodes[number].own;
}

}  // namespace

ContextMask neighbours_of(const Document& document, uint32_t number) {
  const auto& nodes = document.nodes();
  const Node& node = nodes[number];
  if (node.container == kNowhere) return 0;
  ContextMask mask = 0;
  uint32_t first = number - std::min(number, kMaxNodes);
  uint32_t last = std::min<uint32_t>(number + kMaxNodes, static_cast<uint32_t>(nodes.size()) - 1);
  for (uint32_t i = first; i <= last; ++i) {
    const Node& other = nodes[i];
    if (other.kind != Node::Kind::kKey || other.container != node.container || i == node.key) continue;
    mask |= unambiguous(said_by(document, i));
  }
  uint32_t at = node.container;
  for (uint32_t n = 0; n < kMaxContainers && at != kNowhere; ++n) {
    const Container& container = document.containers()[at];
    if (container.key != kNowhere) mask |= unambiguous(nodes[container.key].own);
    at = container.parent;
  }
  return mask;
}

}  // namespace mas::dlp
