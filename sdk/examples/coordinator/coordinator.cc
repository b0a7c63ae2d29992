// coordinator: has workers square the numbers 1 to N, and adds up the squares. Workers may come, go and die meanwhile.
//
// A task is done when its reply is there, and not before. One whose worker does not answer is given to another worker,
// so that it may be worked on twice but counts once.
//
//   usage: example_coordinator N
#include <charconv>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "../example.hpp"
#include "messages.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kTaskTime{2};  // longer than a worker needs
constexpr std::chrono::seconds kRest{3};      // of a worker that failed: it is still listed for up to a minute
constexpr int64_t kMaxTasks = 1'000'000;      // the sum of their squares fits into 64 bits

class Coordinator {
 public:
  explicit Coordinator(int64_t tasks) : tasks_(tasks) {
    for (int64_t number = 1; number <= tasks; ++number) todo_.push_back(number);
  }

  /// @return the sum when all tasks are done, however long that takes.
  int64_t work() {
    while (squares_.size() < static_cast<size_t>(tasks_)) {
      for (const auto &found : agent_.discover({"square"}))
        if (busy_.count(found.id) == 0 && rests_until_[found.id] < Clock::now()) give_task(found.id);
      agent_.poll(mas::Millis(100));  // runs task_ended
    }
    int64_t sum = 0;
    for (const auto &[number, square] : squares_) sum += square;
    return sum;
  }

 private:
  void give_task(const std::string &worker) {
    if (todo_.empty()) return;
    int64_t number = todo_.front();
    agent_.request<Squared>(
        worker, "square", Task{number}, kTaskTime,
        [this, worker, number](const mas::Result<Squared> &done) { task_ended(worker, number, done); });
    todo_.pop_front();
    busy_.insert(worker);
  }

  void task_ended(const std::string &worker, int64_t number, const mas::Result<Squared> &done) {
    busy_.erase(worker);
    if (done.ok()) {
      squares_[number] = done->square;
      std::cout << "coordinator: " << worker << " did task " << number << std::endl;
      give_task(worker);
      return;
    }
    todo_.push_front(number);
    rests_until_[worker] = Clock::now() + kRest;
    std::cout << "coordinator: " << worker << " did not do task " << number << " (" << done.error().what()
              << "): it goes to another" << std::endl;
  }

  mas::Agent agent_{"coordinator"};
  int64_t tasks_;
  std::deque<int64_t> todo_;
  std::map<int64_t, int64_t> squares_;
  std::set<std::string> busy_;
  std::map<std::string, Clock::time_point> rests_until_;
  example::Started started_{agent_};
};

/// @return nothing if the text is not a number of tasks.
std::optional<int64_t> tasks_of(std::string_view text) {
  int64_t tasks = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), tasks);
  bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && tasks >= 1 && tasks <= kMaxTasks ? std::optional(tasks) : std::nullopt;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: example_coordinator N" << std::endl;
    return 2;
  }
  std::optional<int64_t> tasks = tasks_of(argv[1]);
  if (!tasks) {
    std::cerr << "coordinator: N must be a whole number from 1 to " << kMaxTasks << std::endl;
    return 2;
  }
  return example::main("coordinator", [&] {
    Coordinator coordinator(*tasks);
    int64_t sum = coordinator.work();
    std::cout << "coordinator: the squares of 1 to " << *tasks << " add up to " << sum << std::endl;
    return 0;
  });
}
