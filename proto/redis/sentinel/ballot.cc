// Weighing statements.
#include "proto/redis/sentinel/ballot.h"

#include <algorithm>

namespace mas::redis {

Bearing bearing_of(const Statement& statement, const Record& record) {
  const Node& server = statement.primary;
  if (!record.served) return Bearing::kSame;
  if (record.refuted && record.refuted->server == server && statement.epoch <= record.refuted->epoch)
    return Bearing::kRefuted;
  if (server == record.served->server) return Bearing::kSame;
  if (statement.epoch == record.served->epoch) return Bearing::kRival;
  return statement.epoch > record.served->epoch ? Bearing::kNewer : Bearing::kOlder;
}

bool Ballot::accepts(const Statement& statement, const Node& by) {
  const Bearing bearing = bearing_of(statement, record_);
  if (bearing == Bearing::kSame || bearing == Bearing::kNewer) return true;
  if (bearing == Bearing::kRefuted) {
    refuted_ = Naming{statement.primary, statement.epoch};
    return false;
  }
  contradicted_ = contradicted_ || bearing == Bearing::kRival;

  electorate_ = std::max(electorate_, statement.others + 1);
  const std::string id = statement.id.empty() ? by.text() : statement.id;
  const bool voted = std::any_of(votes_.begin(), votes_.end(), [&id](const Vote& vote) { return vote.id == id; });
  if (!voted) votes_.push_back({id, statement.primary});
  const auto same = std::count_if(votes_.begin(), votes_.end(),
                                  [&statement](const Vote& vote) { return vote.server == statement.primary; });
  return static_cast<size_t>(same) * 2 > electorate_;
}

std::optional<Naming> Ballot::last_resort() const {
  if (refuted_ && (record_.failed || !record_.served)) return refuted_;
  if (refuted_) return record_.served;
  return blanks_ == 0 && !contradicted_ ? record_.served : std::nullopt;
}

}  // namespace mas::redis
