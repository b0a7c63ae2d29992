// Records and stream entries: the records that are read are those that stand there, up to the first that is none.
#include "proto/wire/record_batch.h"

#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto bytes = text_of(data, size);
  auto inside = records_of_entry(bytes);
  if (!inside) return 0;
  std::string written;
  RecordReader reader(*inside);
  for (Record record; reader.next(record);) {
    bool ticket = (record.flags & Record::kTicket) != 0;
    require(record.ticket.size() == (ticket ? kTicketBytes : 0), "a ticket stands where its flag is");
    append_record(written, record.envelope, record.ticket, record.flags, record.retry);
  }
  require(inside->substr(0, written.size()) == written, "a record has one form");
  require(reader.status().ok() == (written.size() == inside->size()), "what is left over is told");
  return 0;
}
