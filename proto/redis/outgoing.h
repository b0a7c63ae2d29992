// What a connection has accepted and not handed to its socket, in the order of the wire: ropes first, then bytes.
//
// Happy path: append() takes what is to be sent; next() returns the bytes of one write. Without ropes, these are all
// bytes, without a copy. With ropes, they are about kPartBytes, copied together, so that no rope is ever copied as a
// whole. A run (the commands of one call) has begun when next() has returned a byte of it. drop_begun() removes the
// rest of such runs, which another link cannot continue.
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

  /// @param secret whether the bytes are secret: buffers are then wiped before they are freed. A rope is not wiped.
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

  /// Removes the rest of runs that have begun.
  void drop_begun();
  /// Leaves out the first runs, of which none has begun.
  void drop_runs(size_t runs, size_t bytes);
  /// Leaves out one run that has not begun. @param at where its bytes begin, among all bytes.
  /// @return false, and nothing is done, where ropes wait: a run cannot be cut out of them.
  bool erase_run(size_t at, size_t bytes);
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
