// Records: envelopes in a length-prefixed blob, as an ingress frame and a stream entry carry them.
//
//   record   u32 size of what follows, u8 flags, 12 bytes retry state (if kRetried), 56 bytes ticket (if kTicket),
//            envelope
//   entry    u8 version (1), records                        (field `b` of a stream entry)
//
// Integers are little-endian. A ticket is opaque to agents: the receiver of a request returns it with the reply.
// Failure: a reader stops at the first record that is cut or has unknown flags; status() says what and where.
// Threading: none. Ownership: views live as long as the bytes that are read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace mas {

inline constexpr size_t kTicketBytes = 56;
inline constexpr uint8_t kEntryVersion = 1;

struct Record {
  enum Flag : uint8_t {
    kTicket = 1,    ///< a ticket precedes the envelope
    kReplayed = 2,  ///< delivered from the dead-letter queue or the archive
    kRetried = 4,   ///< delivered before, and its handler failed: a RetryState precedes the ticket
    kFailed = 8,    ///< in a frame only: a FailureReport in place of the envelope
  };
  static constexpr uint8_t kKnownFlags = kTicket | kReplayed | kRetried | kFailed;

  uint8_t flags = 0;
  std::string_view retry;   ///< a RetryState, encoded; or empty
  std::string_view ticket;  ///< kTicketBytes, or empty
  std::string_view envelope;
};

/// Appends a record; kTicket is set where `ticket` is not empty (it then has kTicketBytes), kRetried where `retry` is
/// not.
void append_record(std::string& out, std::string_view envelope, std::string_view ticket = {}, uint8_t flags = 0,
                   std::string_view retry = {});

/// Appends the part of a record before its envelope; the caller appends the envelope.
void append_record_head(std::string& out, size_t envelope_bytes, std::string_view ticket = {}, uint8_t flags = 0,
                        std::string_view retry = {});

/// @return the bytes of a record besides its envelope.
constexpr size_t record_overhead(bool ticket) { return 5 + (ticket ? kTicketBytes : 0); }

class RecordReader {
 public:
  explicit RecordReader(std::string_view records) : reader_(records) {}

  /// @return whether there was another record; false at the end and for an invalid record.
  bool next(Record& ret_record);
  /// @return kMalformed when next() ended before the end.
  const Status& status() const { return status_; }

 private:
  ByteReader reader_;
  size_t index_ = 0;
  Status status_;
};

/// @return the records of a stream entry's blob, or kMalformed for another version.
Result<std::string_view> records_of_entry(std::string_view blob);

}  // namespace mas
