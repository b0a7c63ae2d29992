// The secret that gateways without a master key share: 32 random bytes at `mas.secret`, written by whoever comes first.
//
// It makes tickets and the keyed hashes of the audit agree between gateways. Who can read Redis can read it, so it
// protects nothing from those; a master key does.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its callback.
#pragma once

#include <functional>
#include <string>

#include "proto/redis/client.h"
#include "proto/wire/keys.h"
#include "proto/wire/seal.h"

namespace mas::gateway {

class SharedSecret {
 public:
  using Done = std::function<void(const Result<MasterKey>&)>;

  SharedSecret(redis::Client& redis, const Keys& keys, Done done)
      : redis_(redis), key_(keys.secret()), done_(std::move(done)) {}
  ~SharedSecret() { redis_.forget(this); }
  SharedSecret(const SharedSecret&) = delete;
  SharedSecret& operator=(const SharedSecret&) = delete;

  void ask();

 private:
  void on_reply(uint64_t tag, const redis::Answer& answer);

  redis::Client& redis_;
  const std::string key_;
  Done done_;
};

}  // namespace mas::gateway
