// Tickets, issued and accepted.
#include "daemons/gatewayd/turn/ticket.h"

#include "proto/base/bytes.h"
#include "proto/wire/record_batch.h"

namespace mas::gateway {
namespace {

constexpr std::string_view kDomain = "mas.ticket.v2";

}  // namespace

Digest TicketOffice::mac(const TicketClaim& claim) const {
  thread_local std::string input;
  input.clear();
  ByteWriter(input)
      .text16(kDomain)
      .text16(ns_)
      .text16(claim.requester)
      .bytes(claim.instance.bytes)
      .text16(claim.replier)
      .text16(claim.correlation_id)
      .integer(static_cast<uint64_t>(claim.expires));
  return key_.tag(input);
}

void TicketOffice::issue(std::string& out, const TicketClaim& claim) const {
  ByteWriter(out).bytes(claim.instance.bytes).integer(static_cast<uint64_t>(claim.expires)).bytes(mac(claim));
}

bool TicketOffice::accept(std::string_view ticket, TicketClaim& claim, WallMicros now) const {
  ByteReader in(ticket);
  TicketClaim whole = claim;
  whole.instance.bytes = in.array<16>();
  whole.expires = static_cast<WallMicros>(in.integer<uint64_t>());
  Digest said = in.array<32>();
  if (!in.ok() || !in.at_end() || !equal_in_constant_time(said, mac(whole)) || now > whole.expires) return false;
  claim = whole;
  return true;
}

}  // namespace mas::gateway
