// Own bytes with places in them where texts of others stand.
#include "proto/redis/rope.h"

#include <algorithm>
#include <functional>

namespace mas::redis {

bool Lent::holds(std::string_view text) const {
  // std::less orders pointers into different objects, too.
  auto behind = std::upper_bound(places.begin(), places.end(), text.data(), [](const char* at, std::string_view place) {
    return std::less<>()(at, place.data());
  });
  if (behind == places.begin()) return false;
  const std::string_view place = *--behind;
  return !std::less<>()(place.data() + place.size(), text.data() + text.size());
}

Rope& Rope::add(const Command& command) {
  own_ += command.bytes();
  size_ += command.bytes().size();
  count_ += command.count();
  return *this;
}

Rope& Rope::add(std::span<const Argument> arguments) {
  size_t room = own_.size() + 16;
  for (const Argument& argument : arguments) {
    room += argument.whole().size() + 16;
    for (std::string_view piece : argument.pieces()) room += piece.size() < kLeastLeft ? piece.size() : 0;
  }
  own_.reserve(room);
  const size_t before = own_.size();
  append_length(own_, '*', arguments.size());
  size_ += own_.size() - before;
  for (const Argument& argument : arguments) {
    const size_t start = own_.size();
    append_length(own_, '$', argument.size());
    size_ += own_.size() - start;
    append(argument.whole());
    for (std::string_view piece : argument.pieces()) append(piece);
    own_.append("\r\n", 2);
    size_ += 2;
  }
  ++count_;
  return *this;
}

void Rope::append(std::string_view text) {
  size_ += text.size();
  if (text.size() >= kLeastLeft && lent_.holds(text))
    parts_.push_back({own_.size(), text});
  else
    own_ += text;
}

std::string Rope::take_bytes() {
  count_ = size_ = own_at_ = 0;
  return std::exchange(own_, {});
}

std::string_view Rope::next() const {
  const bool more = part_ < parts_.size();
  if (more && parts_[part_].at == own_at_) return parts_[part_].text.substr(part_at_);
  return std::string_view(own_).substr(own_at_, more ? parts_[part_].at - own_at_ : std::string_view::npos);
}

void Rope::passed(size_t bytes) {
  size_ -= bytes;
  if (part_ == parts_.size() || parts_[part_].at != own_at_) {
    own_at_ += bytes;
  } else if (part_at_ += bytes; part_at_ == parts_[part_].text.size()) {
    part_at_ = 0;
    ++part_;
  }
  if (size_ == 0) lent_ = {};
}

size_t Rope::move_to(std::string& out, size_t most) {
  const size_t wanted = std::min(most, size_);
  for (size_t left = wanted; left > 0;) {
    const std::string_view bytes = next().substr(0, left);
    out += bytes;
    left -= bytes.size();
    passed(bytes.size());
  }
  return wanted;
}

size_t Rope::skip(size_t most) {
  const size_t wanted = std::min(most, size_);
  for (size_t left = wanted; left > 0;) {
    const size_t bytes = std::min(left, next().size());
    left -= bytes;
    passed(bytes);
  }
  return wanted;
}

}  // namespace mas::redis
