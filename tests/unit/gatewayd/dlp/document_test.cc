// JSON taken apart: nodes of every length and their places in the source, and texts that end early.
#include "daemons/gatewayd/dlp/document.h"

#include <string>

#include "proto/wire/limits.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::dlp;

namespace {

struct Read {
  KeyReader keys;
  Document document{keys};
  bool json(std::string_view text) { return document.read_json(text); }
  std::string_view text(size_t node) const { return document.text_of(document.nodes()[node]); }
  /// The bytes of `source` that a node was read from.
  std::string_view source(size_t node, std::string_view source) const {
    Span span = document.nodes()[node].source;
    return source.substr(span.begin, span.size());
  }
};

std::string letters(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text.push_back(static_cast<char>('a' + i % 26));
  return text;
}

std::string digits(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text.push_back(static_cast<char>('1' + i % 9));
  return text;
}

}  // namespace

TEST_CASE("keys, strings and numbers of every length are nodes with their places") {
  Read read;
  for (size_t key = 0; key <= 40; ++key) {
    for (size_t value = 1; value <= 40; ++value) {
      const std::string name = letters(key), text = letters(value), number = digits(value);
      const std::string json =
          "{\"" + name + "\" : \"" + text + "\",\"n\":[" + number + ", -" + number + ".5,true,null,\"\"]}";
      INFO(json);
      REQUIRE(read.json(json));
      REQUIRE(read.document.nodes().size() == 6);
      CHECK(read.text(0) == name);
      CHECK(read.text(1) == text);
      CHECK(read.text(3) == number);
      CHECK(read.text(4) == "-" + number + ".5");
      CHECK(read.text(5).empty());
      CHECK(read.source(0, json) == name);
      CHECK(read.source(1, json) == text);
      CHECK(read.source(4, json) == "-" + number + ".5");
      CHECK(read.document.nodes()[1].key == 0);
      CHECK(read.document.nodes()[5].index == 4);
      CHECK(read.document.text().back() == '\0');
    }
  }
}

TEST_CASE("an escape at any place is undone, and traced back") {
  Read read;
  for (size_t before = 0; before <= 40; ++before) {
    const std::string head = letters(before), json = "[\"" + head + "\\u0041\\\"tail\",\"next\"]";
    INFO(json);
    REQUIRE(read.json(json));
    REQUIRE(read.document.nodes().size() == 2);
    CHECK(read.text(0) == head + "A\"tail");
    CHECK(read.text(1) == "next");
    const Node& node = read.document.nodes()[0];
    auto escaped = static_cast<uint32_t>(before);
    Span at = read.document.locate(node, {node.text.begin + escaped, node.text.begin + escaped + 1});
    CHECK(json.substr(at.begin, at.size()) == "\\u0041");
  }
}

TEST_CASE("a number that is whole is read as its digits") {
  Read read;
  REQUIRE(read.json("[4.111e15, 120.50, 7.0, 0.1230, 12345678901234567890.0, 1e3]"));
  CHECK(read.text(0) == "4111000000000000");
  CHECK(read.text(1) == "120.50");
  CHECK(read.text(2) == "7");
  CHECK(read.text(3) == "0.1230");
  CHECK(read.text(4) == "12345678901234567890");
  CHECK(read.text(5) == "1000");
  CHECK(read.document.nodes()[0].form == Node::Form::kWhole);
  CHECK(read.document.nodes()[1].form == Node::Form::kSame);
}

TEST_CASE("a text that ends early, or goes on, is no value") {
  Read read;
  const std::string json = R"({"key":["text with \" and \\",-12.50,{"a":true,"b":null}], "last" : false})";
  REQUIRE(read.json(json));
  for (size_t size = 0; size < json.size(); ++size) {
    INFO(json.substr(0, size));
    CHECK_FALSE(read.json(json.substr(0, size)));
  }
  for (const char* more : {"\"", "}", ",", "x", "\"\"", "\\"}) CHECK_FALSE(read.json(json + more));
  CHECK(read.json(json + " \n"));
  for (const char* text : {"\"", "\"\\", "[\"a\\", "{\"", "{\"a\"", "{\"a\":", "[", "tru", "nul", "", " "})
    CHECK_FALSE(read.json(text));
}

TEST_CASE("nesting is bounded") {
  Read read;
  auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(read.json(nested(limits::kJsonDepth)));
  CHECK_FALSE(read.json(nested(limits::kJsonDepth + 2)));
}

TEST_CASE("what routes an envelope is left out, its meta by name, and all else is read") {
  Read read;
  const std::string_view json =
      R"({"message_id":"m","timestamp":{"a":"b"},"meta":{"hops":3,"other":"x","\u0068ops":4},"data":{"hops":5}})";
  REQUIRE(read.document.read_json(json, Document::Shape::kEnvelope));
  std::string text(read.document.text());
  for (char& c : text)
    if (c == '\0') c = '|';
  CHECK(text == "|meta|other|x|data|hops|5|");
}
