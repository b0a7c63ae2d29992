// A struct of the application that is bound to the agent's state by a schema: a field of the state for each member.
//
// A field's text is the member's JSON; strings and bytes stand without quotes. What the Python framework writes is
// read, too: True, False and None.
// Failure: kMalformed, with the field's name, what was expected and what kind of value stood there.
//   - load(): a field does not fit; the struct is then as it was before
//   - changes(): the struct breaks its own schema
// Ownership: the struct is the application's; what its pointers lead to after load() is this object's, until the next
// load(). Threading: the application's; a call at a time.
#pragma once

#include <memory>
#include <vector>

#include "sdk/src/core/state_cache.h"
#include "sdk/src/typed/filled.h"
#include "sdk/src/typed/schema.h"

namespace mas::sdk {

class BoundState {
 public:
  BoundState(std::shared_ptr<const Schema> schema, void* application)
      : schema_(std::move(schema)), application_(application) {}

  /// Fills the struct. A field that is absent gets its default, else 0 or NULL.
  Status load(const StateMap& stored);

  /// @return what the application changed since the last load() or saved(); nothing else, whatever stands in Redis.
  Result<std::vector<StateChange>> changes() const;
  /// These changes are in Redis now.
  void saved(const std::vector<StateChange>& changes);

 private:
  std::shared_ptr<const Schema> schema_;
  void* application_;
  std::unique_ptr<Filled> filled_;  // what the last load() made
  StateMap known_;                  // the members' texts as they were then, or were saved since
};

}  // namespace mas::sdk
