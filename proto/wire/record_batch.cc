// Records, written and read.
#include "proto/wire/record_batch.h"

#include "proto/wire/retry.h"

namespace mas {

void append_record_head(std::string& out, size_t envelope_bytes, std::string_view ticket, uint8_t flags,
                        std::string_view retry) {
  if (!ticket.empty()) flags |= Record::kTicket;
  if (!retry.empty()) flags |= Record::kRetried;
  ByteWriter(out)
      .integer(static_cast<uint32_t>(1 + retry.size() + ticket.size() + envelope_bytes))
      .integer(flags)
      .bytes(retry)
      .bytes(ticket);
}

void append_record(std::string& out, std::string_view envelope, std::string_view ticket, uint8_t flags,
                   std::string_view retry) {
  append_record_head(out, envelope.size(), ticket, flags, retry);
  out.append(envelope);
}

bool RecordReader::next(Record& ret_record) {
  if (reader_.at_end() || !status_.ok()) return false;
  ByteReader inside(reader_.text32());
  Record record;
  record.flags = inside.integer<uint8_t>();
  if ((record.flags & Record::kRetried) != 0) record.retry = inside.bytes(RetryState::kEncodedBytes);
  if ((record.flags & Record::kTicket) != 0) record.ticket = inside.bytes(kTicketBytes);
  record.envelope = inside.rest();
  bool known = (record.flags & ~Record::kKnownFlags) == 0;
  if (!reader_.ok() || !inside.ok() || !known) {
    status_ =
        Error{Errc::kMalformed, "record " + std::to_string(index_) + (known ? " is cut short" : " has unknown flags")};
    return false;
  }
  ++index_;
  ret_record = record;
  return true;
}

Result<std::string_view> records_of_entry(std::string_view blob) {
  if (blob.empty() || static_cast<uint8_t>(blob.front()) != kEntryVersion)
    return Error{Errc::kMalformed, "a stream entry of another version; expected version 1"};
  return blob.substr(1);
}

}  // namespace mas
