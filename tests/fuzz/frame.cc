// Ingress frames: what decodes is written back byte for byte, within its limits.
#include "proto/wire/frame.h"

#include "proto/wire/limits.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto element = text_of(data, size);
  Frame frame;
  Id128 id = frame_id_of(element);
  if (!decode_frame(element, frame).ok()) return 0;
  require(frame.header.id == id, "the id is found before the whole is decoded");
  require(!frame.records.empty() && frame.records.size() <= limits::kFrameRecords, "a frame has records, and a limit");
  require(frame.header.credential.size() <= limits::kCredentialBytes, "a credential has a limit");
  require(frame.header.timestamp >= 0 && frame.header.first_sequence > 0, "numbers are in their range");
  std::string records, written;
  std::vector<Digest> digests;
  for (const auto& record : frame.records) {
    append_record(records, record.envelope, record.ticket, record.flags);
    digests.push_back(sha256(record.envelope));
  }
  bool with_key = frame.header.kind == CredentialKind::kKey;
  append_frame(written, frame.header, with_key ? &frame.mac : nullptr, static_cast<uint32_t>(frame.records.size()),
               records);
  require(written == element, "a frame has one form");
  std::string input, again;
  append_frame_mac_input(input, "ns", 7, frame.header, frame.records, digests);
  append_frame_mac_input(again, "ns", 8, frame.header, frame.records, digests);
  require(input != again, "the partition is part of what is signed");
  return 0;
}
