// Siblings and parents.
#include "daemons/gatewayd/dlp/detect/neighbours.h"

#include <algorithm>

namespace mas::dlp {
namespace {

constexpr uint32_t kMostNodes = 32;      // to either side
constexpr uint32_t kMostContainers = 3;  // upwards

ContextMask unambiguous(std::string_view key) {
  ContextMask mask = read_key(key);
  return (mask & bit(Context::kWeak)) != 0 ? mask & ~kDataContexts & ~bit(Context::kWeak) : mask;
}

}  // namespace

ContextMask neighbours_of(const Document& document, uint32_t number) {
  const auto& nodes = document.nodes();
  const Node& node = nodes[number];
  if (node.container == kNowhere) return 0;
  ContextMask mask = 0;
  uint32_t first = number - std::min(number, kMostNodes);
  uint32_t last = std::min<uint32_t>(number + kMostNodes, static_cast<uint32_t>(nodes.size()) - 1);
  for (uint32_t i = first; i <= last; ++i) {
    const Node& other = nodes[i];
    if (other.kind != Node::Kind::kKey || other.container != node.container || i == node.key) continue;
    bool flag = i + 1 >= nodes.size() || (nodes[i + 1].container == node.container && nodes[i + 1].key != i);
    ContextMask says = unambiguous(document.text_of(other));
    if (flag) says &= ~bit(Context::kMedical);  // "patient_wait": false. What is no string or number has no node
    mask |= says;
  }
  uint32_t at = node.container;
  for (uint32_t n = 0; n < kMostContainers && at != kNowhere; ++n) {
    const Container& container = document.containers()[at];
    if (container.key != kNowhere) mask |= unambiguous(document.text_of(nodes[container.key]));
    at = container.parent;
  }
  return mask;
}

}  // namespace mas::dlp
