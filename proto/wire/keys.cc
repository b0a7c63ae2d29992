// Key and channel names.
#include "proto/wire/keys.h"

#include <utility>

#include "proto/base/ids.h"
#include "proto/wire/limits.h"

namespace mas {
namespace {

std::string partition_tagged(std::string key, unsigned partition) {
  return key.append(":{").append(std::to_string(partition)).append("}");
}

}  // namespace

Keys::Keys(std::string_view ns, KeyLayout layout)
    : prefix_(ns.empty() ? std::string() : std::string(ns) + "/"), layout_(layout) {}

std::string Keys::join(std::string_view head, std::string_view middle, std::string_view tail) const {
  std::string key;
  key.reserve(prefix_.size() + head.size() + middle.size() + tail.size());
  key.append(prefix_).append(head).append(middle).append(tail);
  return key;
}

std::string Keys::partitioned(std::string_view head, unsigned partition) const {
  return join(head, "{" + std::to_string(partition) + "}");
}

std::string Keys::placed_at(std::string_view name, unsigned partition) const {
  return on_cluster() ? partition_tagged(join(name), partition) : join(name);
}

std::string Keys::inbox(std::string_view target, Lane lane, unsigned partition) const {
  std::string key = join("agent.stream:", target);
  if (lane != Lane::kNormal) key.append(":").append(lane_name(lane));
  return on_cluster() ? partition_tagged(std::move(key), partition) : key;
}

std::string Keys::reply_inbox(std::string_view target, std::string_view instance, unsigned partition) const {
  std::string key = join("agent.stream:", target, ":@").append(instance);
  return on_cluster() ? partition_tagged(std::move(key), partition) : key;
}

/// An agent's keys share the part of the name up to the id's end, and so the tag, whatever the id is.
std::string Keys::tagged(std::string_view head, std::string_view id, std::string_view tail) const {
  if (!on_cluster()) return join(head, id, tail);
  std::string key;
  key.reserve(prefix_.size() + head.size() + id.size() + tail.size() + 2);
  key.append(prefix_).append(head).append("{").append(id).append("}").append(tail);
  return key;
}

std::string_view Keys::id_between(std::string_view head, std::string_view tail, std::string_view key) const {
  std::string_view id = between(head, tail, key);
  if (!on_cluster()) return id;
  if (id.size() < 2 || id.front() != '{' || id.back() != '}') return {};
  return id.substr(1, id.size() - 2);
}

std::string Keys::agent_scan_pattern() const { return prefix_ + (on_cluster() ? "agent:{*}" : "agent:*"); }

std::string Keys::capability_scan_pattern() const { return prefix_ + "mas.capability:*"; }

std::string_view Keys::after(std::string_view head, std::string_view key) const {
  if (!key.starts_with(prefix_)) return {};
  key.remove_prefix(prefix_.size());
  if (!key.starts_with(head)) return {};
  return key.substr(head.size());
}

std::string_view Keys::agent_id_of_key(std::string_view key) const { return id_between("agent:", "", key); }

std::string_view Keys::capability_of_key(std::string_view key) const { return after("mas.capability:", key); }

std::string_view Keys::between(std::string_view head, std::string_view tail, std::string_view key) const {
  std::string_view rest = after(head, key);
  return rest.ends_with(tail) ? rest.substr(0, rest.size() - tail.size()) : std::string_view();
}

std::string_view Keys::agent_id_of_rules(std::string_view key) const {
  for (std::string_view tail : {":allowed_targets", ":blocked_targets", ":roles"})
    if (std::string_view id = id_between("agent:", tail, key); !id.empty()) return id;
  return {};
}

std::string_view Keys::agent_id_of_heartbeat(std::string_view key) const {
  return id_between("agent:", ":heartbeat", key);
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
