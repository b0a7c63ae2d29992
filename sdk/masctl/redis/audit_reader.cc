// XRANGE and XREVRANGE, page by page.
#include "sdk/masctl/redis/audit_reader.h"

#include <algorithm>
#include <set>

#include "sdk/masctl/redis/partitions_reader.h"

namespace mas::ctl {

namespace {

constexpr size_t kGroup = 16;  // partitions that are asked in one round trip
constexpr int kPage = 32;      // entries of each; a block is at most some hundred KiB

/// A place in one partition's stream.
struct Cursor {
  uint32_t partition = 0;
  std::string from, to;
  bool open = true;
};

void add_page(redis::Command& command, const std::string& key, const Cursor& cursor, bool newest_first) {
  if (newest_first)
    command.add("XREVRANGE", key, cursor.to, cursor.from, "COUNT", kPage);
  else
    command.add("XRANGE", key, cursor.from, cursor.to, "COUNT", kPage);
}

bool is_entry(const Value& entry) { return entry.elements.size() == 2 && entry.elements[0].is_text(); }

/// Hands a page on, and moves the cursor behind it.
void take_page(const Value& page, const AuditRange& range, Cursor& cursor, const AuditReader::OnEntry& on_entry) {
  for (const Value& entry : page.elements) {
    if (!is_entry(entry)) continue;
    const std::string& id = entry.elements[0].text;
    (range.newest_first ? cursor.to : cursor.from) = "(" + id;
    if (!on_entry(cursor.partition, id, field_of_entry(entry.elements[1], "b"))) {
      cursor.open = false;
      return;
    }
  }
  if (page.elements.size() < kPage) cursor.open = false;
}

}  // namespace

std::string_view field_of_entry(const Value& fields, std::string_view field) {
  for (size_t i = 0; i + 1 < fields.elements.size(); i += 2)
    if (fields.elements[i].text == field) return fields.elements[i + 1].text;
  return {};
}

Result<std::vector<uint32_t>> AuditReader::partitions() {
  auto field = read_partitions_field(redis_, keys_);
  if (!field.ok()) return field.error();
  redis::Command command;
  for (uint32_t p = 0; p < kMaxPartitions; ++p) command.add("EXISTS", keys_.audit(p));
  auto replies = redis_.ask(command);
  if (!replies.ok()) return replies.error();
  std::vector<uint32_t> list;
  for (uint32_t p = 0; p < kMaxPartitions; ++p)
    if (p < field->most() || (*replies)[p].integer == 1) list.push_back(p);
  return list;
}

Result<std::vector<uint32_t>> AuditReader::with_senders(const std::vector<uint32_t>& partitions) {
  if (partitions.empty()) return partitions;
  redis::Command command;
  for (uint32_t p : partitions) command.add("EXISTS", keys_.senders(p));
  auto replies = redis_.ask(command);
  if (!replies.ok()) return replies.error();
  std::vector<uint32_t> list;
  for (size_t i = 0; i < partitions.size(); ++i) {
    if ((*replies)[i].is_error()) return (*replies)[i].error();
    if ((*replies)[i].integer == 1) list.push_back(partitions[i]);
  }
  return list;
}

Status AuditReader::read(const std::vector<uint32_t>& partitions, const AuditRange& range, const OnEntry& on_entry) {
  for (size_t at = 0; at < partitions.size(); at += kGroup) {
    size_t end = std::min(at + kGroup, partitions.size());
    auto begin = partitions.begin();
    std::vector<uint32_t> group(begin + static_cast<ptrdiff_t>(at), begin + static_cast<ptrdiff_t>(end));
    if (auto status = read_group(group, range, on_entry); !status.ok()) return status;
  }
  return {};
}

Status AuditReader::read_group(const std::vector<uint32_t>& group, const AuditRange& range, const OnEntry& on_entry) {
  std::vector<Cursor> cursors;
  for (uint32_t p : group) cursors.push_back({p, range.from, range.to, true});
  while (!cursors.empty()) {
    redis::Command command;
    for (const Cursor& cursor : cursors) add_page(command, keys_.audit(cursor.partition), cursor, range.newest_first);
    auto pages = redis_.ask(command);
    if (!pages.ok()) return pages.error();
    for (size_t i = 0; i < cursors.size(); ++i) {
      if ((*pages)[i].is_error())
        return (*pages)[i].error().in("audit of partition " + std::to_string(cursors[i].partition));
      take_page((*pages)[i], range, cursors[i], on_entry);
    }
    std::erase_if(cursors, [](const Cursor& cursor) { return !cursor.open; });
  }
  return {};
}

Status AuditReader::read_stream(const std::string& key, const std::string& from,
                                const std::function<void(std::string_view, std::string_view)>& on_entry) {
  Cursor cursor{0, from, "+", true};
  while (cursor.open) {
    redis::Command command;
    add_page(command, key, cursor, false);
    auto page = redis_.ask_one(command);
    if (!page.ok()) return page.error().in(key);
    take_page(*page, {}, cursor, [&](uint32_t, std::string_view entry, std::string_view value) {
      on_entry(entry, value);
      return true;
    });
  }
  return {};
}

}  // namespace mas::ctl
