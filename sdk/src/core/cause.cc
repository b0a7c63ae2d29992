// What messages take over from the one that caused them.
#include "sdk/src/core/cause.h"

#include <algorithm>
#include <cstdint>

#include "proto/base/ids.h"
#include "proto/wire/chain.h"

namespace mas::sdk {
namespace {

/// An agent whose id has no place in a chain is left out.
void extend(std::string& chain, std::string_view id) {
  if (!check_agent_id(id).ok()) return;
  std::string longer;
  extend_chain(longer, chain, id);
  chain = std::move(longer);
}

constexpr std::string_view kVersion = "00";

int hex_value(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

constinit thread_local OwnContext outside_of_handlers{OwnContext::Constant()};

}  // namespace

void OwnContext::assign(const TraceContext& context) {
  parent_size_ = static_cast<uint16_t>(context.traceparent.copy(parent_, sizeof parent_));
  state_size_ = static_cast<uint16_t>(context.tracestate.copy(state_, sizeof state_));
  if (context.traceparent.empty() || context.traceparent.starts_with(kVersion)) return;
  const bool sampled = (hex_value(parent_[kTraceparentBytes - 1]) & 1) != 0;  // the only flag of version 00
  kVersion.copy(parent_, kVersion.size());
  parent_[kTraceparentBytes - 2] = '0';
  parent_[kTraceparentBytes - 1] = sampled ? '1' : '0';
}

OwnContext& thread_context() {
  Cause* cause = Cause::innermost();
  return cause == nullptr ? outside_of_handlers : cause->set_by_handler;
}

WithoutCause::WithoutCause() : cause_(Cause::innermost()) {
  Cause::restore(nullptr);
  context_.assign(thread_context().view());
  thread_context().assign({});
}

WithoutCause::~WithoutCause() {
  thread_context().assign(context_.view());
  Cause::restore(cause_);
}

void pass_trace(const mas_message* request, EnvelopeMeta& meta) {
  const mas_message* from = request != nullptr ? request : Cause::current();
  TraceContext trace = thread_context().view();
  if (trace.traceparent.empty() && from != nullptr) trace = from->trace_to_pass_on();
  meta.traceparent = trace.traceparent;
  meta.tracestate = trace.tracestate;
}

void pass_on(const mas_message& cause, std::string_view sender, EnvelopeMeta& meta, std::string& chain) {
  chain.assign(cause.chain());
  extend(chain, cause.sender());
  if (sender != cause.target()) extend(chain, cause.target());  // another agent of this process
  meta.chain = chain;
  meta.hops = cause.hops() < INT64_MAX ? cause.hops() + 1 : cause.hops();
  meta.conversation_id = cause.conversation_id().empty() ? std::string_view(cause.id()) : cause.conversation_id();
}

void pass_back(const mas_message& request, EnvelopeMeta& meta) { meta.conversation_id = request.conversation_id(); }

}  // namespace mas::sdk
