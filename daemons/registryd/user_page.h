// One page of user records (mas.users), and what is done about its users on one server: compared, written, compared
// again. Makes the commands and reads their replies; who sends them is user_keeper.h.
//
// Happy path: take() reads the records; then for each server look(), saw() for each reply, decide(). Where something is
// to be written: writes(), written() for each reply, check(), changed().
// Failure modes:
// - A record that cannot be read removes its user, and is logged.
// - A record whose name enrolment does not make is somebody's mistake, and touches no user.
// - Somebody changes a record while its user is written: changed() takes the new one, and the page is looked at again.
// Threading: one thread. Ownership: the keeper's; the references must outlive it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemons/common/log.h"
#include "daemons/registryd/user_book.h"
#include "proto/redis/command.h"
#include "proto/redis/reply.h"
#include "proto/wire/keys.h"

namespace mas::registry {

class UserPage {
 public:
  UserPage(const Keys& keys, common::Log& log, RedisSite site) : keys_(keys), log_(log), site_(std::move(site)) {}

  /// A pass begins. @param now seconds since 1970; it stays so for the whole pass.
  void begin_pass(int64_t now) {
    now_ = now;
    next_change_ = 0;
  }
  /// While the number is being changed, agents go by the one before until they hear of the new one: users may use the
  /// partitions of all that it may be. What cannot be read changes nothing.
  void set_partitions(const PartitionsField& field);
  /// The server's memory may be lost: its users are written again.
  void forget(const std::string& server) { book_.forget(server); }

  /// @param records names and values, as HSCAN tells them.
  void take(const redis::Reply& records);
  size_t size() const { return items_.size(); }
  /// When a user of the pass expires next, or loses its old password; 0: none does.
  int64_t next_change() const { return next_change_; }

  /// @return a command for each user.
  redis::Command look() const;
  /// @param i which of them. @param user the reply; nullptr: an error.
  void saw(size_t i, const redis::Reply* user);
  /// All were seen. @return whether something is to be written on this server.
  bool decide(const std::string& server);

  struct Writes {
    redis::Command users;  ///< each with kRepliesPerWrite replies
    redis::Command cuts;   ///< ends connections that were made with a password that is over
  };
  static constexpr size_t kRepliesPerWrite = 4;  ///< MULTI, two QUEUED, EXEC
  Writes writes(const std::string& server) const;
  /// @param tag number of the reply to Writes::users. @return what Redis refused inside of it.
  Status written(const std::string& server, size_t tag, const redis::Reply& reply);
  size_t writing() const { return writing_.size(); }
  /// How many of those are removed.
  size_t removing() const;

  /// @return the command that reads the records of what was written once more.
  redis::Command check() const;
  /// @param records its reply. @return whether one of them is another now.
  bool changed(const redis::Reply& records);

 private:
  struct Item {
    std::string field, json;
    Result<UserRecord> record;
    std::optional<Digest> seen;  ///< on the server that is looked at
    bool ended_seen = false;     ///< there, a password that is over still lets in
    UserBook::Step step = UserBook::Step::kNothing;
  };

  void add_write(redis::Command& command, const Item& item) const;
  std::string user_name(const Item& item) const { return keys_.prefix() + item.field; }

  const Keys& keys_;
  common::Log& log_;
  RedisSite site_;
  bool counted_ = false;  // site_ has the number before a change
  UserBook book_;
  int64_t now_ = 0, next_change_ = 0;
  std::vector<Item> items_;
  std::vector<size_t> writing_;  // items
  common::RepeatFilter unreadable_;
};

}  // namespace mas::registry
