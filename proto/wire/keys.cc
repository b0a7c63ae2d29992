// Key and channel names.
#include "proto/wire/keys.h"

#include "proto/base/ids.h"
#include "proto/wire/limits.h"

namespace mas {

Keys::Keys(std::string_view ns) : prefix_(ns.empty() ? std::string() : std::string(ns) + "/") {}

std::string Keys::join(std::string_view head, std::string_view middle, std::string_view tail) const {
  std::string key;
  key.reserve(prefix_.size() + head.size() + middle.size() + tail.size());
  key.append(prefix_).append(head).append(middle).append(tail);
  return key;
}

std::string Keys::partitioned(std::string_view head, unsigned partition) const {
  return join(head, "{" + std::to_string(partition) + "}");
}

std::string Keys::inbox(std::string_view target, Lane lane, unsigned) const {
  std::string key = join("agent.stream:", target);
  if (lane != Lane::kNormal) key.append(":").append(lane_name(lane));
  return key;
}

std::string Keys::reply_inbox(std::string_view target, std::string_view instance, unsigned) const {
  return join("agent.stream:", target, ":@") + std::string(instance);
}

std::string Keys::agent_scan_pattern() const { return prefix_ + "agent:*"; }

std::string Keys::capability_scan_pattern() const { return prefix_ + "mas.capability:*"; }

std::string_view Keys::after(std::string_view head, std::string_view key) const {
  if (!key.starts_with(prefix_)) return {};
  key.remove_prefix(prefix_.size());
  if (!key.starts_with(head)) return {};
  return key.substr(head.size());
}

std::string_view Keys::agent_id_of_key(std::string_view key) const { return after("agent:", key); }

std::string_view Keys::capability_of_key(std::string_view key) const { return after("mas.capability:", key); }

std::string_view Keys::between(std::string_view head, std::string_view tail, std::string_view key) const {
  std::string_view rest = after(head, key);
  return rest.ends_with(tail) ? rest.substr(0, rest.size() - tail.size()) : std::string_view();
}

std::string_view Keys::agent_id_of_heartbeat(std::string_view key) const {
  return between("agent:", ":heartbeat", key);
}

Status check_namespace(std::string_view ns) {
  bool legal = ns.size() <= limits::kNamespaceBytes;
  for (char c : ns)
    legal = legal && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                      c == '_' || c == '-');
  if (legal) return {};
  return Error{Errc::kInvalidArgument,
               "namespace '" + printable(ns) + "' is not allowed; expected at most 64 of [A-Za-z0-9._-]"};
}

}  // namespace mas
