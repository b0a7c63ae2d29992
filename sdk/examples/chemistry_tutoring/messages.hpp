// What student and professor say to each other.
#ifndef MAS_EXAMPLE_TUTORING_MESSAGES_HPP
#define MAS_EXAMPLE_TUTORING_MESSAGES_HPP

#include <mas.hpp>
#include <string>

struct Question {
  std::string topic;
  int32_t round = 0;
  std::string text;
};
MAS_STRUCT(Question, topic, round, text)

struct Said {
  std::string text;
};
MAS_STRUCT(Said, text)

/// Why there is no answer.
struct Excuse {
  std::string reason;
};
MAS_STRUCT(Excuse, reason)

#endif  // MAS_EXAMPLE_TUTORING_MESSAGES_HPP
