// Where the primary is, by Redis Sentinel, for all links of one owner. The glossary of this folder:
//
//   statement    what one sentinel says: the primary's address, and the epoch of that
//   roster       the sentinels that are known
//   inquiry      sentinels are asked in turn until one is believed
//   record       the primary that served last, by which statements are weighed (ballot.h)
//   watch        listens at several sentinels, and gives hints whom to ask again
//
// Happy path: a link that connects calls find() and is told on_primary(). When the server has said that it is a
// primary, the link calls confirm(); otherwise, or when it cannot be reached, reject(). With watch(), links are told by
// on_primary_moved() that the primary is elsewhere.
// Failure modes:
// - a sentinel that names a replica: the next sentinel is asked. Should all name it, and it replicates a server that
//   says it is a primary (FAILOVER without Sentinel), that one is used;
// - a sentinel with an older configuration: it is not believed;
// - no sentinel answers: links that work are kept; one that is lost goes to the primary that served last, if that
//   still says it is one.
// Sentinels have work to do during a fail-over: a group asks them twice a second at most, however many links seek.
// Threading: one loop, its thread. Ownership: shared by the links, which detach before they go.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/redis/sentinel/inquiry.h"
#include "proto/redis/sentinel/roster.h"
#include "proto/redis/sentinel/watch.h"

namespace mas::redis {

/// A connection whose server is found by sentinels.
class SentinelLink {
 public:
  virtual ~SentinelLink() = default;
  /// Answers find(), perhaps inside of it.
  virtual void on_primary(const Found& found) = 0;
  virtual void on_no_primary(const Error& why) = 0;
  /// At any time while attached: the primary is at `server` now.
  virtual void on_primary_moved(const Node& server) = 0;
};

/// For logs.
class SentinelsListener {
 public:
  virtual ~SentinelsListener() = default;
  /// @param by the sentinel that says so.
  virtual void on_switch(const Naming& from, const Naming& to, const Node& by) = 0;
  /// No sentinel is heard any more; links are kept.
  virtual void on_sentinels_lost(const Error& why) = 0;
  virtual void on_sentinels_heard(const Node& sentinel) = 0;
};

class Sentinels final : public std::enable_shared_from_this<Sentinels>,
                        public InquiryListener,
                        public Asker,
                        public WatchListener {
 public:
  /// @param endpoint with Topology::kSentinel. @param listener may be null; outlives this.
  Sentinels(uv_loop_t* loop, Endpoint endpoint, std::string client_name, SentinelsListener* listener = nullptr);
  ~Sentinels() override;
  Sentinels(const Sentinels&) = delete;
  Sentinels& operator=(const Sentinels&) = delete;

  /// Follows the primary from now on. Idempotent.
  void watch();

  void attach(SentinelLink& link) { links_.push_back(&link); }
  void detach(SentinelLink& link);
  void find(SentinelLink& link);
  /// The link does not wait for an answer any more. Idempotent.
  void give_up(SentinelLink& link);
  /// The server said that it is a primary.
  void confirm(const Found& found);
  /// The server could not be reached, or is a replica. @param replicates of which server, where it said so.
  void reject(const Found& found, const std::optional<Node>& replicates);

 private:
  void on_found(const Found& found) override;
  void on_not_found(const Error& why) override;
  void on_statement(Question& question, const Result<Statement>& statement) override;
  void on_hint(const Node& sentinel) override;
  void on_deaf(const Error& why) override;
  void on_hearing(const Node& sentinel) override;

  /// One sentinel that is asked after a hint.
  struct Check {
    std::unique_ptr<Question> question;
    bool again;  // there was another hint since it was asked
  };

  void inquire();
  void begin_inquiry();
  void follow(const Found& found);
  void answer(const Found& found);
  const Found* known_answer() const;
  void forget_answer(const Node& server);
  void believe(const Node& by, const std::vector<Node>& sentinels);

  uv_loop_t* loop_;
  const Endpoint endpoint_;
  const std::string client_name_;
  SentinelsListener* listener_;
  Roster roster_;
  Record record_;

  // What links are told.
  std::optional<Found> candidate_;   // to be tried next, without asking: it has just become known
  std::optional<Naming> announced_;  // as links were told last; none was confirmed since
  std::optional<Found> recent_;      // the last answer, unless it proved wrong
  MonoTime recent_at_{};             // when it was given, or confirmed

  std::vector<SentinelLink*> links_;     // null: detached while links are told
  std::vector<SentinelLink*> seekers_;   // wait for the inquiry
  std::vector<SentinelLink*> answered_;  // are being answered; null: gave up meanwhile
  bool telling_ = false;

  std::unique_ptr<Inquiry> inquiry_;
  MonoTime asked_{};  // when the last inquiry began
  Timer ask_again_;   // begins the next one
  std::vector<Check> checks_;
  std::unique_ptr<Watch> watch_;
};

/// @return the sentinels of `endpoint`; null for another topology.
std::shared_ptr<Sentinels> sentinels_of(uv_loop_t* loop, const Endpoint& endpoint, std::string client_name,
                                        SentinelsListener* listener = nullptr);

}  // namespace mas::redis
