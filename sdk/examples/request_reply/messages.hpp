// What client and server say to each other.
#ifndef MAS_EXAMPLE_CONVERT_MESSAGES_HPP
#define MAS_EXAMPLE_CONVERT_MESSAGES_HPP

#include <mas.hpp>

struct Convert {
  double celsius = 0;
};
MAS_STRUCT(Convert, celsius)

struct Converted {
  double fahrenheit = 0;
};
MAS_STRUCT(Converted, fahrenheit)

#endif  // MAS_EXAMPLE_CONVERT_MESSAGES_HPP
