// finder: lists the translators and picks the cheapest one for a language.
//
//   usage: example_finder LANGUAGE
//   exit code: 0 one was found; 1 there is none
#include <algorithm>
#include <optional>

#include "../example.hpp"
#include "offer.hpp"

/// Any agent may claim a capability, and say about itself what it likes. @return nothing: no offer.
static std::optional<Offer> offer_of(const mas::AgentInfo &agent) {
  auto offer = mas::from_json<Offer>(agent.metadata);
  return offer ? std::optional<Offer>(*std::move(offer)) : std::nullopt;
}

static void print(const mas::AgentInfo &agent) {
  auto offer = offer_of(agent);
  if (offer)
    std::cout << agent.id << " translates " << offer->language << " for " << offer->price << std::endl;
  else
    std::cout << agent.id << " makes no offer" << std::endl;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: example_finder LANGUAGE" << std::endl;
    return 2;
  }
  return example::main("finder", [&] {
    mas::Agent finder("finder");
    example::Started started(finder);
    auto all = finder.discover({"translate"});
    std::sort(all.begin(), all.end(), [](const auto &a, const auto &b) { return a.id < b.id; });
    for (const auto &agent : all) print(agent);

    const mas::AgentInfo *cheapest = nullptr;
    int32_t price = 0;
    auto found = finder.discover({std::string("translate.") + argv[1]});
    for (const auto &agent : found) {
      auto offer = offer_of(agent);
      if (!offer || (cheapest != nullptr && offer->price >= price)) continue;
      cheapest = &agent;
      price = offer->price;
    }
    if (cheapest == nullptr) {
      std::cerr << "nobody translates " << argv[1] << std::endl;
      return 1;
    }
    std::cout << "cheapest: " << cheapest->id << std::endl;
    return 0;
  });
}
