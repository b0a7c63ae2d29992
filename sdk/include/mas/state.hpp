// An agent's state as a struct: mas::State<MyState> state(agent); state->visits += 1; state.save();
//
// Happy path: the struct has what is in Redis after State was made, after start(), refresh() and reset(); an absent
// field is as the struct's initializer made it. save() writes the members that were changed since, all of them or none.
// Failure: a field that does not fit is MAS_MALFORMED with its name; the struct and Redis stay as they were.
// Threading: the struct is the application's, one thread at a time. Ownership: one State at a time is bound to an
// agent; a newer one takes its place. It may outlive the agent; its calls then fail.
#ifndef MAS_STATE_HPP
#define MAS_STATE_HPP

#include <mas/agent.hpp>

#include <memory>
#include <utility>

namespace mas {
inline namespace MAS_HPP_NAMESPACE {
namespace detail {

/// A struct, and the cells that the library knows it by.
template <typename S>
class BoundStruct final : public Binding {
 public:
  explicit BoundStruct(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~BoundStruct() override {
    if (core_ == nullptr || core_->bound != this) return;
    core_->bound = nullptr;
    if (core_->agent == nullptr) return;
    [[maybe_unused]] const mas_status unbound = mas_state_bind(core_->agent, nullptr, nullptr);
  }

  Result<void> bind() {
    if (core_ == nullptr || core_->agent == nullptr) return gone();
    const auto &declared = declared_schema<S, true>();
    if (declared.wrong) return *declared.wrong;
    if (auto bound = result_of(mas_state_bind(core_->agent, declared.ready, cells_)); !bound) return bound;
    core_->bound = this;
    load();
    return {};
  }
  void load() override {
    S loaded{};
    Cell<S>::load(cells_, loaded);
    value = std::move(loaded);
  }
  Result<void> save(Millis timeout) {
    if (auto here = usable(); !here) return here;
    Scratch scratch;
    if (!Cell<S>::store(value, cells_, scratch)) return scratch.error();
    return result_of(mas_state_save(core_->agent, milliseconds(timeout)));
  }
  template <typename Function>
  Result<void> reload(Function &&function, Millis timeout) {
    if (auto here = usable(); !here) return here;
    auto filled = result_of(function(core_->agent, milliseconds(timeout)));
    if (filled) load();
    return filled;
  }

  S value{};

 private:
  static Result<void> gone() { return Error(MAS_INVALID_STATE, "the state's agent is gone"); }
  Result<void> usable() const {
    if (core_->agent == nullptr) return gone();
    if (core_->bound == this) return {};
    return Error(MAS_INVALID_STATE, "a newer State was bound to the agent");
  }

  std::shared_ptr<Core> core_;
  alignas(std::max_align_t) std::byte cells_[Cell<S>::kSize]{};
};

}  // namespace detail

template <typename S, typename Face>
class BasicState {
  template <typename T>
  using Of = typename Face::template Of<T>;
  using Bound = detail::BoundStruct<S>;

 public:
  static_assert(detail::IsStruct<S>::value, "mas: name the struct's members with MAS_STRUCT");

  static Of<BasicState> bind(BasicAgent<Face> &agent) {
    auto bound = std::make_unique<Bound>(agent.core());
    if (auto done = bound->bind(); !done) return Face::template give<BasicState>(done.error());
    return Face::template give<BasicState>(BasicState(std::move(bound)));
  }
  /// As bind(); throws.
  explicit BasicState(BasicAgent<Face> &agent) : BasicState(bind(agent)) {
    static_assert(Face::kThrows, "use bind(), which returns a Result");
  }

  S &operator*() { return value(); }
  const S &operator*() const { return value(); }
  S *operator->() { return &value(); }
  const S *operator->() const { return &value(); }

  Of<void> save(Millis timeout = Millis(5'000)) {
    return Face::give(bound_ == nullptr ? moved() : bound_->save(timeout));
  }
  /// Removes every field of the agent's state, also those that the struct does not name.
  Of<void> reset(Millis timeout = Millis(5'000)) { return reload(&mas_state_reset, timeout); }
  /// Loads what another instance or an operator changed. What was not saved is lost.
  Of<void> refresh(Millis timeout = Millis(5'000)) { return reload(&mas_state_refresh, timeout); }

 private:
  explicit BasicState(std::unique_ptr<Bound> bound) : bound_(std::move(bound)) {}

  static Result<void> moved() { return Error(MAS_INVALID_STATE, "there is no state: it was moved from"); }
  /// Of a State that was moved from: throws, or gives an empty struct that nothing saves.
  S &value() const {
    if (bound_ != nullptr) return bound_->value;
    static thread_local S nothing;
    nothing = S{};
    static_cast<void>(Face::give(moved()));
    return nothing;
  }
  template <typename Function>
  Of<void> reload(Function &&function, Millis timeout) {
    return Face::give(bound_ == nullptr ? moved() : bound_->reload(function, timeout));
  }

  std::unique_ptr<Bound> bound_;
};

}  // namespace MAS_HPP_NAMESPACE
}  // namespace mas

#endif  // MAS_STATE_HPP
