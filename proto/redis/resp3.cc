// One pass over the bytes: headers are rewritten where they stand; only a map's and a null's become longer.
#include "proto/redis/resp3.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace mas::redis {
namespace {

constexpr uint64_t kMaxNumber = uint64_t{1} << 40;  // longer than what any reader accepts

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

/// @param type the first byte of a value; becomes that of RESP2.
Resp3Headers::State Resp3Headers::begin_value(char& type) {
  number_ = 0;
  switch (type) {
    case '$':
      return State::kTextLength;
    case '=':
    case '!':
      type = '$';
      return State::kTextLength;
    case '>':
    case '~':
      type = '*';
      return State::kLine;
    case '#':
    case ',':
    case '(':
      type = '+';
      return State::kLine;
    default:
      return State::kLine;
  }
}

/// @param at in a line, or behind it. @return behind the line's end, or the end of the bytes.
size_t Resp3Headers::end_of_line(std::span<const char> bytes, size_t at) {
  while (at < bytes.size()) {
    if (bytes[at] == '\n' && returned_) {
      returned_ = false;
      state_ = State::kType;
      return at + 1;
    }
    returned_ = bytes[at] == '\r';
    ++at;
  }
  return at;
}

/// @param digit of a length or a size, or what ends it.
Resp3Headers::State Resp3Headers::count(char digit) {
  if (is_digit(digit)) number_ = std::min(number_ * 10 + static_cast<uint64_t>(digit - '0'), kMaxNumber);
  if (digit != '\n') return state_;
  left_ = number_ + 2;
  return state_ == State::kTextLength ? State::kText : State::kType;
}

Status Resp3Headers::feed(std::span<char> bytes, ReplyReader& into) {
  size_t at = 0, fed = 0;
  auto feed_up_to = [&](size_t end) {
    const std::string_view piece(bytes.data() + fed, end - fed);
    fed = end;
    return piece.empty() ? Status() : into.feed(piece);
  };
  while (at < bytes.size()) {
    Status status;
    if (state_ == State::kText) {
      const auto skipped = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size() - at));
      at += skipped;
      left_ -= skipped;
      if (left_ == 0) state_ = State::kType;
    } else if (state_ == State::kLine) {
      at = end_of_line(bytes, at);
    } else if (state_ == State::kTextLength) {
      const char digit = bytes[at++];
      state_ = digit == '-' ? State::kLine : count(digit);
    } else if (state_ == State::kMapSize) {
      const char digit = bytes[at++];
      fed = at;
      if (!is_digit(digit) && digit != '\r' && digit != '\n')
        return Error{Errc::kProtocol, "not a RESP3 reply: a map's size is no number"};
      state_ = count(digit);
      if (digit == '\n') status = into.feed("*" + std::to_string(2 * number_) + "\r\n");
    } else if (bytes[at] == '%') {
      status = feed_up_to(at);
      fed = ++at;
      number_ = 0;
      state_ = State::kMapSize;
    } else if (bytes[at] == '_') {
      status = feed_up_to(at);
      fed = ++at;
      state_ = State::kLine;
      if (status.ok()) status = into.feed("$-1");
    } else {
      state_ = begin_value(bytes[at++]);
    }
    if (!status) return status;
  }
  return feed_up_to(bytes.size());
}

}  // namespace mas::redis
