// What a connection has accepted and not handed to its socket, in the order of the wire: ropes first, then bytes.
//
// Happy path: append() what is sent; next() has the bytes of one write. Where there is no rope that is all of it, without a
// copy; else about kPartBytes, in which ropes and bytes are put together, so that no rope is ever there as a whole.
// A run (commands of one call) has begun when next() has taken a byte of it. drop_begun() leaves out what another link cannot
// take up.
// Threading: none.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "proto/base/secret.h"
#include "proto/redis/rope.h"

namespace mas::redis {

class Outgoing {
 public:
  static constexpr size_t kPartBytes = 256 * 1024;

  /// @param secret what is sent is: its buffers are wiped before they are given back. A rope is not.
  explicit Outgoing(bool secret = false) : secret_(secret) {}
  ~Outgoing() { give_back(bytes_); }
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  bool empty() const { return size() == 0; }
  size_t size() const { return bytes_.size() + rope_bytes_; }
  /// Runs that have not begun.
  size_t runs() const { return runs_ + rope_runs_; }
  /// Bytes of runs that have begun.
  size_t begun_bytes() const { return begun_ ? ropes_.front().rope.size() : 0; }

  void append(std::string_view bytes, size_t runs) {
    reserve_wiping(bytes_, bytes_.size() + bytes.size());
    bytes_.append(bytes);
    runs_ += runs;
  }
  /// The same without a copy where no bytes wait: takes them, and leaves others or none.
  void append_from(std::string& bytes, size_t runs);
  void append(Rope rope, size_t runs);

  /// @return the bytes of the next write, to be taken from there. Not when empty().
  std::string& next();
  /// Gives a large buffer back once its bytes were taken.
  void trim();

  /// Leaves out what is left of runs that have begun.
  void drop_begun();
  /// Leaves out the first runs, of which none has begun.
  void drop_runs(size_t runs, size_t bytes);
  void clear();

 private:
  struct Item {
    Rope rope;
    size_t runs;  // 0 once they have begun
  };
  void give_back(std::string& buffer) const;

  const bool secret_;
  std::deque<Item> ropes_;
  size_t rope_bytes_ = 0, rope_runs_ = 0;
  bool begun_ = false;  // bytes of the first rope were taken
  std::string bytes_;   // behind the ropes
  size_t runs_ = 0;     // whose bytes these are
  std::string part_;
};

}  // namespace mas::redis
