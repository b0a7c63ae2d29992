// The C functions of an agent: life, running, callbacks, statistics. Arguments are checked here, work is Agent's.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "proto/base/ids.h"
#include "proto/wire/limits.h"
#include "sdk/src/agent/agent.h"
#include "sdk/src/core/error.h"
#include "sdk/src/gateway/mode.h"
#include "sdk/src/peer/mode.h"

using mas::sdk::AgentConfig;
using mas::sdk::Callback;
using mas::sdk::Callbacks;
using mas::sdk::compile_schema;
using mas::sdk::fail;
using mas::sdk::guarded;
using mas::sdk::is_missing;
using mas::sdk::library_usable;
using mas::sdk::MessageHandler;
using mas::sdk::ReceiptWish;
using mas::sdk::report;
using mas::sdk::Stay;

namespace {

/// The only place that asks for the mode.
std::unique_ptr<mas::sdk::Mode> make_mode(mas::sdk::AgentContext& agent) {
  if (agent.config.mode == MAS_MODE_GATEWAY) return std::make_unique<mas::sdk::GatewayMode>(agent);
  return mas::sdk::make_peer_mode(agent);
}

/// @param type nullptr: the fallback.
mas_status set_handler(mas_agent& agent, const char* type, MessageHandler handler) {
  size_t size = type == nullptr ? 1 : std::strlen(type);
  if (size == 0 || size > mas::limits::kMessageTypeBytes)
    return fail(MAS_INVALID_ARGUMENT, "the message type has " + std::to_string(size) + " bytes; expected 1-" +
                                          std::to_string(mas::limits::kMessageTypeBytes));
  agent.set_callbacks([&](Callbacks& callbacks) {
    if (type == nullptr)
      callbacks.fallback = std::move(handler);
    else if (handler.none())
      callbacks.by_type.erase(type);
    else
      callbacks.by_type[type] = std::move(handler);
  });
  return MAS_OK;
}

}  // namespace

