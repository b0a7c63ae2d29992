// The tables: how each place moves, and what may be together.
#include "daemons/gatewayd/turn/turn_pipeline.h"

#include <cstdio>
#include <cstdlib>

namespace mas::gateway {
namespace {

using Read = TurnPipeline::Read;
using Hand = TurnPipeline::Hand;

constexpr auto kReads = transitions<Read>({{Read::kNone, Read::kAsked},
                                           {Read::kAsked, Read::kHere},
                                           {Read::kHere, Read::kNone},
                                           {Read::kAsked, Read::kNone}});  // dropped

constexpr auto kHands = transitions<Hand>({{Hand::kNone, Hand::kDecoding},
                                           {Hand::kDecoding, Hand::kFetching},
                                           {Hand::kFetching, Hand::kDeciding},
                                           {Hand::kDeciding, Hand::kDecided},
                                           {Hand::kDecided, Hand::kNone},
                                           // dropped
                                           {Hand::kDecoding, Hand::kNone},
                                           {Hand::kFetching, Hand::kNone},
                                           {Hand::kDeciding, Hand::kNone}});

constexpr unsigned bit(Hand hand) { return 1u << static_cast<unsigned>(hand); }
constexpr unsigned kNothing = bit(Hand::kNone);
constexpr unsigned kDecoded = bit(Hand::kFetching) | bit(Hand::kDeciding) | bit(Hand::kDecided);
constexpr unsigned kAny = kNothing | bit(Hand::kDecoding) | kDecoded;

/// What may be in hand, by what is read.
struct Together {
  unsigned alone, while_committing;
};
constexpr Together kTogether[] = {
    {kAny, kAny},  // kNone
    {kAny, kAny},  // kAsked
    {kNothing | kDecoded,
     kNothing},  // kHere: asked for once the turn in hand is decoded; else it comes behind the commit
};

}  // namespace

TurnPipeline::TurnPipeline() : read_(Read::kNone, kReads), hand_(Hand::kNone, kHands) {}

bool TurnPipeline::legal(Read read, Hand hand, bool committing) {
  const Together& together = kTogether[static_cast<size_t>(read)];
  return ((committing ? together.while_committing : together.alone) & bit(hand)) != 0;
}

void TurnPipeline::check() const {
  if (legal(read(), hand(), committing_)) return;
  const std::string text = std::string(state_name(read())).append(" with ").append(state_name(hand()));
  std::fprintf(stderr, "illegal turn pipeline: %s%s\n", text.c_str(), committing_ ? " while committing" : "");
  std::abort();
}

void TurnPipeline::move_read(Read next) {
  read_.to(next);
  check();
}

void TurnPipeline::move_hand(Hand next) {
  hand_.to(next);
  check();
}

void TurnPipeline::leave() {
  if (!read_.is(Read::kNone)) move_read(Read::kNone);
}

void TurnPipeline::begin() {
  leave();
  move_hand(Hand::kDecoding);
}

void TurnPipeline::commit() {
  hand_.to(Hand::kNone);
  committing_ = true;
  check();
}

unsigned TurnPipeline::drop() {
  const unsigned turns = (hand_.is(Hand::kNone) ? 0 : 1) + (committing_ ? 1 : 0);
  if (!hand_.is(Hand::kNone)) hand_.to(Hand::kNone);
  committing_ = false;
  leave();
  return turns;
}

}  // namespace mas::gateway
