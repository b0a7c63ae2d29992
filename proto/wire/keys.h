// The names of every key and channel, with the configured namespace in front. No other file spells one.
//
// `{p}` in a partition's keys is a Redis hash tag, so that a partition's keys share a cluster slot. On a cluster an
// agent's keys share one, too, by braces around its id; `{id}` in the comments below is a placeholder.
// Threading: immutable after construction; share freely.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/wire/lane.h"

namespace mas {

/// Where the keys are: on one server, or on a cluster, where keys that change together need a common hash tag.
enum class KeyLayout : uint8_t { kOneServer, kCluster };
constexpr KeyLayout key_layout(bool on_cluster) { return on_cluster ? KeyLayout::kCluster : KeyLayout::kOneServer; }

class Keys {
 public:
  /// @param ns the namespace; empty for none, else 1–64 of [A-Za-z0-9._-] (see check_namespace).
  explicit Keys(std::string_view ns = {}, KeyLayout layout = KeyLayout::kOneServer);

  KeyLayout layout() const { return layout_; }

  std::string agent(std::string_view id) const { return tagged("agent:", id); }
  std::string heartbeat(std::string_view id) const { return tagged("agent:", id, ":heartbeat"); }
  std::string instances(std::string_view id) const { return tagged("agent:", id, ":instances"); }
  std::string alive(std::string_view id, std::string_view instance) const {
    return tagged("agent:", id, ":alive:") + std::string(instance);
  }
  std::string state(std::string_view id) const { return tagged("agent.state:", id); }
  /// The channel that peer-to-peer envelopes for `id` are published on.
  std::string channel(std::string_view id) const { return tagged("agent.", id); }
  /// What a channel's name has before and behind the id.
  std::string channel_head() const { return join("agent.", on_cluster() ? "{" : ""); }
  std::string_view channel_tail() const { return on_cluster() ? "}" : ""; }

  std::string system_channel() const { return join("mas.system"); }
  std::string agents_index() const { return join("mas.agents"); }
  std::string capability_index(std::string_view capability) const { return join("mas.capability:", capability); }
  /// `SCAN MATCH` pattern of the capability sets.
  std::string capability_scan_pattern() const;
  /// @return the capability if `key` is its index set in this namespace, else empty.
  std::string_view capability_of_key(std::string_view key) const;
  /// String with TTL that exists exactly while an active registryd keeps a complete index.
  std::string index_ready() const { return join("mas.index"); }
  std::string config() const { return join("mas.config"); }
  /// Hash: the records of the Redis users that MAS made (proto/users/user_record.h).
  std::string users() const { return join("mas.users"); }

  std::string lease(std::string_view name) const { return join("mas.lease:", name); }
  std::string partition_lease(unsigned partition) const { return partitioned("mas.lease:", partition); }
  std::string partition_epoch(unsigned partition) const { return partitioned("mas.epoch:", partition); }
  /// List: what senders of the partition hand to the gateway.
  std::string ingress(unsigned partition) const { return partitioned("mas.ingress:", partition); }
  /// Hash: what the partition's owner must remember of its senders.
  std::string senders(unsigned partition) const { return partitioned("mas.sender:", partition); }
  /// Stream: the partition's audit blocks.
  std::string audit(unsigned partition) const { return partitioned("mas.audit:", partition); }
  /// Stream: the messages that were delivered for senders of the partition, sealed, if archiving is on.
  std::string archive(unsigned partition) const { return partitioned("mas.archive:", partition); }
  /// Stream: signed heads of all partitions.
  std::string audit_heads() const { return join("mas.audit.heads"); }
  /// Stream: what operators changed, and who.
  std::string operator_audit() const { return join("mas.audit.operators"); }

  /// The stream that messages for `target` are delivered into. On one server the sender's partition plays no part; on a
  /// cluster the stream is in the slot of that partition.
  std::string inbox(std::string_view target, Lane lane, unsigned partition) const;
  /// The stream of replies to one instance of `target`.
  std::string reply_inbox(std::string_view target, std::string_view instance, unsigned partition) const;
  /// Channel: receipts for one instance of a sender.
  std::string receipts(std::string_view id, std::string_view instance) const {
    return tagged("mas.receipts:", id, ":") + std::string(instance);
  }
  /// Channel, on a cluster: tells the agent which of its inboxes have something new (wake_up.h).
  std::string wake_channel(std::string_view id) const { return tagged("mas.wake:", id); }
  /// Sorted set: messages of the partition's agents that wait to be delivered again, by when they are due
  /// (waiting_retry.h).
  std::string trial(unsigned partition) const { return partitioned("mas.trial:", partition); }
  std::string retries(unsigned partition) const { return partitioned("mas.retry:", partition); }
  /// String: the secret that gateways without a master key share.
  std::string secret() const { return join("mas.secret"); }
  /// Stream: messages that were given up. On one server all are in one stream, whatever the partition; on a cluster
  /// each partition has its own.
  std::string dead_letters(unsigned partition = 0) const { return placed_at("dlq:messages", partition); }
  /// Stream: the newest elements of ingress lists that are no frames. By partition, as dead_letters().
  std::string unproven(unsigned partition = 0) const { return placed_at("dlq:unproven", partition); }
  /// List: ids of the dead letters' entries, and records of the archive, that operators want to be replayed. By
  /// partition, as dead_letters().
  std::string replays(unsigned partition = 0) const { return placed_at("mas.replay", partition); }
  /// Hash: replays of the archive that are not finished, each with the last record that it has requested there.
  std::string replay_progress(unsigned partition = 0) const { return placed_at("mas.replay.done", partition); }
  /// Stream: messages that wait for a person's yes or no. By partition, as dead_letters().
  std::string held(unsigned partition = 0) const { return placed_at("mas.held", partition); }
  /// List: what operators said about them. By partition, as dead_letters().
  std::string approvals(unsigned partition = 0) const { return placed_at("mas.approvals", partition); }
  /// @return which of the keys above is the partition's: on one server 0, since they share one.
  unsigned placed(unsigned partition) const { return on_cluster() ? partition : 0; }
  /// How many of each of these there are.
  unsigned places(size_t partitions) const { return on_cluster() ? static_cast<unsigned>(partitions) : 1; }

