// Discovery.
#include "sdk/src/agent/discover_op.h"

#include <algorithm>
#include <optional>

#include "proto/wire/limits.h"

namespace mas::sdk {
namespace {

constexpr size_t kPiece = 1000;               // candidates asked for at once
constexpr std::string_view kListedAll = "0";  // the cursor of the first and of the last listing
constexpr size_t kInFlight = 512;             // entries read at once
constexpr size_t kFields = std::size(kAgentEntryFields);
constexpr int64_t kIntersected = 100'000;     // members of the smallest set up to which SINTER may answer in one piece
constexpr size_t kMaxCandidates = 1'000'000;  // names remembered, so that none is read twice

bool is_forbidden_command(const redis::Reply& error) {
  return error.error_code() == "NOPERM" && error.text.find(" to run the ") != std::string_view::npos;
}

}  // namespace

void DiscoverOp::begin() {
  choose_sources();
  if (intersects()) return weigh();
  state_.to(State::kListing);
  redis::Command first("EXISTS", host_.context().keys.index_ready());
  if (cluster() == nullptr) first.add(next_listing());
  if (auto status = send_listing(first, kIndexReady); !status) finish(status.error().in("discovering"));
}

/// On a cluster the question goes alone, since what is listed may be elsewhere.
void DiscoverOp::take_index(bool ready) {
  by_scan_ = !ready;
  if (cluster() == nullptr) return;
  if (by_scan_) return list_by_scan();
  if (state_.is(State::kListing)) return list();
  redis::Command sizes;
  for (const auto& source : sources_) sizes.add("SCARD", source);
  if (auto status = scatter(sizes, kWeight); !status) finish(status.error().in("discovering"));
}

/// What the smallest set has bounds what SINTER answers.
void DiscoverOp::weigh() {
  state_.to(State::kWeighing);
  weights_.resize(sources_.size());
  redis::Command first("EXISTS", host_.context().keys.index_ready());
  if (cluster() == nullptr)
    for (const auto& source : sources_) first.add("SCARD", source);
  if (auto status = send(first, kIndexReady); !status) finish(status.error().in("discovering"));
}

void DiscoverOp::take_weight(size_t i, const redis::Reply& members) {
  weights_[i] = members.integer;
  if (++weighed_ < sources_.size()) return;
  if (by_scan_) return list_by_scan();
  const auto smallest = std::min_element(weights_.begin(), weights_.end());
  const bool in_one_piece = *smallest <= kIntersected && cluster() == nullptr;
  if (!in_one_piece) sources_ = {sources_[static_cast<size_t>(smallest - weights_.begin())]};
  list();
}

/// A name that is longer than any id comes as an integer.
Status DiscoverOp::send_listing(const redis::Command& command, uint64_t tag) {
  const size_t longest = host_.context().keys.agent("").size() + limits::kForeignAgentIdBytes;
  if (cluster() == nullptr || nodes_.empty()) return send(command, tag, longest);
  return cluster()->send_to(nodes_.back(), command, replies(tag, longest));
}

void DiscoverOp::choose_sources() {
  const Keys& keys = host_.context().keys;
  for (const auto& capability : query_.capabilities) sources_.push_back(keys.capability_index(capability));
  if (sources_.empty()) sources_.push_back(keys.agents_index());
}

redis::Command DiscoverOp::next_listing() const {
  size_t piece = query_.limit == 0 ? kPiece : std::clamp<size_t>(query_.limit * 2, 16, kPiece);
  if (by_scan_)
    return redis::Command("SCAN", cursor_, "MATCH", host_.context().keys.agent_scan_pattern(), "COUNT", kPiece, "TYPE",
                          "hash");
  if (!intersects()) return redis::Command("SSCAN", sources_.back(), cursor_, "COUNT", piece);
  std::vector<std::string_view> intersection{"SINTER"};
  intersection.insert(intersection.end(), sources_.begin(), sources_.end());
  return redis::Command::of(intersection);
}

void DiscoverOp::on_reply(uint64_t tag, const redis::Answer& answer) {
  // An entry of another type, or one that this agent may not read, is none; a command that it may not run is an error.
  bool skipped = answer.ok() && (*answer)->is_error() && !is_forbidden_command(**answer);
  auto reply = tag >= kEntry && !state_.is(State::kWeighing) && skipped ? answer : redis::checked(answer);
  if (!reply) return finish(reply.error().in("discovering"));
  if (tag >= kEntry && !state_.is(State::kWeighing))
    return state_.is(State::kSizing) ? take_size(tag - kEntry, **reply) : take_entry(tag - kEntry, **reply);
  if (tag == kIndexReady) return take_index((*reply)->integer != 0);
  if (state_.is(State::kWeighing)) return take_weight(tag - kWeight, **reply);
  bool was_guess = by_scan_ && sources_.size() > 0;
  if (was_guess) return list_by_scan();
  take_candidates(**reply);
}

/// There is no index: what was listed with the question is worth nothing.
void DiscoverOp::list_by_scan() {
  sources_.clear();
  cursor_ = kListedAll;
  if (cluster() != nullptr) nodes_ = cluster()->map().primaries();
  list();
}

void DiscoverOp::list() {
  state_.to(State::kListing);
  if (auto status = send_listing(next_listing(), kCandidates); !status) finish(status.error().in("discovering"));
}

void DiscoverOp::take_candidates(const redis::Reply& reply) {
  bool cursored = by_scan_ || !intersects();
  bool well_formed = reply.is_array() && (!cursored || (reply.count == 2 && reply[1].is_array()));
  if (!well_formed) return finish(Error{Errc::kProtocol, "discovering: the listing has an unexpected form"});
  const redis::Reply& members = cursored ? reply[1] : reply;
  for (const auto& member : members) add_candidate(member);
  if (seen_.size() > kMaxCandidates)
    return finish(Error{Errc::kTooLarge, "discovering: more than " + std::to_string(kMaxCandidates) + " names"});
  cursor_ = cursored ? reply[0].text : kListedAll;
  if (cursor_ == kListedAll && !by_scan_) cursored ? sources_.pop_back() : sources_.clear();
  if (cursor_ == kListedAll && !nodes_.empty()) nodes_.pop_back();
  advance();
}

void DiscoverOp::add_candidate(const redis::Reply& member) {
  std::string_view id = by_scan_ ? host_.context().keys.agent_id_of_key(member.text) : member.text;
  if (member.is_integer() || id.size() > limits::kForeignAgentIdBytes) return void(++left_out_);
  if (!id.empty() && seen_.emplace(id).second) candidates_.emplace_back(id);
}

void DiscoverOp::advance() {
  bool more_to_list = by_scan_ ? cursor_ != kListedAll || !nodes_.empty() : !sources_.empty();
  if (enough()) return end();
  if (!candidates_.empty()) return ask_sizes();
  if (more_to_list) return list();
  end();
}

void DiscoverOp::ask_sizes() {
  state_.to(State::kSizing);
  size_t wanted = query_.limit == 0 ? kInFlight : std::min(kInFlight, query_.limit - found_.size());
  size_t count = std::min(wanted, candidates_.size());
  reading_.assign(candidates_.end() - static_cast<std::ptrdiff_t>(count), candidates_.end());
  candidates_.resize(candidates_.size() - count);
  sizes_.assign(count * kFields, 0);
  unread_ = sizes_.size();
  redis::Command sizes;
  for (const auto& id : reading_) {
    const std::string key = host_.context().keys.agent(id);
    for (std::string_view field : kAgentEntryFields) sizes.add("HSTRLEN", key, field);
  }
  if (auto status = scatter(sizes, kEntry); !status) finish(status.error().in("discovering"));
}

void DiscoverOp::take_size(size_t i, const redis::Reply& size) {
  sizes_[i] = size.is_integer() ? size.integer : 0;
  if (--unread_ == 0) read_entries();
}

void DiscoverOp::read_entries() {
  state_.to(State::kReading);
  size_t kept = 0;
  for (size_t i = 0; i < reading_.size(); ++i) {
    auto sizes = std::span<const int64_t>(sizes_).subspan(i * kFields, kFields);
    bool there = sizes[0] > 0;  // every entry has an id
    if (there && check_agent_entry_sizes(sizes).ok()) std::swap(reading_[kept++], reading_[i]);
  }
  reading_.resize(kept);
  unread_ = kept;
  if (kept == 0) return advance();
  redis::Command reads;
  for (const auto& id : reading_) {
    const std::string key = host_.context().keys.agent(id);
    std::vector<std::string_view> command{"HMGET", key};
    command.insert(command.end(), std::begin(kAgentEntryFields), std::end(kAgentEntryFields));
    reads.add(redis::Command::of(command));
  }
  if (auto status =
          scatter(reads, kEntry, *std::max_element(std::begin(kAgentEntryBounds), std::end(kAgentEntryBounds)));
      !status)
    finish(status.error().in("discovering"));
}

void DiscoverOp::take_entry(size_t i, const redis::Reply& reply) {
  std::vector<std::optional<std::string_view>> values;
  for (const auto& value : reply) values.push_back(value.is_text() ? std::optional(value.text) : std::nullopt);
  if (values.size() == std::size(kAgentEntryFields)) {
    auto entry = agent_entry_from_values(reading_[i], values);
    if (entry && matches(*entry) && !enough()) found_.push_back(std::move(*entry));
  }
  if (--unread_ == 0) advance();
}

bool DiscoverOp::matches(const AgentEntry& entry) const {
  if (!entry.active && !query_.inactive) return false;
  auto has = [&](const std::string& wanted) {
    return std::find(entry.capabilities.begin(), entry.capabilities.end(), wanted) != entry.capabilities.end();
  };
  const auto& wanted = query_.capabilities;
  if (wanted.empty()) return true;
  return query_.all ? std::all_of(wanted.begin(), wanted.end(), has) : std::any_of(wanted.begin(), wanted.end(), has);
}

void DiscoverOp::end() {
  state_.to(State::kDone);
  if (left_out_ > 0)
    host_.context().debug("discovering: names of more than " + std::to_string(limits::kForeignAgentIdBytes) +
                          " bytes were left out: " + std::to_string(left_out_));
  std::sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  finish(std::move(found_));
}

}  // namespace mas::sdk
