// What translators say about themselves: the metadata that discovery shows.
#ifndef MAS_EXAMPLE_OFFER_HPP
#define MAS_EXAMPLE_OFFER_HPP

#include <mas.hpp>
#include <string>

struct Offer {
  std::string language;
  int32_t price = 0;
};
MAS_STRUCT(Offer, language, price)

#endif  // MAS_EXAMPLE_OFFER_HPP
