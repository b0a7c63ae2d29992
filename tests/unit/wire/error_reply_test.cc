// Codes of error replies, and sentences that are made fit to be sent.
#include "proto/wire/error_reply.h"

#include "proto/base/ids.h"
#include "proto/base/utf8.h"
#include "proto/wire/limits.h"
#include "tests/unit/catch.h"

using namespace mas;

TEST_CASE("every code stands for one failure, and one that is not known for a failed handler") {
  for (Errc errc : {Errc::kNoHandler, Errc::kInvalidPayload, Errc::kHandlerFailed, Errc::kUnavailable}) {
    INFO(error_code_of(errc));
    CHECK(is_error_code(error_code_of(errc)));
    CHECK(errc_of(error_code_of(errc)) == errc);
  }
  CHECK(errc_of("AUTH_FAILED") == Errc::kHandlerFailed);  // an answer says nothing about who asked
  CHECK(errc_of("") == Errc::kHandlerFailed);
  CHECK(error_code_of(Errc::kNoMemory) == "HANDLER_FAILED");
}

TEST_CASE("a code has upper-case letters, digits and underscores") {
  CHECK(is_error_code("A"));
  CHECK(is_error_code("X_9"));
  CHECK(is_error_code(std::string(limits::kErrorCodeBytes, 'A')));
  for (const std::string& text :
       {std::string(), std::string(limits::kErrorCodeBytes + 1, 'A'), std::string("a"), std::string("A B"),
        std::string("A\n"), std::string("\xc3\x84"), std::string("A\0", 2)}) {
    INFO(printable(text));
    CHECK_FALSE(is_error_code(text));
  }
}

TEST_CASE("whatever a sentence holds, it can be sent in an envelope and shown on one line") {
  CHECK(error_text("no such account: größer") == "no such account: größer");
  CHECK(error_text("a\nb\x1b[2Jc\x7f") == "a?b?[2Jc?");
  CHECK(error_text("bad \xff\xfe") == "bad ??");
  CHECK(error_text("").empty());
  for (const std::string& piece : {std::string("x"), std::string("ß"), std::string("\xff"), std::string("\n"),
                                   std::string("\xf0\x9f\x98\x80"), std::string("\xc3")}) {
    std::string mebibyte;
    while (mebibyte.size() < 1024 * 1024) mebibyte += piece;
    const std::string text = error_text(mebibyte);
    CHECK(text.size() <= limits::kMetaTextBytes);
    CHECK(text.size() > limits::kMetaTextBytes / 4);
    CHECK(is_valid_utf8(text));
    CHECK_FALSE(has_control_character(text));
  }
}