extern "C" {

void mas_free(void* memory) { std::free(memory); }

mas_status mas_agent_new(const char* id, const mas_options* options, mas_agent** ret_agent) {
  return guarded({{id, "id"}, {ret_agent, "ret_agent"}}, [&] {
    if (auto status = mas::check_agent_id(id); !status) return report(status);
    AgentConfig config = options == nullptr ? AgentConfig() : options->config;
    config.id = id;
    if (auto status = mas::sdk::resolve_environment(config); !status) return report(status);
    auto agent = std::make_unique<mas_agent>(std::move(config), make_mode);
    if (auto status = agent->open(); !status) return report(status);
    *ret_agent = agent.release();
    return MAS_OK;
  });
}

void mas_agent_free(mas_agent* agent) {
  Stay stay;
  if (!stay || agent == nullptr || mas::sdk::in_direct_callback()) return;
  const mas::sdk::AfterCall afterwards;  // its observer may free others
  if (agent->let_go())
    delete agent;
  else
    mas_agent::keep_for_ever(*agent);
}

const char* mas_agent_id(const mas_agent* agent) { return is_missing(agent, "agent") ? "" : agent->id().c_str(); }
const char* mas_agent_instance(const mas_agent* agent) {
  return is_missing(agent, "agent") ? "" : agent->instance().c_str();
}

mas_status mas_agent_start(mas_agent* agent, int timeout_ms) {
  return guarded({{agent, "agent"}}, [&] { return report(agent->start(timeout_ms)); });
}

mas_status mas_agent_stop(mas_agent* agent, int timeout_ms) {
  return guarded({{agent, "agent"}}, [&] { return report(agent->stop(timeout_ms)); });
}

mas_status mas_agent_poll(mas_agent* agent, int timeout_ms, size_t* ret_handled) {
  return guarded({{agent, "agent"}}, [&] {
    size_t handled = 0;
    auto status = agent->poll(timeout_ms, handled);
    if (ret_handled != nullptr && status.ok()) *ret_handled = handled;
    return report(status);
  });
}

mas_status mas_agent_run(mas_agent* agent) {
  return guarded({{agent, "agent"}}, [&] { return report(agent->run()); });
}

void mas_agent_quit(mas_agent* agent) {
  if (agent != nullptr && library_usable()) agent->quit();  // perhaps in a signal handler: no sentence
}

int mas_agent_fd(const mas_agent* agent) { return is_missing(agent, "agent") ? -1 : agent->fd(); }

mas_status mas_agent_flush(mas_agent* agent, int timeout_ms) {
  return guarded({{agent, "agent"}}, [&] { return report(agent->flush(timeout_ms)); });
}

// ---- Callbacks

void mas_agent_on_start(mas_agent* agent, mas_hook_fn fn, void* user) {
  if (is_missing(agent, "agent")) return;
  agent->set_callbacks([&](Callbacks& callbacks) { callbacks.start = {fn, user}; });
}

void mas_agent_on_stop(mas_agent* agent, mas_hook_fn fn, void* user) {
  if (is_missing(agent, "agent")) return;
  agent->set_callbacks([&](Callbacks& callbacks) { callbacks.stop = {fn, user}; });
}

void mas_agent_on_connection(mas_agent* agent, mas_connection_fn fn, void* user) {
  if (is_missing(agent, "agent")) return;
  agent->set_callbacks([&](Callbacks& callbacks) { callbacks.connection = {fn, user}; });
}

void mas_agent_on_overflow(mas_agent* agent, mas_overflow_fn fn, void* user) {
  if (is_missing(agent, "agent")) return;
  agent->set_callbacks([&](Callbacks& callbacks) { callbacks.overflow = {fn, user}; });
}

void mas_agent_on_doubt(mas_agent* agent, mas_doubt_fn fn, void* user) {
  if (is_missing(agent, "agent")) return;
  agent->set_callbacks([&](Callbacks& callbacks) { callbacks.doubt = {fn, user}; });
}

void mas_agent_on_receipt(mas_agent* agent, mas_receipts which, mas_receipt_fn fn, void* user) {
  if (is_missing(agent, "agent")) return;
  agent->set_callbacks([&](Callbacks& callbacks) { callbacks.receipt = {fn, user}; });
  ReceiptWish wish = which == MAS_RECEIPTS_ALL ? ReceiptWish::kAll : ReceiptWish::kFailures;
  agent->context().receipts.store(fn == nullptr ? ReceiptWish::kNone : wish);
}

mas_status mas_agent_on_message(mas_agent* agent, const char* type, mas_message_fn fn, void* user) {
  return guarded({{agent, "agent"}}, [&] { return set_handler(*agent, type, {{fn, user}, {}, nullptr}); });
}

mas_status mas_agent_on_typed(mas_agent* agent, const char* type, const mas_schema* schema, mas_typed_fn fn,
                              void* user) {
  return guarded({{agent, "agent"}, {type, "type"}}, [&] {
    if (fn == nullptr) return set_handler(*agent, type, {});
    auto compiled = compile_schema(schema);
    return compiled.ok() ? set_handler(*agent, type, {{}, {fn, user}, std::move(*compiled)}) : report(compiled);
  });
}

// ---- Statistics

void mas_agent_stats(const mas_agent* agent, mas_stats* ret_stats, size_t size) {
  if (is_missing(agent, "agent") || is_missing(ret_stats, "ret_stats")) return;
  auto& context = const_cast<mas_agent*>(agent)->context();
  const auto& counters = context.counters;
  const auto& failures = context.outbox().failures();
  mas_stats stats{};
  stats.sent = counters.sent.get();
  stats.undelivered = counters.undelivered.get();
  stats.send_failed = counters.send_failed.get();
  stats.received = counters.received.get();
  stats.malformed = counters.malformed.get();
  stats.dropped = context.inbox.messages_dropped();
  stats.unhandled = failures.unhandled.get();
  stats.handler_failed = failures.handler_failed.get();
  stats.late_replies = counters.late_replies.get();
  stats.reconnects = counters.reconnects.get();
  stats.refused = counters.refused.get();
  stats.duplicates = counters.duplicates.get();
  stats.stray_receipts = counters.stray_receipts.get();
  stats.restarts = counters.restarts.get();
  stats.losses = counters.losses.get();
  stats.reports_refused = counters.reports_refused.get();
  stats.foreign_replies = counters.foreign_replies.get();
  stats.error_replies = failures.error_replies.get();
  stats.in_doubt = counters.in_doubt.get();
  std::memcpy(ret_stats, &stats, std::min(size, sizeof stats));
}

}  // extern "C"
