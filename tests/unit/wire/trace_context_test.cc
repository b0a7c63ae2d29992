// What counts as a W3C traceparent and tracestate.
#include "proto/wire/trace_context.h"

#include <string>

#include "tests/unit/catch.h"

using namespace mas;

namespace {

const std::string kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

std::string changed(size_t at, char to) {
  std::string text = kParent;
  text[at] = to;
  return text;
}

std::string members(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += (i == 0 ? "k" : ",k") + std::to_string(i) + "=v";
  return text;
}

}  // namespace

TEST_CASE("a traceparent has its four fields") {
  CHECK(is_traceparent(kParent));
  CHECK(is_traceparent(changed(54, '0')));
  CHECK_FALSE(is_traceparent(""));
  CHECK_FALSE(is_traceparent(kParent.substr(1)));
  CHECK_FALSE(is_traceparent(kParent.substr(0, 54)));
  CHECK_FALSE(is_traceparent(kParent + "-"));
  CHECK_FALSE(is_traceparent(kParent + "0"));
  for (size_t at : {0, 1, 3, 34, 36, 51, 53, 54}) {
    CHECK_FALSE(is_traceparent(changed(at, 'A')));
    CHECK_FALSE(is_traceparent(changed(at, 'g')));
    CHECK_FALSE(is_traceparent(changed(at, '-')));
  }
  for (size_t at : {2, 35, 52}) CHECK_FALSE(is_traceparent(changed(at, '0')));
  CHECK_FALSE(is_traceparent("00-" + std::string(32, '0') + "-b7ad6b7169203331-01"));
  CHECK_FALSE(is_traceparent("00-0af7651916cd43dd8448eb211c80319c-" + std::string(16, '0') + "-01"));
}

TEST_CASE("a traceparent of a later version begins with the fields that are known") {
  const std::string later = "cc" + kParent.substr(2);
  CHECK(is_traceparent(later));
  CHECK(is_traceparent(later + "-more"));
  CHECK_FALSE(is_traceparent(later + "more"));
  CHECK_FALSE(is_traceparent("ff" + kParent.substr(2)));
}

TEST_CASE("a tracestate is a list of keys and values") {
  CHECK(is_tracestate("a=b"));
  CHECK(is_tracestate("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"));
  CHECK(is_tracestate("fw529a3039@dt=FfAA;x:y/z , a_b-c*d/e=~ !"));
  CHECK(is_tracestate(",a=b,,"));
  CHECK(is_tracestate("a=" + std::string(256, 'x')));
  CHECK(is_tracestate(members(32)));
  for (const char* text :
       {"", ",", "a", "a=", "=b", "A=b", "a b=c", "a=b=c", "a=\x01", "a=\xc3\xa4", "@a=b", "a@=b", "a@b@c=d", "a=b\n"})
    CHECK_FALSE(is_tracestate(text));
  CHECK(is_tracestate(std::string(256, 'x') + "=a"));
  CHECK(is_tracestate("1" + std::string(240, 'x') + "@" + std::string(14, 'x') + "=a"));
  CHECK_FALSE(is_tracestate(std::string(242, 'x') + "@x=a"));
  CHECK_FALSE(is_tracestate("x@" + std::string(15, 'x') + "=a"));
  for (const char* text : {"1a=b", "_a=b", "a@1b=c", "*a@b=c", "a@*b=c"}) CHECK_FALSE(is_tracestate(text));
  CHECK_FALSE(is_tracestate("a=" + std::string(257, 'x')));
  CHECK_FALSE(is_tracestate(std::string(257, 'x') + "=a"));
  CHECK_FALSE(is_tracestate(members(33)));
  CHECK_FALSE(is_tracestate(members(20) + std::string(512, ',')));
}

TEST_CASE("the invalid parts of a context are left out") {
  auto both = valid_context(kParent, "a=b");
  CHECK(both.traceparent == kParent);
  CHECK(both.tracestate == "a=b");
  CHECK(valid_context(kParent, "no list").traceparent == kParent);
  CHECK(valid_context(kParent, "no list").tracestate.empty());
  CHECK(valid_context("00-t", "a=b").traceparent.empty());
  CHECK(valid_context("00-t", "a=b").tracestate.empty());
}
