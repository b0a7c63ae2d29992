// Whether this daemon works by the protocol that mas.config has, for daemons that need nothing else of it.
//
//     unknown ──no protocol, or ours──▶ agreed ◀──────▶ refused: another one
//
// Happy path: asked for when Redis comes up, and every two seconds after that, since an operator may change it.
// Failure: where Redis refuses the question, the last answer stays. A first question that is refused counts as agreed:
// gateways and agents check it themselves.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its callback.
#pragma once

#include <functional>
#include <string>

#include "daemons/common/service.h"
#include "proto/redis/connection.h"
#include "proto/redis/loop.h"

namespace mas::common {

class ProtocolWatch {
 public:
  /// @param reader "this registryd". @param answered called after each answer.
  ProtocolWatch(Frame& frame, std::string reader, std::function<void()> answered);
  ~ProtocolWatch() { frame_.redis().forget(this); }
  ProtocolWatch(const ProtocolWatch&) = delete;
  ProtocolWatch& operator=(const ProtocolWatch&) = delete;

  /// Asks now, and from now on.
  void start();
  void stop() { timer_.stop(); }

  bool agreed() const { return known_ && obstacle_.empty(); }
  /// Why it is refused, one sentence; empty: it is not.
  const std::string& obstacle() const { return obstacle_; }

 private:
  void ask();
  void on_answer(uint64_t tag, const redis::Answer& answer);
  void take(std::string obstacle);

  Frame& frame_;
  const std::string reader_;
  const std::function<void()> answered_;
  redis::Timer timer_;
  bool known_ = false;
  std::string obstacle_;
};

}  // namespace mas::common
