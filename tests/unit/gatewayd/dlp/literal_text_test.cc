// Literals are found in every document as in its whole text, whichever keys of it are known to have none.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "daemons/gatewayd/dlp/document.h"
#include "daemons/gatewayd/dlp/matcher.h"
#include "proto/base/json_writer.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::dlp;

namespace {

using Found = std::vector<std::pair<uint32_t, uint32_t>>;  // literal, end

struct Reader {
  Matcher matcher = std::move(*Matcher::make());
  Scratch scratch;
  KeyReader keys{[this](std::string_view key, std::vector<Match>& ret_matches) {
    return matcher.scan_key(key, scratch.get(), ret_matches);
  }};
  Document document{keys};
  std::vector<Match> matches;

  Reader() { REQUIRE(matcher.prepare(scratch).ok()); }

  Found sorted() const {
    Found found;
    for (const Match& match : matches) found.emplace_back(match.literal, match.end);
    std::sort(found.begin(), found.end());
    return found;
  }
  Found in_whole_text() {
    REQUIRE(matcher.scan(document.text(), scratch.get(), matches).ok());
    return sorted();
  }
  Found in_parts() {
    REQUIRE(matcher.scan(document.literal_text(), scratch.get(), matches).ok());
    document.complete(matches);
    CHECK(std::is_sorted(matches.begin(), matches.end(), [](Match a, Match b) { return a.end < b.end; }));
    return sorted();
  }
  bool searches(std::string_view text) const { return document.literal_text().find(text) != std::string_view::npos; }
};

/// An object with the literal's text in keys, whole and in parts, with digits behind, and as a value.
std::string object_of(std::string_view literal) {
  std::string upper(literal);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  std::string object;
  JsonWriter json(object);
  json.begin_object();
  for (std::string_view text : {literal, std::string_view(upper)}) {
    for (size_t size : {text.size(), text.size() - 1, text.size() / 2}) {
      std::string key(text.substr(0, size));
      json.key(key).integer(17);
      json.key(key + "2").string("none");
      json.key("is_" + key + "_85").integer(256);
      json.key("a_long_name_of_" + key).string(std::string(text) + " 1");
      if (std::string_view digits = text.substr(size); !digits.empty()) json.key(key + std::string(digits)).null();
    }
  }
  json.end_object();
  return object;
}

}  // namespace

TEST_CASE("no literal can stand in a number") {
  Reader reader;
  for (const Literal& literal : reader.matcher.literals()) {
    INFO(literal.text);
    CHECK(literal.text.find_first_not_of("0123456789+-.eE") != std::string_view::npos);
  }
}

TEST_CASE("what is found is the same when the keys are new, met again and known") {
  Reader reader;
  for (const Literal& literal : reader.matcher.literals()) {
    const std::string object = object_of(literal.text);
    INFO(object);
    for (int times = 0; times < 3; ++times) {
      REQUIRE(reader.document.read_json(object));
      CHECK(reader.in_parts() == reader.in_whole_text());
    }
  }
}

TEST_CASE("numbers, and keys that were met before, are not searched") {
  Reader reader;
  const std::string_view message = R"({"ts_1":1720921649182,"sha_2":"x","access_token":"hunter2","by":[0.5,"ssn 7"]})";
  REQUIRE(reader.document.read_json(message));
  CHECK(reader.searches("ts_1"));  // it may be met no more
  for (int times = 0; times < 2; ++times) {
    REQUIRE(reader.document.read_json(message));
    CHECK_FALSE(reader.searches("ts_1"));
    CHECK_FALSE(reader.searches("172092"));
    CHECK_FALSE(reader.searches("0.5"));
    CHECK_FALSE(reader.searches("sha_2"));   // one literal, which is known
    CHECK(reader.searches("access_token"));  // several
    CHECK(reader.searches("hunter2"));
    CHECK(reader.searches("ssn 7"));
    CHECK(reader.in_parts() == reader.in_whole_text());
  }
}

TEST_CASE("a key that digits would make a literal is searched") {
  Reader reader;
  for (int times = 0; times < 3; ++times) {
    REQUIRE(reader.document.read_json(R"({"md":1,"md5":"x","the_bc":2,"the_bc1":"y"})"));
    CHECK(reader.searches("md5"));
    CHECK(reader.searches("the_bc1"));
    CHECK(reader.in_parts() == reader.in_whole_text());
  }
}

TEST_CASE("a document that is not of JSON alone is searched as a whole") {
  Reader reader;
  for (std::string_view text : {"the password is here", "", "7"}) {
    reader.document.read_text(text);
    CHECK(reader.in_parts() == reader.in_whole_text());
    CHECK(reader.document.literal_text() == reader.document.text());
  }
  Reader source;
  REQUIRE(source.document.read_json(R"(["the ssn"])"));
  const Node& node = source.document.nodes()[0];
  for (bool json_first : {true, false}) {
    reader.document.clear();
    if (json_first) REQUIRE(reader.document.append_json(R"({"password":1})", 0, node, 0));
    reader.document.begin_node(node, 0, Node::Form::kWhole);
    reader.document.append("an email");
    reader.document.end_node(node.text);
    if (!json_first) REQUIRE(reader.document.append_json(R"({"password":1})", 0, node, 0));
    CHECK(reader.document.literal_text() == reader.document.text());
    CHECK(reader.in_parts() == reader.in_whole_text());
    CHECK(reader.matches.size() > 1);
  }
}

TEST_CASE("documents without strings have nothing to search") {
  Reader reader;
  for (std::string_view json : {"[]", "[1,2,3]", "true"}) {
    REQUIRE(reader.document.read_json(json));
    CHECK(reader.in_parts().empty());
  }
}
