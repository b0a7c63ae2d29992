// The batch with any elements: the input is cut at 0xff 0x00 into elements of two partitions; one that begins with 0xfe
// is the head of an element that was too large to be read. Every element becomes one frame, views stay inside what was
// given, and an undisturbed neighbour is decoded whatever stands beside it. It is decoded in slices, between which
// elements of the next turn are appended.
#include "daemons/gatewayd/turn/batch.h"

#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;
using namespace mas::gateway;

namespace {

constexpr uint64_t kOversized = 1u << 30;

std::string good_frame() {
  FrameHeader header;
  header.sender = "alice";
  header.credential = "token";
  std::string records, frame;
  append_record(records, R"({"sender_id":"alice","target_id":"bob","message_type":"t","data":{}})");
  append_frame(frame, header, nullptr, 1, records);
  return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string kGood = good_frame();
  static Batch batch(4096);
  std::string_view rest = text_of(data, size);
  batch.start();
  size_t elements = 0, oversized = 0;
  for (bool more = true; more; ++elements) {
    auto cut = rest.find(std::string_view("\xff\0", 2));
    more = cut != std::string_view::npos;
    std::string_view element = rest.substr(0, cut);
    if (element.starts_with('\xfe')) {
      batch.append_oversized(elements % 2, kOversized, element.substr(1));
      ++oversized;
    } else {
      batch.append(elements % 2, element);
    }
    if (more) rest.remove_prefix(cut + 2);
  }
  batch.append(0, kGood);
  batch.begin(SIZE_MAX, SIZE_MAX);
  batch.start();
  while (!batch.decode_some(MonoTime::min())) batch.append(0, kGood);

  require(batch.frames().size() == elements + 1, "every element is one frame");
  size_t first = 0, too_large = 0;
  for (const FrameInTurn& frame : batch.frames()) {
    require(frame.first == first && (!frame.fault || frame.count == 0), "messages follow their frames");
    first += frame.count;
    if (frame.fault && frame.fault->decision == Decision::kTooLarge) ++too_large;
    require(frame.fault || check_agent_id(frame.header.sender).ok(), "a frame has a sender");
    require(batch.records_of(frame).size() == frame.count, "records and messages are as many");
  }
  require(first == batch.messages().size(), "every message is in a frame");
  require(too_large >= oversized, "what was too large to be read is no frame");
  size_t sum = 0;
  for (const Message& message : batch.messages()) {
    for (char c : message.envelope) sum += static_cast<unsigned char>(c);
    for (std::string_view text : {message.target, message.type, message.id, message.correlation_id})
      for (char c : text) sum += static_cast<unsigned char>(c);
    require(message.fault || check_agent_id(message.target).ok(), "what has no fault has a target");
  }
  const Message& last = batch.messages().back();
  require(!last.fault && last.target == "bob" && sum > 0, "the neighbour is as it was");
  return 0;
}
