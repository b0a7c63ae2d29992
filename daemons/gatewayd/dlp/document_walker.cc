// JSON to nodes.
#include "daemons/gatewayd/dlp/document_walker.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "daemons/gatewayd/dlp/byte_block.h"
#include "proto/wire/limits.h"

namespace mas::dlp {
namespace {

constexpr unsigned kDepth = limits::kJsonDepth + 1;  // an envelope is one level around its data
constexpr size_t kLongestName = 40;                  // bytes of a value that may name what stands beside it
constexpr size_t kLongestNumber = 20;                // digits of a number that is written out
constexpr ContextMask kNamedById =  // data that is called an id where it stands in an object of its own
    bits(Context::kPassport, Context::kLicense, Context::kMrn, Context::kInsurance, Context::kSsn, Context::kTax,
         Context::kNpi, Context::kDea);
constexpr ContextMask kForAllBelow = bits(Context::kPassword, Context::kApiKey, Context::kSecret);

// What an envelope's reader goes by (proto/wire/envelope.h); sorted.
constexpr std::array<std::string_view, 5> kEnvelopeRoutes = {"message_id", "message_type", "sender_id", "target_id",
                                                             "timestamp"};
constexpr std::array<std::string_view, 10> kMetaRoutes = {
    "conversation_id", "correlation_id", "deadline", "expects_reply", "hops",
    "instance",        "is_reply",       "priority", "traceparent",   "version"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// @return the first quote or backslash; `end` when there is none.
inline const char* find_quote(const char* at, const char* end) {
  for (; end - at >= 16; at += 16) {
    ByteBlock bytes = load_block(at);
    uint32_t found = bits_of((bytes == '"') | (bytes == '\\'));
    if (found != 0) return at + std::countr_zero(found);
  }
  while (at < end && *at != '"' && *at != '\\') ++at;
  return at;
}

/// Copies what stands before the first quote or backslash. @param to with room for all of the text.
/// @return that quote or backslash; `end` when there is none.
inline const char* copy_plain(const char* at, const char* end, char* to) {
  for (; end - at >= 16; at += 16, to += 16) {
    ByteBlock bytes = load_block(at);
    std::memcpy(to, &bytes, sizeof bytes);
    uint32_t found = bits_of((bytes == '"') | (bytes == '\\'));
    if (found != 0) return at + std::countr_zero(found);
  }
  while (at < end && *at != '"' && *at != '\\') *to++ = *at++;
  return at;
}

/// A fraction of zeros, or an exponent: most numbers have neither.
bool may_be_whole(std::string_view token) {
  bool exponent = false;
  for (char c : token) exponent |= (c | 0x20) == 'e';
  return exponent || token.back() == '0';
}

/// @return the digits of a number that is whole although it is written with a fraction or an exponent, such as
/// 4.111e15; empty where it is not, or not worth it.
std::string whole_number(std::string_view token) {
  size_t e = token.find_first_of("eE");
  std::string_view mantissa = token.substr(0, e);
  int exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view power = token.substr(e + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    auto [end, failed] = std::from_chars(power.data(), power.data() + power.size(), exponent);
    if (failed != std::errc{} || end != power.data() + power.size() || exponent < 0) return {};
  }
  if (mantissa.starts_with('-')) mantissa.remove_prefix(1);
  size_t point = std::min(mantissa.find('.'), mantissa.size());
  std::string digits(mantissa.substr(0, point));
  std::string_view fraction = mantissa.substr(std::min(point + 1, mantissa.size()));
  if (digits.size() + static_cast<size_t>(exponent) > kLongestNumber) return {};
  for (int i = 0; i < exponent; ++i)
    digits.push_back(static_cast<size_t>(i) < fraction.size() ? fraction[static_cast<size_t>(i)] : '0');
  fraction.remove_prefix(std::min(fraction.size(), static_cast<size_t>(exponent)));
  if (fraction.find_first_not_of('0') != std::string_view::npos) return {};
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

}  // namespace

bool Document::Walker::run(Shape shape) {
  shape_ = shape;
  Place place;
  place.own = like_.own;
  place.context = like_.context;
  into_.contexts_ |= like_.context;
  // No byte of JSON becomes more than one of text; what ends a node takes the place of a quote, comma or bracket.
  make_room(static_cast<size_t>(end_ - begin_) + 1);
  const char* past = value(skip_space(begin_), 0, place);
  take_over();
  return past != nullptr && skip_space(past) == end_;
}

void Document::Walker::make_room(size_t more) {
  into_.text_.reserve(more);
  to_ = into_.text_.end();
  text_ = to_ - into_.text_.size();
}

void Document::Walker::take_over() { into_.text_.advance(static_cast<size_t>(to_ - into_.text_.end())); }

inline const char* Document::Walker::skip_space(const char* at) const {
  auto is_space = [](char c) { return c <= ' ' && (c == ' ' || c == '\n' || c == '\t' || c == '\r'); };
  while (at < end_ && is_space(*at)) ++at;
  return at;
}

/// Appends a node whose text of `size` bytes was written at to_.
inline Node& Document::Walker::add_node(Node::Kind kind, const Place& place, std::string_view source, size_t size) {
  Node& node = into_.nodes_.emplace_back();
  node.kind = kind;
  node.text.begin = static_cast<uint32_t>(to_ - text_);
  node.text.end = node.text.begin + static_cast<uint32_t>(size);
  node.source.begin = base_ + static_cast<uint32_t>(source.data() - begin_);
  node.source.end = node.source.begin + static_cast<uint32_t>(source.size());
  node.container = place.container;
  node.key = place.key;
  node.index = place.index;
  node.origin = origin_;
  node.own = place.own;
  node.context = place.context;
  to_ += size;
  *to_++ = '\0';
  return node;
}

/// Strings are most of all values.
inline const char* Document::Walker::value(const char* at, unsigned depth, const Place& place) {
  return at < end_ && *at == '"' ? string(at, place) : other_value(at, depth, place);
}

const char* Document::Walker::other_value(const char* at, unsigned depth, const Place& place) {
  if (at >= end_) return nullptr;
  switch (*at) {
    case '{':
      return depth < kDepth ? object(at, depth + 1, place) : nullptr;
    case '[':
      return depth < kDepth ? array(at, depth + 1, place) : nullptr;
    case 't':
      return word(at, "true");
    case 'f':
      return word(at, "false");
    case 'n':
      return word(at, "null");
    default:
      return number(at, place);
  }
}

inline const char* Document::Walker::word(const char* at, std::string_view word) const {
  bool is_here = static_cast<size_t>(end_ - at) >= word.size() && std::memcmp(at, word.data(), word.size()) == 0;
  return is_here ? at + word.size() : nullptr;
}

uint32_t Document::Walker::enter(bool array, const Place& place) {
  auto number = static_cast<uint32_t>(into_.containers_.size());
  Container& container = into_.containers_.emplace_back();
  container.parent = place.container;
  container.key = place.key;
  container.index = place.index;
  container.array = array;
  container.quiet = place.quiet;
  container.context = place.context;
  return number;
}

const char* Document::Walker::array(const char* at, unsigned depth, const Place& place) {
  uint32_t number = enter(true, place);
  Place element = place;
  element.container = number;
  element.key = kNowhere;
  at = skip_space(at + 1);
  if (at < end_ && *at == ']') return at + 1;
  for (element.index = 0;; ++element.index) {
    at = value(skip_space(at), depth, element);
    if (at == nullptr) return nullptr;
    at = skip_space(at);
    if (at >= end_) return nullptr;
    if (*at == ']') return at + 1;
    if (*at++ != ',') return nullptr;
  }
}

const char* Document::Walker::object(const char* at, unsigned depth, const Place& place) {
  uint32_t number = enter(false, place);
  at = skip_space(at + 1);
  if (at < end_ && *at == '}') return at + 1;
  Place of_key;
  of_key.container = number;
  for (;; ++of_key.index) {
    at = member(skip_space(at), depth, of_key, place);
    if (at == nullptr) return nullptr;
    at = skip_space(at);
    if (at >= end_) return nullptr;
    if (*at == '}') return at + 1;
    if (*at++ != ',') return nullptr;
  }
}

/// @param of_key its place. @param object that of what it is a member of.
inline const char* Document::Walker::member(const char* at, unsigned depth, const Place& of_key, const Place& object) {
  if (at >= end_ || *at != '"') return nullptr;
  Body body = read_body(at + 1);
  if (!body.closed) return nullptr;
  Place place;
  place.container = of_key.container;
  place.quiet = object.quiet || (shape_ == Shape::kEnvelope && routes(of_key.container, body));
  if (!place.quiet) {
    place.key = static_cast<uint32_t>(into_.nodes_.size());
    const char* text = to_;
    add_string(body, of_key, Node::Kind::kKey);
    read_key(place, {text, static_cast<size_t>(to_ - text) - 1}, object.context);
    into_.nodes_[place.key].own = place.own;
    into_.contexts_ |= place.context;
  }
  at = skip_space(body.text.data() + body.text.size() + 1);
  if (at >= end_ || *at != ':') return nullptr;
  at = skip_space(at + 1);
  bool pairs = (place.own & bits(Context::kNames, Context::kPlain)) != 0 && at < end_ && *at != '{' && *at != '[';
  auto node = static_cast<uint32_t>(into_.nodes_.size());
  at = value(at, depth, place);
  if (pairs && at != nullptr && node < into_.nodes_.size()) pair_up(node);
  return at;
}

/// A key's own word counts first; a plain one says what the object is about.
inline void Document::Walker::read_key(Place& place, std::string_view key, ContextMask inherited) {
  KeyReader::Says says = into_.keys_.read(key);
  into_.roles_ |= says.roles;
  place.own = place.context = says.mask;
  if ((says.mask & kDataContexts) != 0) return;
  if ((says.mask & bit(Context::kPlain)) != 0) {
    // The name beside it says better than what holds both: {"env": [{"name": "DB_PASSWORD", "value": …}]}.
    ContextMask named = into_.containers_[place.container].named;
    if (named != 0) inherited = (inherited & ~kAgainst) | named;
    if ((inherited & kNamedById) != 0) place.context &= ~bit(Context::kNegative);
  } else {
    inherited = says.mask == 0 ? inherited & kForAllBelow : 0;
  }
  place.context |= inherited;
}

/// {"name": "password", "value": "…"}, in either order.
void Document::Walker::pair_up(uint32_t number) {
  Node& node = into_.nodes_[number];
  Container& container = into_.containers_[node.container];
  if ((node.own & bit(Context::kNames)) != 0 && node.kind == Node::Kind::kString && node.text.size() <= kLongestName) {
    ContextMask named = into_.keys_.read(into_.text_of(node)).mask;
    if ((named & kDataContexts) == 0) return;
    container.named = named;
    if (container.value == kNowhere) return;
    Node& value = into_.nodes_[container.value];
    value.context = value.own | (container.context & ~kAgainst) | named;
    into_.contexts_ |= value.context;
  } else if ((node.own & bit(Context::kPlain)) != 0) {
    container.value = number;
  }
}

/// Whether the key is one that the protocol goes by.
bool Document::Walker::routes(uint32_t container, const Body& body) {
  std::string_view key = body.text;
  if (body.escaped) {
    unescaped_.clear();
    append_unescaped(unescaped_, key);
    key = unescaped_;
  }
  if (container == 0) return std::binary_search(kEnvelopeRoutes.begin(), kEnvelopeRoutes.end(), key);
  const Container& within = into_.containers_[container];
  if (within.parent != 0 || within.key == kNowhere || into_.text_of(into_.nodes_[within.key]) != "meta") return false;
  return std::binary_search(kMetaRoutes.begin(), kMetaRoutes.end(), key);
}

/// Reads a string from behind its quote on, and copies it to where the next node's text stands: where nothing in it is
/// escaped, it is taken over from there.
inline Document::Walker::Body Document::Walker::read_body(const char* at) {
  const char* close = copy_plain(at, end_, to_);
  Body body;
  body.escaped = close < end_ && *close == '\\';
  if (body.escaped) close = end_of_escaped(close);
  body.closed = close < end_;
  body.text = {at, static_cast<size_t>(close - at)};
  return body;
}

/// @return the quote that ends a string, from one of its backslashes on.
const char* Document::Walker::end_of_escaped(const char* at) const {
  while (at < end_ && *at == '\\') at = find_quote(std::min(at + 2, end_), end_);
  return at;
}

inline const char* Document::Walker::string(const char* at, const Place& place) {
  Body body = read_body(at + 1);
  if (!body.closed) return nullptr;
  if (!place.quiet) add_string(body, place, Node::Kind::kString);
  return body.text.data() + body.text.size() + 1;
}

/// Copies the bytes that numbers are written with, as copy_plain() does. @param ret_plain digits and signs alone.
/// @return the first byte that is of no number.
inline const char* Document::Walker::copy_number(const char* at, bool& ret_plain) {
  char* to = to_;
  if (end_ - at >= 16) {
    constexpr uint32_t kAll = 0xffff;
    ByteBlock bytes = load_block(at);
    auto plain = ((bytes - '0') < 10) | (bytes == '-') | (bytes == '+');
    uint32_t digits = bits_of(plain), number = bits_of(plain | (bytes == '.') | ((bytes | 0x20) == 'e'));
    if (number != kAll) {
      std::memcpy(to, &bytes, sizeof bytes);
      auto size = static_cast<uint32_t>(std::countr_one(number));
      ret_plain = static_cast<uint32_t>(std::countr_one(digits)) >= size;
      return at + size;
    }
  }
  ret_plain = true;
  for (; at < end_; *to++ = *at++) {
    if (is_digit(*at) || *at == '-' || *at == '+') continue;
    if (*at != '.' && *at != 'e' && *at != 'E') break;
    ret_plain = false;
  }
  return at;
}

inline const char* Document::Walker::number(const char* at, const Place& place) {
  bool plain = true;
  const char* past = copy_number(at, plain);
  if (past == at) return nullptr;
  if (place.quiet) return past;
  std::string_view token(at, static_cast<size_t>(past - at));
  if (plain || !may_be_whole(token) || !add_whole_number(token, place))
    add_node(Node::Kind::kNumber, place, token, token.size());
  return past;
}

/// Adds a number that is whole although it is not written so. @return whether it is.
bool Document::Walker::add_whole_number(std::string_view token, const Place& place) {
  std::string whole = whole_number(token);
  if (whole.empty()) return false;
  // It may be longer than it was written.
  take_over();
  make_room(whole.size() + static_cast<size_t>(end_ - token.data()) + 1);
  std::memcpy(to_, whole.data(), whole.size());
  add_node(Node::Kind::kNumber, place, token, whole.size()).form = Node::Form::kWhole;
  return true;
}

/// @param body that was read last.
inline void Document::Walker::add_string(const Body& body, const Place& place, Node::Kind kind) {
  if (body.escaped) return add_escaped(body.text, place, kind);
  add_node(kind, place, body.text, body.text.size());
}

void Document::Walker::add_escaped(std::string_view body, const Place& place, Node::Kind kind) {
  auto map = static_cast<uint32_t>(into_.escapes_.size());
  unescaped_.clear();
  append_unescaped(unescaped_, body, into_.escapes_);
  std::memcpy(to_, unescaped_.data(), unescaped_.size());
  Node& node = add_node(kind, place, body, unescaped_.size());
  node.form = Node::Form::kEscaped;
  node.map = map;
  node.map_end = static_cast<uint32_t>(into_.escapes_.size());
}

}  // namespace mas::dlp
