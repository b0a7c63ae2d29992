// One entry after the other: in hand, suspected, unpacked.
#include "sdk/src/gateway/entry_intake.h"

#include <memory>

#include "proto/redis/reply_values.h"

namespace mas::sdk {

EntryIntake::EntryIntake(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe, HeldEntries& held,
                         const std::vector<std::string>& streams)
    : deliveries_(deliveries), held_(held), streams_(streams), unpacker_(host, deliveries, dedupe) {}

void EntryIntake::take(size_t stream, const redis::Reply& entry, const redis::Reply* suspects) {
  if (entry.count != 2 || !entry[0].is_text()) return;
  progress_.took(stream, entry[0].text);
  if (!held_.take(stream, entry[0].text)) return;
  auto delivery = std::make_shared<Delivery>(stream, lane_of_stream(stream), entry[0].text);
  const redis::Reply* field = redis::entry_field(entry, "b");  // the fields are nil where the entry was deleted
  const std::string_view blob = field == nullptr ? std::string_view() : field->text;
  bool suspect = false;
  for (size_t i = 0; suspects != nullptr && i < suspects->count; ++i)
    suspect = suspect || (*suspects)[i].text == delivery->id;
  if (suspect)
    unpacker_.fail(delivery, blob);
  else
    unpacker_.take(delivery, blob, streams_[stream]);
  deliveries_.release(delivery);
}

std::string EntryIntake::compare_progress(const redis::Reply& results, unsigned partition) {
  std::string lost;
  const size_t first = first_stream_of(partition) + 1;
  for (size_t i = 0; i < results.count && i < kLanes.size() && first + i < streams_.size(); ++i) {
    const redis::Reply& result = results[i];
    if (!result.is_array() || result.count < 4 || !result[3].is_text()) continue;
    const std::string before = progress_.compare(first + i, result[3].text);
    if (before.empty()) continue;
    lost.append(lost.empty() ? "" : ", ").append(streams_[first + i]).append(" was delivered up to ").append(before);
    lost.append(" and is at ").append(result[3].text);
  }
  return lost;
}

}  // namespace mas::sdk
