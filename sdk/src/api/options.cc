// mas_options: every value is checked when it is set, so that making an agent can hardly fail.
#include <cstdlib>
#include <cstring>
#include <new>

#include "proto/base/ids.h"
#include "proto/wire/agent_entry.h"
#include "proto/wire/json.h"
#include "proto/wire/keys.h"
#include "sdk/src/core/config.h"
#include "sdk/src/core/error.h"
#include "sdk/src/core/own_redis.h"

namespace mas::sdk {

namespace {

Status resolve_mode(AgentConfig& config) {
  const char* name = std::getenv("MAS_MODE");
  std::string_view mode = name == nullptr ? "" : name;
  if (config.mode_set)
    config.mode = *config.mode_set;
  else if (mode == "gateway")
    config.mode = MAS_MODE_GATEWAY;
  else if (!mode.empty() && mode != "p2p")
    return Error{Errc::kInvalidArgument, "MAS_MODE: unknown mode '" + printable(mode) + "'; expected p2p or gateway"};
  return {};
}

}  // namespace

Status resolve_environment(AgentConfig& config) {
  if (!config.credentials) {
    const char* path = std::getenv("MAS_CREDENTIALS");
    config.credentials = path == nullptr ? "" : path;
  }
  auto own = read_own_redis(config);
  if (!own) return own.error();
  if (!config.endpoint) {
    const char* url = std::getenv("MAS_REDIS_URL");
    auto endpoint = redis::parse_url(url != nullptr && *url != '\0' ? url : "redis://localhost:6379");
    if (!endpoint) return endpoint.error().in("MAS_REDIS_URL");
    config.endpoint = *endpoint;
  }
  own->complete(*config.endpoint);
  if (!config.ns) {
    const char* ns = std::getenv("MAS_NAMESPACE");
    config.ns = ns == nullptr ? "" : ns;
    if (auto status = check_namespace(*config.ns); !status) return status.error().in("MAS_NAMESPACE");
  }
  return resolve_mode(config);
}

}  // namespace mas::sdk

using mas::sdk::fail;
using mas::sdk::guarded;
using mas::sdk::is_missing;
using mas::sdk::report;

namespace {

constexpr size_t kLeastEnvelope = 1024;
constexpr int kLeastBeatMs = 100;
constexpr size_t kMaxDeduped = 10'000'000;
constexpr int kMaxHandlerMillis = 24 * 60 * 60 * 1000;
constexpr int kMaxDoubtSeconds = 24 * 60 * 60;
constexpr int kDayMs = 24 * 60 * 60 * 1000;

mas_status set_bound(mas::sdk::Bound& bound, size_t messages, size_t bytes) {
  if (messages == 0 || bytes == 0)
    return fail(MAS_INVALID_ARGUMENT, "the queue's bound is 0 messages or 0 bytes; expected at least 1 of each");
  bound = {messages, bytes};
  return MAS_OK;
}

}  // namespace

