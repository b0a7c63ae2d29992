// What coordinator and workers say to each other.
#ifndef MAS_EXAMPLE_SQUARE_MESSAGES_HPP
#define MAS_EXAMPLE_SQUARE_MESSAGES_HPP

#include <mas.hpp>

struct Task {
  int64_t number = 0;
};
MAS_STRUCT(Task, number)

struct Squared {
  int64_t square = 0;
};
MAS_STRUCT(Squared, square)

#endif  // MAS_EXAMPLE_SQUARE_MESSAGES_HPP
