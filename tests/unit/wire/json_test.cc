// JsonReader: strictness, raw tokens, limits, and what its errors say.
#include "proto/wire/json.h"

#include "proto/wire/json_string.h"
#include "tests/unit/catch.h"

using namespace mas;

namespace {

std::string repeat(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

Errc code_of(std::string_view json) {
  JsonReader reader;
  auto checked = reader.check_value(json);
  REQUIRE_FALSE(checked.ok());
  return checked.error().code;
}

/// Writes down what it hears.
class Recorder final : public JsonVisitor {
 public:
  void member(std::string_view key, const JsonValue& value) override {
    heard += std::string(key) + "=" + std::string(value.token) + "|" + std::string(value.text) + ";";
  }
  JsonVisitor* inside(std::string_view key) override { return key == "in" ? this : nullptr; }
  std::string heard;
};

}  // namespace

TEST_CASE("a value is returned as it stood, without the white space around it") {
  JsonReader reader;
  for (const char* json : {"{}", "[]", "0", "-0.5e+7", "\"\"", "\"a\\u0041\"", "null", "true", "false", "[ ]",
                           "{ \"a\" : [ 1 , 2 ] }", "123456789012345678901234567890", "[[],{},\"\",0]", "{\"\":0}"}) {
    INFO(json);
    std::string text = std::string(" \t\r\n") + json + "\n \t";
    auto checked = reader.check_value(text);
    REQUIRE(checked.ok());
    CHECK(*checked == json);
    CHECK(checked->data() == text.data() + 4);
  }
}

TEST_CASE("what is not JSON is refused") {
  for (const char* json : {"",
                           " ",
                           "{",
                           "}",
                           "[",
                           "]",
                           "{]",
                           "[}",
                           "\"",
                           "\"a",
                           "nul",
                           "nulll",
                           "tru",
                           "falsee",
                           "TRUE",
                           "01",
                           "-",
                           "+1",
                           "1.",
                           ".1",
                           "1e",
                           "1e+",
                           "1 2",
                           "{} {}",
                           "[] 1",
                           "1,",
                           "[1,]",
                           "[,1]",
                           "[,]",
                           "[1 2]",
                           "{,}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\" 1}",
                           "{\"a\"::1}",
                           "{a:1}",
                           "{1:1}",
                           "{\"a\":\"b\":1}",
                           "[\"b\":1]",
                           "[\"a\"\"b\"]",
                           "\"a\"b",
                           "1\"a\"",
                           "\"a\" \"b\"",
                           "[1]]",
                           "[[1]",
                           "{\"a\":{}}}",
                           "{\"a\":[{}}",
                           "[{\"a\":1]}",
                           "\"\\x\"",
                           "\"\\",
                           "\"\\u12G4\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\udc00\"",
                           "{\"\\ud800\":1}",
                           "\"\x01\"",
                           "\"\xff\"",
                           "\"\xed\xa0\x80\"",
                           "\xef\xbb\xbf{}",
                           "/**/1",
                           "'a'",
                           "NaN",
                           "-Infinity",
                           "0x1",
                           "\x0c"
                           "1"}) {
    INFO(json);
    CHECK(code_of(json) == Errc::kMalformed);
  }
  CHECK(code_of(std::string_view("1\0", 2)) == Errc::kMalformed);
  CHECK(code_of(std::string_view("\"a\0b\"", 5)) == Errc::kMalformed);
}

TEST_CASE("nesting is allowed to the limit and no further") {
  JsonReader reader;
  for (auto [open, close] : {std::pair("[", "]"), std::pair("{\"a\":", "}")}) {
    std::string innermost = open[0] == '{' ? "0" : "";
    CHECK(reader.check_value(repeat(open, 127) + innermost + repeat(close, 127)).ok());
    CHECK(reader.check_value(repeat(open, 128) + innermost + repeat(close, 128)).ok());
    auto deep = reader.check_value(repeat(open, 129) + innermost + repeat(close, 129));
    REQUIRE_FALSE(deep.ok());
    CHECK(deep.error().message.find("128 levels") != std::string::npos);
  }
}

TEST_CASE("a megabyte of anything gets a clear answer") {
  constexpr size_t kMegabyte = 1 << 20;
  for (const char* unit :
       {"[", "]", "{", "[{", "{\"a\":", "\"", "\\", "[1,", "{\"\":", ",", ":", "\xff", "\xc3", "-", "\"\\ud83d\","}) {
    INFO(unit);
    std::string text = repeat(unit, kMegabyte / std::string_view(unit).size());
    CHECK(code_of(text) == Errc::kMalformed);
    CHECK(code_of("[" + text + "]") == Errc::kMalformed);
  }
  CHECK(code_of(repeat("[", kMegabyte) + repeat("]", kMegabyte)) == Errc::kMalformed);
  CHECK(code_of(std::string(kMegabyte, ' ')) == Errc::kMalformed);
  JsonReader reader;
  CHECK(reader.check_value("[" + std::string(kMegabyte, ' ') + "]").ok());
  CHECK(reader.check_value("[" + repeat("1,", kMegabyte) + "1]").ok());
  CHECK(reader.check_value("\"" + repeat("\\ud83d\\ude00", kMegabyte / 12) + "\"").ok());
  CHECK(reader.check_value(std::string(kMegabyte, '7')).ok());
  CHECK(reader.check_value("{}").ok());
  CHECK(code_of(std::string(limits::kMaxEnvelopeBytes + 1, '7')) == Errc::kTooLarge);
}

TEST_CASE("an object is asked for and something else is given") {
  JsonReader reader;
  CHECK(reader.check_object(" {\"a\":1} ").ok());
  for (const char* json : {"[]", "1", "\"{}\"", "null"}) {
    auto checked = reader.check_object(json);
    REQUIRE_FALSE(checked.ok());
    CHECK(checked.error().message == "JSON: expected an object");
  }
}

TEST_CASE("errors say where and what was expected, not what stood there") {
  JsonReader reader;
  auto message = [&](std::string_view json) { return reader.check_value(json).error().message; };
  CHECK(message("{\"secret\":01}") == "JSON: byte 10: expected a value");
  CHECK(message("{\"secret\":\"\\q\"}") == "JSON: byte 10: a string with an invalid escape");
  CHECK(message("[\"secret\xff\"]") == "JSON: not valid UTF-8");
  CHECK(message("[\"secret]") == "JSON: a string has no closing quote");
  CHECK(message("{\"secret\":1") == "JSON: an object or array is not closed");
  CHECK(message("") == "JSON: empty; expected a value");
  CHECK(message("{\"secret\":1} {}") == "JSON: more than one value");
}

TEST_CASE("arrays of strings") {
  JsonReader reader;
  auto strings = reader.string_array(" [ \"chat\", \"ma\\u00dfe\", \"\" ] ");
  REQUIRE(strings.ok());
  CHECK(*strings == std::vector<std::string>{"chat", "maße", ""});
  CHECK(reader.string_array("[]")->empty());
  for (const char* json : {"{}", "\"a\"", "[1]", "[null]", "[[\"a\"]]", "[\"a\"] x", "[\"a\",]", ""})
    CHECK(reader.string_array(json).error().code == Errc::kMalformed);

  std::string longest = "\"" + std::string(limits::kCapabilityBytes, 'x') + "\"";
  CHECK(reader.string_array("[" + longest + "]").ok());
  CHECK(reader.string_array("[\"y" + longest.substr(1) + "]").error().code == Errc::kTooLarge);
  std::string many = "[\"a\"" + repeat(",\"a\"", limits::kCapabilities - 1);
  CHECK(reader.string_array(many + "]")->size() == limits::kCapabilities);
  CHECK(reader.string_array(many + ",\"a\"]").error().code == Errc::kTooLarge);
}

TEST_CASE("members: raw tokens, the last of each key") {
  JsonReader reader;
  auto members = reader.members("{\"a\": 1 ,\"b\":[1, {}] , \"a\":\"x\\n\", \"\\u0062b\":{ } }");
  REQUIRE(members.ok());
  using Pair = std::pair<std::string, std::string>;
  CHECK(*members == std::vector<Pair>{{"b", "[1, {}]"}, {"a", "\"x\\n\""}, {"bb", "{ }"}});
  CHECK(reader.members("{}")->empty());
  CHECK_FALSE(reader.members("[]").ok());
}

TEST_CASE("visiting: members in their order, those inside an object on request, texts unescaped") {
  JsonReader reader;
  Recorder recorder;
  std::string json = "{\"a\":\"\\u00e9\\n\",\"in\":{\"x\" : true , \"\\ty\":[1 ]},\"out\":{\"z\":0}, \"n\":-1.5 }";
  REQUIRE(reader.visit(json, recorder).ok());
  CHECK(recorder.heard ==
        "a=\"\\u00e9\\n\"|é\n;x=true|;\ty=[1 ]|;in={\"x\" : true , \"\\ty\":[1 ]}|;out={\"z\":0}|;n=-1.5|;");

  Recorder shallow;
  CHECK_FALSE(reader.visit("{\"a\":{\"b\":{}}}", shallow, 2).ok());
  CHECK(reader.visit("{\"a\":{\"b\":{}}}", shallow, 3).ok());
}

TEST_CASE("a text that is cut is not completed by the bytes that follow it") {
  JsonReader reader;
  for (std::string text : {"{\"a\":[{}", "{\"a\":[[]", "{\"a\":[[{}", "{\"a\":[[[{}}", "{\"a\":{}", "{\"a\":[1,{}",
                           "{\"a\":[{\"b\":{}", "{\"a\":", "{"})
    for (char padding : {',', ']', '}', '"', ':', '1', '{', '[', '\0', ' '}) {
      INFO(text << padding);
      std::string buffer = text + std::string(8, padding);
      Recorder recorder;
      auto status = reader.visit(std::string_view(buffer).substr(0, text.size()), recorder);
      REQUIRE_FALSE(status.ok());
      CHECK(status.error().code == Errc::kMalformed);
    }
}

TEST_CASE("unescaped views stay where they are, however many there are") {
  class Views final : public JsonVisitor {
   public:
    void member(std::string_view key, const JsonValue& value) override { seen.emplace_back(key, value.text); }
    std::vector<std::pair<std::string_view, std::string_view>> seen;
  };
  std::string json = "{";
  for (int i = 0; i < 1000; ++i)
    json += (i > 0 ? "," : "") + std::string("\"\\u0061") + std::to_string(i) + "\":\"\\n\"";
  json += "}";
  JsonReader reader;
  Views views;
  REQUIRE(reader.visit(json, views).ok());
  REQUIRE(views.seen.size() == 1000);
  for (size_t i = 0; i < 1000; ++i) {
    CHECK(views.seen[i].first == "a" + std::to_string(i));
    CHECK(views.seen[i].second == "\n");
  }
}

TEST_CASE("string tokens: escapes checked and undone") {
  CHECK(json_escapes_are_valid("plain"));
  CHECK(json_escapes_are_valid("\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uD83D\\uDE00"));
  for (const char* bad :
       {"\\", "\\a", "\\u", "\\u123", "\\u123g", "\\ud83d", "\\ud83d\\u0041", "\\ud83dx", "\\ude00", "\\ud83d\\n"})
    CHECK_FALSE(json_escapes_are_valid(bad));
  CHECK(json_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00 x\"") == "\"\\/\b\f\n\r\tAé€😀 x");
  CHECK(json_text("\"\\u0000\"") == std::string(1, '\0'));
  CHECK(json_text("12.50") == "12.50");
  CHECK(json_text("{\"a\":1}") == "{\"a\":1}");
  CHECK(json_text("") == "");
}
