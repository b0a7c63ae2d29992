// Formats Redis commands (RESP arrays of bulk strings) by appending to a buffer.
//
// Written here and not taken from hiredis's formatter because a command is appended straight to the buffer
// that goes to the socket: no allocation and no second copy (docs/adr/0001-redis-connection.md).
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "proto/base/secret.h"

namespace mas::redis {

inline void append_length(std::string& out, char mark, size_t value) {
  char text[24];
  text[0] = mark;
  char* end = std::to_chars(text + 1, text + 20, value).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(text, static_cast<size_t>(end - text));
}

inline void append_argument(std::string& out, std::string_view arg) {
  append_length(out, '$', arg.size());
  out.append(arg);
  out.append("\r\n", 2);
}

inline void append_argument(std::string& out, std::integral auto arg) {
  char text[24];
  append_argument(out, std::string_view(text, static_cast<size_t>(std::to_chars(text, text + 24, arg).ptr - text)));
}

/// An argument in pieces: they are written one after another, as one text. Views what it is made of.
class Argument {
 public:
  template <typename Text>
  requires std::convertible_to<const Text&, std::string_view> Argument(const Text& text)
      : whole_(text), bytes_(whole_.size()) {}
  /// @param bytes of all pieces together.
  Argument(std::span<const std::string_view> pieces, size_t bytes) : pieces_(pieces), bytes_(bytes) {}

  size_t size() const { return bytes_; }
  /// It is this, and the pieces behind it.
  std::string_view whole() const { return whole_; }
  std::span<const std::string_view> pieces() const { return pieces_; }
  void append_to(std::string& out) const {
    append_length(out, '$', bytes_);
    out.append(whole_);
    for (auto piece : pieces_) out.append(piece);
    out.append("\r\n", 2);
  }

 private:
  std::string_view whole_;
  std::span<const std::string_view> pieces_;
  size_t bytes_;
};

template <std::same_as<Argument> Whole>
void append_argument(std::string& out, const Whole& arg) {
  arg.append_to(out);
}

/// Appends one command; arguments are texts (any bytes) or integers.
template <typename... Args>
void append_command(std::string& out, const Args&... args) {
  append_length(out, '*', sizeof...(args));
  (append_argument(out, args), ...);
}

/// One or more commands ready to send.
class Command {
 public:
  Command() = default;

  template <typename... Args>
  explicit Command(std::string_view name, const Args&... args) {
    append_command(bytes_, name, args...);
    count_ = 1;
  }

  /// A command whose number of arguments is known only at run time.
  static Command of(std::span<const std::string_view> args) {
    Command command;
    command.add(args);
    return command;
  }
  static Command of(std::span<const std::string> args) {
    Command command;
    append_length(command.bytes_, '*', args.size());
    for (const auto& arg : args) append_argument(command.bytes_, arg);
    command.count_ = 1;
    return command;
  }

  /// Appends another command; each is answered by its own reply.
  template <typename... Args>
  Command& add(std::string_view name, const Args&... args) {
    append_command(bytes_, name, args...);
    ++count_;
    return *this;
  }
  /// The same with a number of arguments that is known only at run time; room for all of them is made once.
  Command& add(std::span<const std::string_view> args) { return add_all(args); }
  Command& add(std::span<const Argument> args) { return add_all(args); }
  Command& add(const Command& other) {
    bytes_ += other.bytes_;
    count_ += other.count_;
    return *this;
  }

  const std::string& bytes() const { return bytes_; }
  /// Gives the bytes away. The command is then empty.
  std::string take_bytes() {
    count_ = 0;
    return std::exchange(bytes_, {});
  }
  size_t count() const { return count_; }
  /// Room for `bytes` more, so that nothing is moved while they are added.
  void reserve(size_t bytes) { bytes_.reserve(bytes_.size() + bytes); }
  /// Overwrites a secret in it. The command is then empty.
  void wipe() {
    count_ = 0;
    mas::wipe(bytes_);
  }

 private:
  template <typename Arg>
  Command& add_all(std::span<const Arg> args) {
    size_t room = bytes_.size() + 16;
    for (const auto& arg : args) room += arg.size() + 16;
    bytes_.reserve(room);
    append_length(bytes_, '*', args.size());
    for (const auto& arg : args) append_argument(bytes_, arg);
    ++count_;
    return *this;
  }

  std::string bytes_;
  size_t count_ = 0;
};

}  // namespace mas::redis