  std::string identity(std::string_view id) const { return tagged("mas.identity:", id); }
  /// `SCAN MATCH` pattern of the identities.
  std::string identity_scan_pattern() const { return prefix_ + "mas.identity:*"; }
  std::string allowed_targets(std::string_view id) const { return tagged("agent:", id, ":allowed_targets"); }
  std::string blocked_targets(std::string_view id) const { return tagged("agent:", id, ":blocked_targets"); }
  std::string roles(std::string_view id) const { return tagged("agent:", id, ":roles"); }
  std::string role_permissions(std::string_view role) const { return join("role:", role, ":permissions"); }
  /// `SCAN MATCH` pattern of the roles' permissions.
  std::string role_scan_pattern() const { return prefix_ + "role:*:permissions"; }
  /// `SCAN MATCH` pattern of the agents' roles.
  std::string roles_scan_pattern() const { return prefix_ + "agent:*:roles"; }
  /// @return the id if `key` is `agent:{id}:roles` of this namespace, else empty.
  std::string_view agent_id_of_roles(std::string_view key) const { return id_between("agent:", ":roles", key); }
  /// @return the id if `key` is one of the keys that an agent's rules are in, of this namespace, else empty.
  std::string_view agent_id_of_rules(std::string_view key) const;
  std::string limits(std::string_view id) const { return tagged("ratelimit:", id, ":limits"); }
  std::string circuit(std::string_view id) const { return tagged("circuit:", id); }
  /// `SCAN MATCH` pattern of the circuits.
  std::string circuit_scan_pattern() const { return prefix_ + "circuit:*"; }

  std::string daemon(std::string_view name, std::string_view instance) const {
    return join("mas.daemon:", name, ":") + std::string(instance);
  }
  /// Set of `name:instance` of the daemons that came up; healthd removes those whose heartbeat is gone.
  std::string daemons() const { return join("mas.daemons"); }

  /// `SCAN MATCH` pattern of registry entries (also matches their sub-keys; see agent_id_of_key).
  std::string agent_scan_pattern() const;

  /// @return the id if `key` is `agent:{id}` of this namespace, else empty. On one server a sub-key such as
  /// `agent:a:heartbeat` yields `a:heartbeat`: only the entry's own `id` field tells them apart.
  std::string_view agent_id_of_key(std::string_view key) const;

  /// @return the id if `key` is `mas.identity:{id}`, `ratelimit:{id}:limits` or `circuit:{id}`, of this namespace, else
  /// empty.
  std::string_view agent_id_of_identity(std::string_view key) const { return id_between("mas.identity:", "", key); }
  std::string_view agent_id_of_limits(std::string_view key) const { return id_between("ratelimit:", ":limits", key); }
  std::string_view agent_id_of_circuit(std::string_view key) const { return id_between("circuit:", "", key); }
  /// @return the role if `key` is `role:{name}:permissions` of this namespace, else empty.
  std::string_view role_of_permissions(std::string_view key) const { return between("role:", ":permissions", key); }

  /// @return the id if `key` is `agent:{id}:heartbeat` of this namespace, else empty.
  std::string_view agent_id_of_heartbeat(std::string_view key) const;

  const std::string& prefix() const { return prefix_; }
  /// The namespace, without the '/' behind it.
  std::string_view ns() const { return std::string_view(prefix_).substr(0, prefix_.empty() ? 0 : prefix_.size() - 1); }

 private:
  bool on_cluster() const { return layout_ == KeyLayout::kCluster; }
  std::string tagged(std::string_view head, std::string_view id, std::string_view tail = {}) const;
  std::string_view id_between(std::string_view head, std::string_view tail, std::string_view key) const;
  std::string join(std::string_view head, std::string_view middle = {}, std::string_view tail = {}) const;
  std::string_view after(std::string_view head, std::string_view key) const;
  std::string_view between(std::string_view head, std::string_view tail, std::string_view key) const;
  std::string partitioned(std::string_view head, unsigned partition) const;
  std::string placed_at(std::string_view name, unsigned partition) const;

  std::string prefix_;  // "" or "ns/"
  KeyLayout layout_;
};

/// @return ok, or kInvalidArgument that says what a namespace may look like.
Status check_namespace(std::string_view ns);

/// FNV-1a, 64 bits (draft-eastlake-fnv): which partition a sender belongs to, `fnv1a64(sender) % partitions`.
constexpr uint64_t fnv1a64(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

/// @param partitions of mas.config; not 0.
constexpr unsigned partition_of(std::string_view sender, size_t partitions) {
  return static_cast<unsigned>(fnv1a64(sender) % partitions);
}

}  // namespace mas
