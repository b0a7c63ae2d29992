// Records and stream entries: what is written is read, and what is cut is refused.
#include "proto/wire/record_batch.h"

#include <vector>

#include "tests/unit/catch.h"

using namespace mas;

namespace {

std::vector<Record> read(std::string_view bytes, Status& ret_status) {
  RecordReader reader(bytes);
  std::vector<Record> records;
  for (Record record; reader.next(record);) records.push_back(record);
  ret_status = reader.status();
  return records;
}

const std::string kTicket(kTicketBytes, 't');

}  // namespace

TEST_CASE("records come back in order, with ticket and flags") {
  std::string bytes;
  append_record(bytes, "first");
  append_record(bytes, "second", kTicket);
  append_record(bytes, "", {}, Record::kReplayed);
  append_record(bytes, std::string(100'000, 'x'), kTicket, Record::kReplayed);
  Status status;
  auto records = read(bytes, status);
  REQUIRE(status.ok());
  REQUIRE(records.size() == 4);
  CHECK(records[0].envelope == "first");
  CHECK(records[0].ticket.empty());
  CHECK(records[0].flags == 0);
  CHECK(records[1].envelope == "second");
  CHECK(records[1].ticket == kTicket);
  CHECK(records[1].flags == Record::kTicket);
  CHECK(records[2].envelope.empty());
  CHECK(records[2].flags == Record::kReplayed);
  CHECK(records[3].envelope.size() == 100'000);
  CHECK(records[3].flags == (Record::kTicket | Record::kReplayed));
}

TEST_CASE("a record takes its envelope and what record_overhead says") {
  for (bool ticket : {false, true}) {
    std::string bytes;
    append_record(bytes, "12345", ticket ? kTicket : "");
    CHECK(bytes.size() == record_overhead(ticket) + 5);
  }
}

TEST_CASE("a batch that is cut anywhere yields the whole records before the cut, and says so") {
  std::string bytes;
  append_record(bytes, "first");
  size_t first = bytes.size();
  append_record(bytes, "second", kTicket);
  for (size_t size = 0; size < bytes.size(); ++size) {
    INFO("cut to " << size);
    Status status;
    auto records = read(std::string_view(bytes).substr(0, size), status);
    CHECK(records.size() == (size >= first ? 1u : 0u));
    CHECK(status.ok() == (size == 0 || size == first));
    if (!status.ok()) CHECK(status.error().code == Errc::kMalformed);
  }
}

TEST_CASE("flags that are not known, sizes that lie") {
  Status status;
  for (int flags = 0; flags < 256; ++flags) {
    std::string bytes("\x01\0\0\0", 4);
    bytes.push_back(static_cast<char>(flags));
    auto records = read(bytes, status);
    // kTicket lacks its ticket, kRetried its state.
    CHECK(status.ok() == ((flags & ~(Record::kReplayed | Record::kFailed)) == 0));
  }
  CHECK(read(std::string("\0\0\0\0", 4), status).empty());  // not even flags
  CHECK_FALSE(status.ok());
  CHECK(read("\xff\xff\xff\xff\0", status).empty());
  CHECK_FALSE(status.ok());
  // A reader that failed stays failed.
  RecordReader reader(std::string_view("\0\0\0\0", 4));
  Record record;
  CHECK_FALSE(reader.next(record));
  CHECK_FALSE(reader.next(record));
}

TEST_CASE("a stream entry begins with its version") {
  std::string blob(1, static_cast<char>(kEntryVersion));
  append_record(blob, "e");
  auto records = records_of_entry(blob);
  REQUIRE(records.ok());
  CHECK(records->size() == blob.size() - 1);
  CHECK_FALSE(records_of_entry("").ok());
  blob[0] = 2;
  CHECK(records_of_entry(blob).error().code == Errc::kMalformed);
}
