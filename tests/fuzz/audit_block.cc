// Audit blocks and files of retired ones: what decodes can be built again with the same records; nothing else is
// touched.
#include "daemons/gatewayd/audit/block.h"
#include "daemons/gatewayd/audit/query.h"
#include "daemons/gatewayd/audit/retired_blocks.h"
#include "daemons/gatewayd/audit/verify.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;
using namespace mas::gateway::audit;

namespace {

bool same(const AuditRecord& a, const AuditRecord& b) {
  bool shadow = a.shadow.has_value() == b.shadow.has_value() &&
                (!a.shadow || (a.shadow->decision == b.shadow->decision && a.shadow->reason == b.shadow->reason));
  return shadow && a.time == b.time && a.message_id == b.message_id && a.sender == b.sender && a.target == b.target &&
         a.type == b.type && a.decision == b.decision && a.reason == b.reason && a.instance == b.instance &&
         a.sequence == b.sequence && a.payload == b.payload &&
         std::equal(a.detectors.begin(), a.detectors.end(), b.detectors.begin(), b.detectors.end());
}

void build_again(const Block& block) {
  static BlockBuilder builder;
  static Block again;
  builder.begin(block.head.partition, block.epoch, block.head.number, block.previous, block.time, block.policy,
                block.ns);
  for (const AuditRecord& record : block.records) {
    require(!builder.full(), "what was one block fits into one");
    builder.add(record);
  }
  auto finished = builder.finish();
  require(decode_block(finished.bytes, again).ok(), "what is built decodes");
  require(again.ns == block.ns, "the namespace stays");
  require(again.records.size() == block.records.size(), "no record is lost");
  for (size_t i = 0; i < again.records.size(); ++i)
    require(same(again.records[i], block.records[i]), "building again changes no record");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Block block;
  auto bytes = text_of(data, size);
  RetiredBlockReader reader(bytes);
  RetiredBlockFrame frame;
  while (reader.next(frame)) require(frame.block.size() < size, "a frame is within the file");
  require(reader.good_bytes() <= size, "what is good is there");

  auto head = block_head(bytes);
  auto status = decode_block(bytes, block);
  ChainVerifier verifier(head.ok() ? head->partition : 0);
  verifier.add("1-0", bytes);
  auto report = verifier.finish({}, true);
  if (!status.ok()) {
    require(!report.ok(), "what does not decode does not verify");
    return 0;
  }
  require(head.ok() && *head == block.head, "the head is the block's");
  std::string text;
  for (size_t i = 0; i < block.records.size(); ++i) append_json(text, block, i);
  build_again(block);
  return 0;
}
