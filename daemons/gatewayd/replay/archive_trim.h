// Keeps the archive of delivered messages within its time and its bytes: one script per partition that this gateway
// owns.
//
// Happy path: trim() every kTrimEvery; what is older than `keep` goes to the entry, what is past `max_bytes` about.
// It goes on where nothing is archived any more, so that nothing is kept longer than was said.
// Failure: told, and tried again the next time. Threading: loop thread. Ownership: may be destroyed at any time.
#pragma once

#include "daemons/common/service.h"
#include "daemons/gatewayd/settings/archive_settings.h"

namespace mas::gateway {

class ArchiveTrim {
 public:
  explicit ArchiveTrim(common::Frame& frame);
  ~ArchiveTrim() { frame_.redis().forget(this); }
  ArchiveTrim(const ArchiveTrim&) = delete;
  ArchiveTrim& operator=(const ArchiveTrim&) = delete;

  /// No effect before it is time again. Who decides partition 0 looks after those, too, that are left from when there
  /// were more of them, some at a time. @param partitions those that this gateway decides. @param count how many there
  /// are.
  void look(std::vector<unsigned> partitions, size_t count, const ArchiveSettings& settings, MonoTime now);

 private:
  void on_reply(uint64_t tag, const redis::Answer& answer);

  common::Frame& frame_;
  MonoTime next_{};
  unsigned left_over_ = 0;  // looked at last
  common::RepeatFilter repeat_;
  common::Counter& trimmed_;
};

}  // namespace mas::gateway
