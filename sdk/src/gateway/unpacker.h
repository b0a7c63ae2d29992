// Takes stream entries apart: the records of an entry become messages for the application.
//
// Failure modes:
//   not an envelope, or for another agent   dropped (open_envelope)
//   too large, or no memory for it          reported to the gateway as failed, which keeps it
//   come twice (dedupe)                     dropped and counted
//   a reply on a lane                       dropped and counted: only the reply stream is written for who bears a
//                                           ticket
//   entry of no known form                  the rest of it is dropped, counted, told to debug
// Threading: the I/O thread. Ownership: the reader's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/wire/record_batch.h"
#include "sdk/src/core/mode_host.h"
#include "sdk/src/gateway/dedupe_window.h"
#include "sdk/src/gateway/deliveries.h"

namespace mas::sdk {

class Unpacker {
 public:
  Unpacker(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe)
      : host_(host), deliveries_(deliveries), dedupe_(dedupe) {}

  /// Gives the host the entry's messages. @param blob the entry's field. @param stream its key.
  void take(const DeliveryPtr& delivery, std::string_view blob, const std::string& stream);
  /// Whoever handled these died, again and again. One of them may be why: each is delivered again alone, so that the
  /// others get by.
  void fail(const DeliveryPtr& delivery, std::string_view blob);

 private:
  void take_record(const DeliveryPtr& delivery, uint32_t index, const Record& record);

  ModeHost& host_;
  Deliveries& deliveries_;
  DedupeWindow& dedupe_;
};

}  // namespace mas::sdk
