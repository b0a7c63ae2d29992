// Users compared with what was written.
#include "daemons/registryd/user_book.h"

#include "proto/base/bytes.h"

namespace mas::registry {

namespace {

Digest rules_digest(const UserRecord& record, const RedisSite& site, int64_t now) {
  std::string text;
  ByteWriter writer(text);
  for (const auto& rule : acl_setuser_rules(record, site, now)) writer.text32(rule);
  return sha256(text);
}

bool old_is_good(const UserRecord& record, int64_t now) {
  return record.password_old.has_value() && record.password_old_until > now;
}

}  // namespace

UserBook::Step UserBook::decide(const std::string& server, const std::string& field, const Result<UserRecord>& record,
                                const std::optional<Digest>& seen, const RedisSite& site, int64_t now) {
  // What cannot be read lets nobody in.
  if (!record.ok() || !user_is_good(*record, now)) return seen ? Step::kRemove : Step::kNothing;
  auto known = known_.find({server, field});
  if (known == known_.end() || known->second.rules != rules_digest(*record, site, now)) return Step::kWrite;
  return seen == known->second.seen ? Step::kNothing : Step::kRestore;
}

bool UserBook::old_password_ended(const std::string& server, const std::string& field, const UserRecord& record,
                                  int64_t now) const {
  auto known = known_.find({server, field});
  return known != known_.end() && known->second.old_password && !old_is_good(record, now);
}

void UserBook::written(const std::string& server, const std::string& field, const UserRecord& record,
                       const RedisSite& site, int64_t now, const Digest& seen) {
  known_[{server, field}] = {rules_digest(record, site, now), seen, old_is_good(record, now)};
}

}  // namespace mas::registry
