// masctl dlp's own parts: answers to lines, reading lines.
#include <unistd.h>

#include <set>

#include "proto/wire/json.h"
#include "sdk/masctl/dlp/findings.h"
#include "sdk/masctl/dlp/line_reader.h"
#include "tests/unit/masctl/inspection.h"

using namespace mas;
using namespace mas::ctl;

namespace {

std::string answer(const std::string& line) {
  auto inspected = inspection();
  return LineInspector(*inspected).answer(line, 3);
}

/// What a LineReader makes of bytes; "!" for a line that is too long.
std::vector<std::string> lines_of(const std::string& bytes, size_t most) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  close(ends[1]);
  LineReader reader(ends[0], most);
  std::vector<std::string> lines;
  while (true) {
    auto line = reader.next();
    if (!line.ok()) {
      CHECK(line.error().code == Errc::kTooLarge);
      lines.emplace_back("!");
    } else if (*line) {
      lines.push_back(**line);
    } else {
      break;
    }
  }
  close(ends[0]);
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a line of JSON is answered with its id and everything masked that is to be") {
  CHECK(answer(R"({"id":"a","payload":{"ssn":"219-09-9998","n":1e2}})") ==
        R"({"id":"a","types":["ssn"],"action":"redact","redacted":{"ssn":"XXX-XX-9998","n":1e2}})");
  CHECK(answer(R"({"text":"ssn 219-09-9998, \"x\"","id":[1, 2]})") ==
        R"({"id":[1, 2],"types":["ssn"],"action":"redact","redacted":"ssn XXX-XX-9998, \"x\""})");
  CHECK(answer(R"({"id":1,"id":2,"text":"a","text":"b"})") == R"({"id":2,"types":[],"action":"none","redacted":"b"})");
  CHECK(answer("{\"id\":1}") == R"({"id":null,"error":"line 3: expected a payload or a text"})");
  CHECK(answer("").starts_with(R"({"id":null,"error":"line 3: )"));
}

TEST_CASE("types are told once each, in order, and possible ones are not") {
  auto found = answer(R"({"id":1,"text":"rosa@example.org and ada@example.org; ssn 219-09-9998; 219099998"})");
  CHECK(found.find(R"("types":["email","ssn"],"action":"redact")") != std::string::npos);
  CHECK(answer(R"({"id":1,"text":"it is 219099998"})").find(R"("types":[],"action":"none")") != std::string::npos);
}

TEST_CASE("lines of a descriptor") {
  CHECK(lines_of("", 10).empty());
  CHECK(lines_of("a\n\nb", 10) == Lines{"a", "", "b"});
  CHECK(lines_of("a\n", 10) == Lines{"a"});
  CHECK(lines_of("0123456789\n01234567890\nx\n", 10) == Lines{"0123456789", "!", "x"});
  CHECK(lines_of(std::string(60'000, 'x'), 10) == Lines{"!"});
}
