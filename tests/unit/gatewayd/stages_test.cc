// The table of stages: its order, how it is walked, and that the documents name the stages as it does.
#include "daemons/gatewayd/policy/stages.h"

#include <fstream>
#include <sstream>

#include "tests/unit/catch.h"

using namespace mas::gateway;

namespace {

/// Writes down what it is asked.
struct Scribe {
  std::string asked;
  bool decode() { return note("decode"); }
  bool identity() { return note("identity"); }
  bool authorisation() { return note("authorisation"); }
  bool target() { return note("target"); }
  bool deadline() { return note("deadline"); }
  bool guard() { return note("guard"); }
  bool rate() { return note("rate"); }
  bool content() { return note("content"); }
  bool circuit() { return note("circuit"); }
  bool backlog() { return note("backlog"); }
  bool approval() { return note("approval"); }
  bool lane() { return note("lane"); }

  bool note(const char* name) {
    asked.append(name).append(" ");
    return std::string_view(name) != until;
  }
  std::string until;

  std::string walked() {
    walk_stages<Scribe>([&](auto number) { return (this->*kStages<Scribe>[number].judged)(); });
    return asked;
  }
};

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& stage : kStages<Scribe>) all.emplace_back(stage.name);
  return all;
}

/// @return the lines of a document between a line that begins with `from` and the next empty one.
std::vector<std::string> block_of(const std::string& document, const std::string& from) {
  std::ifstream file(std::string(MAS_DOCS_DIR) + "/" + document);
  REQUIRE(file.is_open());
  std::vector<std::string> lines;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (inside && line.empty()) return lines;
    if (inside) lines.push_back(line);
    inside = inside || line.starts_with(from);
  }
  return lines;
}

}  // namespace

TEST_CASE("the stages are walked in the order of the contract, until one says that it is over") {
  CHECK(Scribe().walked() ==
        "decode identity authorisation target deadline guard rate content circuit backlog approval lane ");
  Scribe ends;
  ends.until = "target";
  CHECK(ends.walked() == "decode identity authorisation target ");
}

TEST_CASE("each stage with a mode has its own") {
  Policy policy;
  for (const auto& stage : kStages<Scribe>) {
    const bool off = stage.name == "content" || stage.name == "approval";
    CHECK(mode_of(stage, policy) == (off ? Mode::kOff : Mode::kEnforce));
    if (stage.mode == nullptr) continue;
    policy.*stage.mode = Mode::kShadow;
    size_t changed = 0;
    for (const auto& other : kStages<Scribe>) changed += mode_of(other, policy) == Mode::kShadow ? 1 : 0;
    CHECK(changed == 1);
    policy.*stage.mode = off ? Mode::kOff : Mode::kEnforce;
  }
}

TEST_CASE("the documents name the stages as the table does, in its order, and those that have a mode") {
  std::vector<std::string> told;
  for (const std::string& line : block_of("GATEWAY.md", "| stage |")) {
    if (!line.starts_with("| `")) continue;
    told.push_back(line.substr(3, line.find('`', 3) - 3));
    for (const auto& stage : kStages<Scribe>)
      if (stage.name == told.back()) CHECK((stage.mode != nullptr) == (line.find(".mode`") != std::string::npos));
  }
  CHECK(told == names());

  told.clear();
  for (const std::string& line : block_of("AUTHORISATION.md", "$ masctl explain --message")) {
    std::string name;
    std::istringstream(line) >> name;
    if (name != "STAGE" && name != "decision" && name != "policy" && name != "```") told.push_back(name);
  }
  CHECK(told == names());
}
