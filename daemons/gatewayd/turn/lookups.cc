// The entries that a turn's reports are about.
#include "daemons/gatewayd/turn/lookups.h"

#include <algorithm>

namespace mas::gateway {
namespace {

constexpr size_t kReportedEntries = 64;  // of one turn: they are read, and may be large
constexpr size_t kReportedOfAgent = 32;  // so that one agent leaves room for others

}  // namespace

ReportedEntry* Lookups::entry_of(std::string_view agent, const FailureReport& report) {
  auto same = [&](const ReportedEntry& entry) {
    return entry.id == report.entry && entry.lane == report.lane && entry.agent == agent &&
           entry.partition == report.partition;
  };
  auto found = std::find_if(entries_.begin(), entries_.end(), same);
  if (found != entries_.end()) return &*found;
  if (entries_.size() >= kReportedEntries) return nullptr;
  auto its = [&](const ReportedEntry& entry) { return entry.agent == agent; };
  if (std::count_if(entries_.begin(), entries_.end(), its) >= static_cast<std::ptrdiff_t>(kReportedOfAgent))
    return nullptr;
  ReportedEntry& entry = entries_.emplace_back();
  entry.agent = agent;
  entry.lane = report.lane;
  entry.partition = report.partition;
  entry.id = report.entry;
  return &entry;
}

}  // namespace mas::gateway