extern "C" {

mas_options* mas_options_new(void) {
  try {
    return new mas_options();
  } catch (...) {
    fail(MAS_NO_MEMORY, "out of memory");
    return nullptr;
  }
}

void mas_options_free(mas_options* options) { delete options; }

mas_status mas_options_set_redis_url(mas_options* options, const char* url) {
  return guarded({{options, "options"}, {url, "url"}}, [&] {
    auto endpoint = mas::redis::parse_url(url);
    if (endpoint) options->config.endpoint = *endpoint;
    return report(endpoint);
  });
}

mas_status mas_options_set_namespace(mas_options* options, const char* ns) {
  return guarded({{options, "options"}, {ns, "ns"}}, [&] {
    auto status = mas::check_namespace(ns);
    if (status) options->config.ns = ns;
    return report(status);
  });
}

mas_status mas_options_add_capability(mas_options* options, const char* capability) {
  return guarded({{options, "options"}, {capability, "capability"}}, [&] {
    if (auto status = mas::check_capability(capability); !status) return report(status);
    auto& capabilities = options->config.capabilities;
    for (const auto& known : capabilities)
      if (known == capability) return MAS_OK;
    if (capabilities.size() >= mas::limits::kCapabilities)
      return fail(MAS_TOO_LARGE,
                  "an agent has at most " + std::to_string(mas::limits::kCapabilities) + " capabilities");
    capabilities.emplace_back(capability);
    return MAS_OK;
  });
}

mas_status mas_options_set_metadata(mas_options* options, const char* json, size_t size) {
  return guarded({{options, "options"}, {json, "json"}}, [&] {
    std::string_view text(json, size == MAS_STRLEN ? std::strlen(json) : size);
    if (text.size() > mas::limits::kMetadataBytes)
      return fail(MAS_TOO_LARGE, "metadata has " + std::to_string(text.size()) + " bytes; expected at most " +
                                     std::to_string(mas::limits::kMetadataBytes));
    auto object = mas::JsonReader::local().check_object(text);
    if (!object) return report(mas::Status(object.error().in("metadata")));
    options->config.metadata = *object;
    return MAS_OK;
  });
}

mas_status mas_options_set_heartbeat(mas_options* options, int interval_ms, int ttl_ms) {
  return guarded({{options, "options"}}, [&] {
    if (interval_ms < kLeastBeatMs || ttl_ms <= interval_ms || ttl_ms > kDayMs)
      return fail(MAS_INVALID_ARGUMENT, "the heartbeat's interval is " + std::to_string(interval_ms) +
                                            " ms and its TTL " + std::to_string(ttl_ms) +
                                            " ms; expected 100 <= interval < ttl <= " + std::to_string(kDayMs));
    options->config.heartbeat_interval = std::chrono::milliseconds(interval_ms);
    options->config.heartbeat_ttl = std::chrono::milliseconds(ttl_ms);
    return MAS_OK;
  });
}

mas_status mas_options_set_max_message(mas_options* options, size_t bytes) {
  return guarded({{options, "options"}}, [&] {
    if (bytes < kLeastEnvelope || bytes > mas::limits::kMaxEnvelopeBytes)
      return fail(MAS_INVALID_ARGUMENT, "the message bound is " + std::to_string(bytes) + " bytes; expected " +
                                            std::to_string(kLeastEnvelope) + " to " +
                                            std::to_string(mas::limits::kMaxEnvelopeBytes));
    options->config.max_envelope = bytes;
    return MAS_OK;
  });
}

mas_status mas_options_set_inbound_queue(mas_options* options, size_t messages, size_t bytes) {
  return guarded({{options, "options"}}, [&] { return set_bound(options->config.inbound, messages, bytes); });
}

mas_status mas_options_set_outbound_queue(mas_options* options, size_t messages, size_t bytes) {
  return guarded({{options, "options"}}, [&] { return set_bound(options->config.outbound, messages, bytes); });
}

mas_status mas_options_set_mode(mas_options* options, mas_mode mode) {
  return guarded({{options, "options"}}, [&] {
    int value;  // a C program may pass any integer, which C++ must not read as the enumeration
    std::memcpy(&value, &mode, sizeof value);
    if (value != MAS_MODE_P2P && value != MAS_MODE_GATEWAY)
      return fail(MAS_INVALID_ARGUMENT, "unknown mode; expected MAS_MODE_P2P or MAS_MODE_GATEWAY");
    options->config.mode_set = mode;
    return MAS_OK;
  });
}

mas_status mas_options_set_credentials(mas_options* options, const char* path) {
  return guarded({{options, "options"}}, [&] {
    options->config.credentials = path == nullptr ? "" : path;
    return MAS_OK;
  });
}

mas_status mas_options_set_dedupe_window(mas_options* options, size_t messages) {
  return guarded({{options, "options"}}, [&] {
    if (messages > kMaxDeduped)
      return fail(MAS_INVALID_ARGUMENT, "the dedupe window is " + std::to_string(messages) +
                                            " messages; expected at most " + std::to_string(kMaxDeduped));
    options->config.dedupe_messages = messages;
    return MAS_OK;
  });
}

mas_status mas_options_set_doubt_window(mas_options* options, size_t messages, int seconds) {
  return guarded({{options, "options"}}, [&] {
    if (messages > kMaxDeduped || seconds < 1 || seconds > kMaxDoubtSeconds)
      return fail(MAS_INVALID_ARGUMENT, "the doubt window is " + std::to_string(messages) + " messages and " +
                                            std::to_string(seconds) + " seconds; expected at most " +
                                            std::to_string(kMaxDeduped) + " messages, and 1 to " +
                                            std::to_string(kMaxDoubtSeconds) + " seconds");
    options->config.doubt_messages = messages;
    options->config.doubt_time = std::chrono::seconds(seconds);
    return MAS_OK;
  });
}

mas_status mas_options_set_handler_timeout(mas_options* options, int timeout_ms) {
  return guarded({{options, "options"}}, [&] {
    if (timeout_ms < 0 || timeout_ms > kMaxHandlerMillis)
      return fail(MAS_INVALID_ARGUMENT, "the handler timeout is " + std::to_string(timeout_ms) + " ms; expected 0 to " +
                                            std::to_string(kMaxHandlerMillis));
    options->config.handler_timeout = std::chrono::milliseconds(timeout_ms);
    return MAS_OK;
  });
}

void mas_options_set_debug(mas_options* options, mas_debug_fn fn, void* user) {
  if (is_missing(options, "options")) return;
  options->config.debug = fn;
  options->config.debug_user = user;
}

}  // extern "C"
