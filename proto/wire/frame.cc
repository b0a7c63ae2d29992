// The ingress frame, written and read.
#include "proto/wire/frame.h"

#include "proto/wire/limits.h"

namespace mas {
namespace {

constexpr std::string_view kMacDomain = "mas.ingress.v1";

Error malformed(std::string_view what) { return {Errc::kMalformed, "frame: " + std::string(what)}; }

void append_fixed(ByteWriter& out, const FrameHeader& header) {
  out.integer(kFrameVersion)
      .integer(static_cast<uint8_t>(header.kind))
      .bytes(header.id.bytes)
      .bytes(header.instance.bytes)
      .integer(header.first_sequence)
      .integer(static_cast<uint64_t>(header.timestamp))
      .text16(header.sender)
      .text16(header.credential);
}

}  // namespace

Status decode_frame(std::string_view element, Frame& ret_frame) {
  ByteReader in(element);
  FrameHeader& header = ret_frame.header = FrameHeader();
  ret_frame.mac = Digest();
  ret_frame.records.clear();
  if (in.integer<uint8_t>() != kFrameVersion) return malformed("another version; expected 1");
  auto kind = in.integer<uint8_t>();
  if (kind != static_cast<uint8_t>(CredentialKind::kToken) && kind != static_cast<uint8_t>(CredentialKind::kKey))
    return malformed("unknown kind of credential; expected 1 (token) or 2 (key)");
  header.kind = static_cast<CredentialKind>(kind);
  header.id.bytes = in.array<16>();
  header.instance.bytes = in.array<16>();
  header.first_sequence = in.integer<uint64_t>();
  header.timestamp = static_cast<WallMicros>(in.integer<uint64_t>());
  header.sender = in.text16();
  header.credential = in.text16();
  if (header.kind == CredentialKind::kKey) ret_frame.mac = in.array<32>();
  auto count = in.integer<uint32_t>();
  if (!in.ok()) return malformed("cut short");
  if (auto status = check_agent_id(header.sender); !status) return malformed("sender: " + status.error().message);
  if (header.credential.size() > limits::kCredentialBytes) return malformed("the credential is too long");
  if (header.first_sequence == 0 || header.first_sequence > UINT64_MAX - limits::kFrameRecords)
    return malformed("sequence numbers start at 1");
  if (header.timestamp < 0) return malformed("the timestamp is out of range");
  if (count == 0) return malformed("no records");
  if (count > limits::kFrameRecords)
    return Error{Errc::kTooLarge, "frame: " + std::to_string(count) + " records; expected at most " +
                                      std::to_string(limits::kFrameRecords)};
  if (count > 1 && in.left() > limits::kFrameBytes)
    return Error{Errc::kTooLarge, "frame: " + std::to_string(in.left()) + " bytes of records; expected at most " +
                                      std::to_string(limits::kFrameBytes)};
  RecordReader records(in.rest());
  for (Record record; records.next(record);) {
    if (ret_frame.records.size() == count) return malformed("more records than it states");
    ret_frame.records.push_back(record);
  }
  if (!records.status().ok()) return records.status().error().in("frame");
  if (ret_frame.records.size() != count) return malformed("fewer records than it states");
  return {};
}

Id128 frame_id_of(std::string_view element) {
  ByteReader in(element);
  in.bytes(2);
  Id128 id;
  id.bytes = in.array<16>();
  return id;
}

void append_frame_mac_input(std::string& out, std::string_view ns, unsigned partition, const FrameHeader& header,
                            std::span<const Record> records, std::span<const Digest> digests) {
  ByteWriter writer(out);
  writer.text16(kMacDomain).text16(ns).integer(static_cast<uint32_t>(partition));
  append_fixed(writer, header);
  writer.integer(static_cast<uint32_t>(records.size()));
  for (size_t i = 0; i < records.size(); ++i)
    writer.integer(records[i].flags).bytes(records[i].ticket).bytes(digests[i]);
}

void append_frame(std::string& out, const FrameHeader& header, const Digest* mac, uint32_t count,
                  std::string_view records) {
  ByteWriter writer(out);
  append_fixed(writer, header);
  if (mac != nullptr) writer.bytes(*mac);
  writer.integer(count).bytes(records);
}

}  // namespace mas
