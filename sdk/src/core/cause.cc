// What messages take over from the one that caused them.
#include "sdk/src/core/cause.h"

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

}  // namespace

void pass_on(const mas_message& cause, std::string_view sender, EnvelopeMeta& meta, std::string& chain) {
  chain.assign(cause.chain());
  extend(chain, cause.sender());
  if (sender != cause.target()) extend(chain, cause.target());  // another agent of this process
  meta.chain = chain;
  meta.hops = cause.hops() < INT64_MAX ? cause.hops() + 1 : cause.hops();
  meta.conversation_id = cause.conversation_id().empty() ? std::string_view(cause.id()) : cause.conversation_id();
  meta.traceparent = cause.traceparent();
}

void pass_back(const mas_message& request, EnvelopeMeta& meta) {
  meta.conversation_id = request.conversation_id();
  meta.traceparent = request.traceparent();
}

}  // namespace mas::sdk
