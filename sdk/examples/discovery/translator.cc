// translator: an agent that can be found by what it can do. Its metadata tells more: the language and the price.
//
//   usage: example_translator ID LANGUAGE PRICE
#include <cstdlib>

#include "../example.hpp"
#include "offer.hpp"

int main(int argc, char **argv) {
  if (argc != 4) {
    std::cerr << "usage: example_translator ID LANGUAGE PRICE" << std::endl;
    return 2;
  }
  return example::main(argv[1], [&] {
    Offer offer{argv[2], std::atoi(argv[3])};
    mas::Options options;
    options.capability("translate").capability("translate." + offer.language);
    options.metadata(mas::to_json(offer).value());
    mas::Agent translator(argv[1], options);
    example::run(translator, argv[1]);
    return 0;
  });
}
