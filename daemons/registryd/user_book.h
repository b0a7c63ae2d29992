// What is known of the users that MAS made, on each server: what was last written, and how Redis shows it. Decides what
// to do about a user; neither uv nor Redis.
//
// Redis has its own form of a rule list, so a user is not compared with its rules: what ACL GETUSER says right after a
// write (as a digest) is remembered, and anything else that it says later is an alteration by somebody else.
// Threading: one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/users/user_record.h"
#include "proto/users/user_rules.h"

namespace mas::registry {

class UserBook {
 public:
  enum class Step : uint8_t {
    kNothing,  ///< as it should be
    kWrite,    ///< it is missing, its record changed, or nothing is known of it
    kRestore,  ///< somebody else changed or removed it
    kRemove    ///< it is there and must not be
  };

  /// The server's memory may be lost: nothing is known of it any more.
  void forget(const std::string& server) {
    std::erase_if(known_, [&server](const auto& known) { return known.first.first == server; });
  }

  /// @param server its name. @param record that of the field; an error: it cannot be read. @param seen the digest of
  /// what the server says of the user; nullopt: there is no such user.
  Step decide(const std::string& server, const std::string& field, const Result<UserRecord>& record,
              const std::optional<Digest>& seen, const RedisSite& site, int64_t now);

  /// @return whether the user had two passwords when it was last written, and has one now: connections that were made
  /// with the old one must end.
  bool old_password_ended(const std::string& server, const std::string& field, const UserRecord& record,
                          int64_t now) const;

  /// The user was written by its record. @param seen as the server showed it then.
  void written(const std::string& server, const std::string& field, const UserRecord& record, const RedisSite& site,
               int64_t now, const Digest& seen);
  void removed(const std::string& server, const std::string& field) { known_.erase({server, field}); }

 private:
  struct Known {
    Digest rules{}, seen{};
    bool old_password = false;  ///< two passwords were good
  };

  std::map<std::pair<std::string, std::string>, Known> known_;  // by server and field
};

}  // namespace mas::registry
