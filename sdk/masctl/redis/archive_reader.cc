// Pages of entries, filters, names of records.
#include "sdk/masctl/redis/archive_reader.h"

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/wire/partitions.h"
#include "sdk/masctl/redis/audit_reader.h"

namespace mas::ctl {

namespace {

namespace archive = gateway::archive;

constexpr size_t kPage = 8;                      // an entry holds what a turn delivered
constexpr int64_t kSlackMillis = 5 * 60 * 1000;  // between the time of a record and its entry's id

bool matches(const ArchiveFilter& filter, const archive::Entry::SealedMessage& part) {
  auto same = [](const std::string& wanted, std::string_view is) { return wanted.empty() || wanted == is; };
  return same(filter.sender, part.sender) && same(filter.target, part.target) && same(filter.type, part.type) &&
         same(filter.message_id, part.message_id);
}

/// The bound of XRANGE for a time. @param otherwise for none.
std::string bound_of(WallMicros time, int64_t slack, std::string_view otherwise) {
  bool none = time == std::numeric_limits<WallMicros>::min() || time == std::numeric_limits<WallMicros>::max();
  return none ? std::string(otherwise) : std::to_string(std::max<int64_t>(time / 1000 + slack, 0));
}

ArchivedRecord record_of(uint32_t partition, const std::string& id, const archive::Entry& entry, uint32_t number) {
  const auto& part = entry.records[number];
  return {partition,
          id,
          number,
          entry.time,
          std::string(part.sender),
          std::string(part.target),
          std::string(part.type),
          std::string(part.message_id),
          part.size};
}

}  // namespace

std::string ArchivedRecord::name() const {
  return std::to_string(partition) + ":" + entry + ":" + std::to_string(number);
}

Result<archive::Request> parse_record_name(std::string_view text) {
  auto request = archive::parse_request("archive:" + std::string(text));
  if (request.ok()) return request;
  return Error{Errc::kInvalidArgument,
               "'" + printable(text) +
                   "' is not the name of a record; expected one like 3:1795350096000-0:7, as archive list shows"};
}

Result<std::vector<ArchivedRecord>> ArchiveReader::find(const ArchiveFilter& filter, bool newest, size_t limit) {
  auto list = partitions();
  if (!list.ok()) return list.error();
  std::vector<ArchivedRecord> found;
  for (uint32_t partition : *list) {
    std::vector<ArchivedRecord> records;
    if (auto status = read(partition, filter, newest, limit, records); !status.ok()) return status.error();
    if (records.size() > limit) records.resize(limit);
    if (newest) std::reverse(records.begin(), records.end());
    found.insert(found.end(), std::make_move_iterator(records.begin()), std::make_move_iterator(records.end()));
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const ArchivedRecord& a, const ArchivedRecord& b) { return a.time < b.time; });
  if (found.size() <= limit) return found;
  if (newest)
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(limit));
  else
    found.resize(limit);
  return found;
}

Result<std::vector<ArchivedRecord>> ArchiveReader::find_named(const archive::Request& named) {
  const Error missing{Errc::kNotFound, "the archive has no entry " + named.entry + " in partition " +
                                           std::to_string(named.partition) + ", or fewer records in it"};
  auto bytes = entry(named.partition, named.entry);
  if (!bytes.ok()) return bytes.error();
  if (!*bytes) return missing;
  archive::Entry decoded;
  if (auto status = archive::decode(**bytes, decoded); !status.ok()) return status.error();
  std::vector<ArchivedRecord> found;
  for (uint32_t number : named.records) {
    if (number >= decoded.records.size()) return missing;
    found.push_back(record_of(named.partition, named.entry, decoded, number));
  }
  return found;
}

Result<std::optional<std::string>> ArchiveReader::entry(uint32_t partition, const std::string& id) {
  auto found = redis_.ask_one(redis::Command("XRANGE", keys_.archive(partition), id, id));
  if (!found.ok()) return found.error();
  if (found->elements.empty() || found->elements[0].elements.size() != 2) return std::optional<std::string>();
  return std::optional<std::string>(field_of_entry(found->elements[0].elements[1], "b"));
}

Result<std::vector<uint32_t>> ArchiveReader::partitions() {
  redis::Command command;
  for (uint32_t p = 0; p < kMaxPartitions; ++p) command.add("EXISTS", keys_.archive(p));
  auto replies = redis_.ask(command);
  if (!replies.ok()) return replies.error();
  std::vector<uint32_t> list;
  for (uint32_t p = 0; p < kMaxPartitions; ++p) {
    if ((*replies)[p].is_error()) return (*replies)[p].error();
    if ((*replies)[p].integer == 1) list.push_back(p);
  }
  return list;
}

Status ArchiveReader::read(uint32_t partition, const ArchiveFilter& filter, bool newest, size_t limit,
                           std::vector<ArchivedRecord>& records) {
  std::string first = bound_of(filter.from, -kSlackMillis, "-");
  std::string last = bound_of(filter.to, kSlackMillis, "+");
  const std::string key = keys_.archive(partition);
  for (;;) {
    auto page = newest ? redis_.ask_one(redis::Command("XREVRANGE", key, last, first, "COUNT", kPage))
                       : redis_.ask_one(redis::Command("XRANGE", key, first, last, "COUNT", kPage));
    if (!page.ok()) return page.error().in(key);
    for (const Value& entry : page->elements) {
      if (entry.elements.size() != 2) continue;
      const std::string& id = entry.elements[0].text;
      take(partition, id, field_of_entry(entry.elements[1], "b"), filter, newest, records);
      (newest ? last : first) = "(" + id;
      if (records.size() >= limit) return {};
    }
    if (page->elements.size() < kPage) return {};
  }
}

void ArchiveReader::take(uint32_t partition, const std::string& id, std::string_view bytes, const ArchiveFilter& filter,
                         bool newest, std::vector<ArchivedRecord>& records) {
  archive::Entry entry;
  if (!archive::decode(bytes, entry).ok()) return void(++unreadable_);
  if (entry.time < filter.from || entry.time >= filter.to) return;
  auto count = static_cast<uint32_t>(entry.records.size());
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t number = newest ? count - 1 - i : i;
    if (matches(filter, entry.records[number])) records.push_back(record_of(partition, id, entry, number));
  }
}

}  // namespace mas::ctl
