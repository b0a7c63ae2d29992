// The commit builder of builds with test hooks: it does the wrong thing where MAS_TEST_BREAK says so (test_hook.h), so
// that tests see that they would notice. Other builds have no trace of it.
#pragma once

#include <memory>

#include "daemons/gatewayd/turn/commit_builder.h"
#include "daemons/gatewayd/turn/test_hook.h"

namespace mas::gateway {

#ifdef MAS_TEST_HOOKS
class BrokenCommit final : public CommitBuilder {
 public:
  using CommitBuilder::CommitBuilder;

 private:
  void add_block(Commit& script, const PartitionWork& work) override {
    if (!test_break("unaudited")) CommitBuilder::add_block(script, work);
  }
  void add_delivery(Commit& script, const Delivery& delivery) override {
    if (test_break("lose")) return;
    CommitBuilder::add_delivery(script, delivery);
    if (test_break("double")) CommitBuilder::add_delivery(script, delivery);
  }
};

inline std::unique_ptr<CommitBuilder> make_commit_builder(const Keys& keys) {
  return std::make_unique<BrokenCommit>(keys);
}
#else
inline std::unique_ptr<CommitBuilder> make_commit_builder(const Keys& keys) {
  return std::make_unique<CommitBuilder>(keys);
}
#endif

}  // namespace mas::gateway
