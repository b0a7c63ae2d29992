// finder: lists the translators and picks the cheapest one for a language.
//
//   usage: example_finder LANGUAGE
//   exit code: 0 one was found; 1 there is none
#include <algorithm>

#include "../example.hpp"
#include "offer.hpp"

static Offer offer_of(const mas::AgentInfo &agent) { return mas::from_json<Offer>(agent.metadata).value(); }

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: example_finder LANGUAGE" << std::endl;
    return 2;
  }
  return example::main("finder", [&] {
    mas::Agent finder("finder");
    finder.start();
    auto all = finder.discover({"translate"});
    std::sort(all.begin(), all.end(), [](const auto &a, const auto &b) { return a.id < b.id; });
    for (const auto &agent : all) {
      Offer offer = offer_of(agent);
      std::cout << agent.id << " translates " << offer.language << " for " << offer.price << std::endl;
    }
    auto found = finder.discover({std::string("translate.") + argv[1]});
    finder.stop();
    if (found.empty()) {
      std::cerr << "nobody translates " << argv[1] << std::endl;
      return 1;
    }
    auto cheapest = std::min_element(
        found.begin(), found.end(), [](const auto &a, const auto &b) { return offer_of(a).price < offer_of(b).price; });
    std::cout << "cheapest: " << cheapest->id << std::endl;
    return 0;
  });
}
