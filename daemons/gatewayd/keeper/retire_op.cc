// Retiring and trimming.
#include "daemons/gatewayd/keeper/retire_op.h"

#include <algorithm>

#include "proto/redis/bounded_answer.h"
#include "proto/redis/reply_values.h"

namespace mas::gateway {
namespace {

using State = RetireOp::State;

constexpr auto kMoves = transitions<State>({{State::kIdle, State::kReading},
                                            {State::kReading, State::kStoring},
                                            {State::kReading, State::kIdle},
                                            {State::kStoring, State::kReading},
                                            {State::kStoring, State::kIdle},
                                            {State::kIdle, State::kTrimming},
                                            {State::kTrimming, State::kIdle}});

constexpr size_t kPage = 64;  // entries; a block is at most some hundred KiB
constexpr redis::AnswerBounds kBounds{.text = audit::kBlockBytes, .whole = 8 * audit::kBlockBytes};
constexpr redis::AnswerBounds kIdBounds{.text = 64};  // of an entry of which only the id counts

std::string_view entry_id(const redis::Reply& entry) {
  return entry.is_array() && entry.count == 2 ? entry[0].text : std::string_view();
}

}  // namespace

RetireOp::RetireOp(uv_loop_t* loop, redis::Client& redis, const Keys& keys, std::shared_ptr<RetiredBlockStore> store,
                   Retired retired, Trimmed trimmed)
    : redis_(redis),
      keys_(keys),
      store_(std::move(store)),
      retired_(std::move(retired)),
      trimmed_(std::move(trimmed)),
      state_(State::kIdle, kMoves),
      work_(loop) {}

RetireOp::~RetireOp() { redis_.forget(this); }

void RetireOp::cancel() {
  redis_.forget(this);
  work_.forget();
  round_ = {};
  if (!idle()) state_.to(State::kIdle);
}

void RetireOp::start(std::vector<unsigned> partitions, WallMicros older_than, uint64_t file_size) {
  partitions_ = std::move(partitions);
  older_than_ = older_than;
  file_size_ = file_size;
  round_ = {};
  state_.to(State::kReading);
  next_partition();
}

void RetireOp::next_partition() {
  if (partitions_.empty()) return finish_round();
  partition_ = partitions_.back();
  partitions_.pop_back();
  from_ = "-";
  if (!state_.is(State::kReading)) state_.to(State::kReading);
  read_page();
}

void RetireOp::read_page() {
  std::string key = keys_.audit(partition_);
  const std::string to = std::to_string(older_than_ / 1000), page = std::to_string(kPage);
  redis::Command command;
  redis::add_bounded(command, kIdBounds, {"XREVRANGE", key, "+", "-", "COUNT", "1"});
  redis::add_bounded(command, kBounds, {"XRANGE", key, from_, to, "COUNT", page});
  auto status = redis_.send(command, redis::reply_to<&RetireOp::on_page>(this));
  if (!status.ok()) fail(status.error(), false);
}

void RetireOp::on_page(uint64_t tag, const redis::Answer& answer) {
  if (!state_.is(State::kReading)) return;
  auto reply = redis::checked(answer);
  if (!reply.ok()) {
    const std::string_view code = answer.ok() ? (*answer)->error_code() : std::string_view();
    const bool of_the_key = code == "WRONGTYPE" || code == "TOOLARGE";
    if (tag == 1 || !of_the_key) fail(reply.error().in(keys_.audit(partition_)), of_the_key);
    return;
  }
  if (tag == 0) {
    last_entry_ = (*reply)->count > 0 ? entry_id((**reply)[0]) : std::string_view();
    return;
  }
  if (auto status = take_page(**reply); !status.ok()) return fail(status.error(), true);
  if (page_->empty()) return next_partition();
  store_page();
}

Status RetireOp::take_page(const redis::Reply& entries) {
  page_ = std::make_shared<std::vector<RetiredBlock>>();
  for (const redis::Reply& entry : entries) {
    std::string_view id = entry_id(entry);
    if (id.empty() || id == last_entry_) continue;
    const redis::Reply* blob = redis::entry_field(entry, "b");
    const std::string what = keys_.audit(partition_) + ": entry " + std::string(id);
    if (blob != nullptr)
      if (auto fits = redis::check_text(what, *blob, kBounds.text); !fits.ok()) return fits;
    page_->push_back({std::string(id), std::string(blob != nullptr ? blob->text : std::string_view())});
  }
  last_page_ = entries.count < kPage;
  return {};
}

void RetireOp::store_page() {
  state_.to(State::kStoring);
  auto work = [store = store_, page = page_, partition = partition_, size = file_size_] {
    return store->append(partition, *page, size);
  };
  work_.start(std::move(work), [this](const Status& status) { on_stored(status); });
}

void RetireOp::on_stored(const Status& status) {
  if (!status.ok()) return fail(status.error(), status.error().code == Errc::kRefused);
  RetiredUpTo& up_to = round_.retired[partition_];
  up_to.blocks += page_->size();
  up_to.entry = page_->back().id;
  up_to.block = *audit::block_head(page_->back().block);  // the store has checked it
  if (last_page_) return next_partition();
  from_ = "(" + up_to.entry;
  state_.to(State::kReading);
  read_page();
}

/// @param go_on whether the fault is this partition's alone.
void RetireOp::fail(const Error& error, bool go_on) {
  round_.errors.push_back(error);
  go_on ? next_partition() : finish_round();
}

void RetireOp::finish_round() {
  state_.to(State::kIdle);
  retired_(round_);
}

void RetireOp::trim() {
  redis::Command command;
  // MINID keeps the entry that it names: the last one that was retired goes by XDEL.
  for (const auto& [partition, up_to] : round_.retired) {
    command.add("XTRIM", keys_.audit(partition), "MINID", up_to.entry);
    command.add("XDEL", keys_.audit(partition), up_to.entry);
  }
  trimmed_count_ = 0;
  state_.to(State::kTrimming);
  if (command.count() == 0) return on_trimmed(0, Error{Errc::kInternal, "nothing to trim"});
  left_ = command.count();
  auto status = redis_.scatter(command, redis::reply_to<&RetireOp::on_trimmed>(this));
  if (!status.ok()) on_trimmed(0, status.error());
}

void RetireOp::on_trimmed(uint64_t, const redis::Answer& answer) {
  if (!state_.is(State::kTrimming)) return;
  auto reply = redis::checked(answer);
  if (reply.ok()) {
    trimmed_count_ += static_cast<uint64_t>((*reply)->integer);
    if (--left_ > 0) return;
  }
  redis_.forget(this);  // after a failure nobody hears the others
  state_.to(State::kIdle);
  round_ = {};
  reply.ok() ? trimmed_(trimmed_count_) : trimmed_(reply.error());
}

}  // namespace mas::gateway
