// UTF-8, control characters, the table of failure codes, and the writer's numbers.
#include <limits>
#include <set>
#include <string>

#include "proto/base/base64.h"
#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/base/result.h"
#include "proto/base/utf8.h"
#include "tests/unit/catch.h"

using namespace mas;

TEST_CASE("UTF-8 as RFC 3629 has it") {
  for (const char* good : {"", "a", "é", "€", "😀", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"})
    CHECK(is_valid_utf8(good));
  CHECK(is_valid_utf8(std::string(1, '\0')));
  for (const char* bad : {"\x80", "\xc0\xaf", "\xc1\xbf", "\xc3", "\xe0\x80\xaf", "\xe2\x82", "\xed\xa0\x80",
                          "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff"}) {
    INFO(printable(bad));
    CHECK_FALSE(is_valid_utf8(bad));
    CHECK_FALSE(is_valid_utf8(std::string(100, 'a') + bad + std::string(100, 'a')));
  }
}

TEST_CASE("control characters are those of ASCII and of Latin-1, wherever they stand") {
  CHECK_FALSE(has_control_character(""));
  CHECK_FALSE(has_control_character(" ~é\u00a0\u0100"));
  for (int c = 0x80; c < 0xa0; ++c) CHECK(has_control_character("ab\xc2" + std::string(1, static_cast<char>(c)) + "c"));
  for (int c = 0; c < 0x20; ++c) CHECK(has_control_character("ab" + std::string(1, static_cast<char>(c))));
  CHECK(has_control_character("\x7f"));
}

TEST_CASE("failure codes: names and values are unique, unknown ones are harmless") {
  std::set<std::string_view> names;
  std::set<int> values;
#define MAS_ERRC(name, value, text, retriable) \
  CHECK(names.insert(text).second);            \
  CHECK(values.insert(value).second);          \
  CHECK(errc_text(Errc::name) == text);        \
  CHECK(errc_retriable(Errc::name) == (retriable));
#include "proto/base/errc.def"
#undef MAS_ERRC
  CHECK(values.count(0) == 0);
  CHECK(errc_text(static_cast<Errc>(9999)) == "unknown");
  CHECK_FALSE(errc_retriable(static_cast<Errc>(9999)));
}

TEST_CASE("an error takes context in front and keeps its code") {
  Error error = Error{Errc::kTimeout, "no answer"}.in("reading").in("agent a");
  CHECK(error.code == Errc::kTimeout);
  CHECK(error.message == "agent a: reading: no answer");
  CHECK(Status().ok());
  CHECK_FALSE(Status(error).ok());
}

TEST_CASE("JSON numbers: the shortest that read back the same, the whole range of integers") {
  auto number = [](double value) {
    std::string out;
    JsonWriter(out).number(value);
    return out;
  };
  CHECK(number(0.1) == "0.1");
  CHECK(number(1795350097.2860389) == "1795350097.2860389");
  CHECK(number(-0.0) == "-0");
  CHECK(number(1e300) == "1e+300");
  CHECK(number(std::numeric_limits<double>::quiet_NaN()) == "null");
  std::string out;
  JsonWriter json(out);
  json.begin_array().integer(INT64_MIN).integer(INT64_MAX).unsigned_integer(UINT64_MAX).end_array();
  CHECK(out == "[-9223372036854775808,9223372036854775807,18446744073709551615]");
}

TEST_CASE("base64: the vectors of RFC 4648 §10, padded, and nothing that would be read in two ways") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xff\xfe\xfb", "//77"},
                                                         {"\xfb\xef\xbe", "++++"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(base64(bytes) == text);
    CHECK(from_base64(text) == bytes);
  }
  for (const char* bad : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9v\n", "Z m9", "__77", "--77", "====", "Zg==Zg=="})
    CHECK_FALSE(from_base64(bad));
}
