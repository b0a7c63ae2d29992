// Ropes, and the queue that puts them and bytes into writes: nothing changes, nothing changes its place, and what was
// lent comes back.
#include "proto/redis/outgoing.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/catch.h"

using namespace mas::redis;

namespace {

struct Lender {
  std::shared_ptr<std::vector<std::string>> texts = std::make_shared<std::vector<std::string>>();

  explicit Lender(std::vector<std::string> its) { *texts = std::move(its); }
  bool lent() const { return texts.use_count() > 1; }
  Rope rope() const {
    Lent lent{texts, {texts->begin(), texts->end()}};
    std::sort(lent.places.begin(), lent.places.end(), [](auto a, auto b) { return a.data() < b.data(); });
    return Rope(std::move(lent));
  }
};

std::string bytes_of(const std::vector<Argument>& arguments) {
  Command command;
  command.add(std::span<const Argument>(arguments));
  return command.bytes();
}

/// Takes all of it as a socket does. @return the writes.
std::vector<std::string> writes_of(Outgoing& outgoing) {
  std::vector<std::string> writes;
  while (!outgoing.empty()) {
    std::string& next = outgoing.next();
    writes.push_back(next);
    next.clear();
  }
  return writes;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += text;
  return all;
}

}  // namespace

TEST_CASE("a rope is, byte for byte, the commands that it was made of, in parts of any size") {
  const Lender lender({std::string(300, 'a'), std::string(5000, 'b')});
  const std::string own(400, 'c');
  const std::string_view inside = std::string_view((*lender.texts)[1]).substr(1000, 2000);
  const std::vector<std::string_view> pieces{"head", (*lender.texts)[0], "", own, inside};
  const std::vector<Argument> arguments{"XADD", Argument(pieces, 4 + 300 + 400 + 2000), (*lender.texts)[1], "",
                                        inside.substr(0, 9)};
  const std::string wanted = Command("PING").bytes() + bytes_of(arguments) + Command("GET", "k").bytes();
  for (size_t part : {1, 7, 128, 1000, 100'000}) {
    Rope rope = lender.rope();
    rope.add(Command("PING")).add(arguments).add(Command("GET", "k"));
    CHECK(rope.count() == 3);
    CHECK_FALSE(rope.copied_all());
    CHECK(rope.size() == wanted.size());
    std::string out;
    for (size_t moved = 1; moved > 0;) moved = rope.move_to(out, part);
    CHECK(out == wanted);
  }
  CHECK_FALSE(lender.lent());
}

TEST_CASE("what is skipped of a rope is left out") {
  const Lender lender({std::string(300, 'a')});
  const std::vector<Argument> arguments{"SET", "k", (*lender.texts)[0]};
  const std::string wanted = bytes_of(arguments);
  for (size_t skipped : {size_t{3}, size_t{100}, wanted.size() - 1, wanted.size()}) {
    Rope rope = lender.rope();
    rope.add(arguments);
    CHECK(rope.skip(skipped) == skipped);
    std::string out;
    rope.move_to(out, SIZE_MAX);
    CHECK(out == wanted.substr(skipped));
  }
}

TEST_CASE("only what is long, and lies where it was lent, stays there") {
  const Lender lender({std::string(200, 'a')});
  const std::string elsewhere(500, 'b');
  Rope rope = lender.rope();
  rope.add(
      std::vector<Argument>{"SET", std::string_view((*lender.texts)[0]).substr(0, Rope::kLeastLeft - 1), elsewhere});
  CHECK(rope.copied_all());
  CHECK(rope.take_bytes() == bytes_of({"SET", std::string(Rope::kLeastLeft - 1, 'a'), elsewhere}));
  CHECK(rope.size() == 0);
  rope.add(std::vector<Argument>{"SET", "k", (*lender.texts)[0]});
  CHECK_FALSE(rope.copied_all());
}

TEST_CASE("without ropes all that waits is one write, and a large text is not copied") {
  Outgoing outgoing;
  std::string large(100'000, 'x');
  const char* place = large.data();
  outgoing.append_from(large, 1);
  CHECK(large.empty());
  CHECK(outgoing.size() == 100'000);
  CHECK(outgoing.next().data() == place);
  outgoing.next().clear();
  outgoing.append("a", 1);
  std::string second("b");
  outgoing.append_from(second, 1);
  CHECK(outgoing.runs() == 2);
  CHECK(writes_of(outgoing) == std::vector<std::string>{"ab"});
  CHECK(outgoing.runs() == 0);
}

TEST_CASE("a small rope goes out in one write with what stands around it") {
  const Lender lender({std::string(300, 'a')});
  Outgoing outgoing;
  outgoing.append("before", 2);
  Rope rope = lender.rope();
  rope.add(std::vector<Argument>{"SET", "k", (*lender.texts)[0]});
  outgoing.append(std::move(rope), 1);
  outgoing.append("behind", 1);
  CHECK(outgoing.runs() == 4);
  CHECK(writes_of(outgoing) == std::vector{"before" + bytes_of({"SET", "k", std::string(300, 'a')}) + "behind"});
  CHECK(outgoing.runs() == 0);
  CHECK_FALSE(lender.lent());
}

TEST_CASE("large ropes go out in parts, in their order with the rest; each is let go when its last byte was taken") {
  const Lender first({std::string(3 * Outgoing::kPartBytes, 'a')}), second({std::string(Outgoing::kPartBytes, 'b')});
  Outgoing outgoing;
  std::string wanted;
  auto add = [&](const Lender& lender) {
    const std::vector<Argument> arguments{"SET", "k", (*lender.texts)[0]};
    Rope rope = lender.rope();
    rope.add(arguments);
    outgoing.append(std::move(rope), 1);
    wanted += bytes_of(arguments);
  };
  add(first);
  outgoing.append("between", 3);
  add(second);
  outgoing.append("behind", 1);
  wanted.insert(bytes_of({"SET", "k", (*first.texts)[0]}).size(), "between");
  wanted += "behind";
  CHECK(outgoing.size() == wanted.size());
  CHECK(outgoing.runs() == 6);
  std::string& part = outgoing.next();
  CHECK(part.size() == Outgoing::kPartBytes);
  CHECK(outgoing.runs() == 5);
  CHECK(outgoing.begun_bytes() > 0);
  CHECK(first.lent());
  std::string all = part;
  part.clear();
  const auto rest = writes_of(outgoing);
  for (const auto& write : rest) CHECK(write.size() <= Outgoing::kPartBytes);
  CHECK(all + joined(rest) == wanted);
  CHECK_FALSE(first.lent());
  CHECK_FALSE(second.lent());
}

TEST_CASE("what has begun is left out when its link is lost; the runs behind it are there for the next one") {
  const Lender lender({std::string(3 * Outgoing::kPartBytes, 'a')});
  Outgoing outgoing;
  Rope rope = lender.rope();
  rope.add(std::vector<Argument>{"SET", "k", (*lender.texts)[0]});
  outgoing.append(std::move(rope), 1);
  outgoing.append("behind", 2);
  outgoing.drop_begun();
  CHECK(outgoing.runs() == 3);  // it has not
  outgoing.next().clear();
  outgoing.drop_begun();
  CHECK(outgoing.runs() == 2);
  CHECK_FALSE(lender.lent());
  CHECK(writes_of(outgoing) == std::vector<std::string>{"behind"});
}

TEST_CASE("runs that gave up are left out, whatever they are made of") {
  const Lender lender({std::string(300, 'a')});
  const std::vector<Argument> arguments{"SET", "k", (*lender.texts)[0]};
  const size_t size = bytes_of(arguments).size();
  for (size_t dropped = 0; dropped <= 4; ++dropped) {
    Outgoing outgoing;
    outgoing.append("1", 1);
    outgoing.append("2", 1);
    Rope rope = lender.rope();
    rope.add(arguments);
    outgoing.append(std::move(rope), 1);
    outgoing.append("4", 1);
    const std::vector<std::string> runs{"1", "2", bytes_of(arguments), "4"};
    const size_t bytes = dropped < 3 ? dropped : size + dropped - 1;
    outgoing.drop_runs(dropped, bytes);
    CHECK(outgoing.runs() == 4 - dropped);
    CHECK(joined(writes_of(outgoing)) == joined({runs.begin() + static_cast<std::ptrdiff_t>(dropped), runs.end()}));
    CHECK(outgoing.runs() == 0);
  }
}
