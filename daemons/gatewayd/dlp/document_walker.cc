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

/// A fraction of zeros, or an exponent: most numbers have neither.
bool may_be_whole(std::string_view token) {
  bool fraction = token.back() == '0' && std::memchr(token.data(), '.', token.size()) != nullptr;
  return fraction || std::any_of(token.begin(), token.end(), [](char c) { return (c | 0x20) == 'e'; });
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
  const char* past = value(skip_space(begin_), 0, place);
  return past != nullptr && skip_space(past) == end_;
}

const char* Document::Walker::skip_space(const char* at) const {
  while (at < end_ && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) ++at;
  return at;
}

const char* Document::Walker::value(const char* at, unsigned depth, Place place) {
  if (at >= end_) return nullptr;
  switch (*at) {
    case '{':
      return depth < kDepth ? object(at, depth + 1, place) : nullptr;
    case '[':
      return depth < kDepth ? array(at, depth + 1, place) : nullptr;
    case '"':
      return string(at, place, Node::Kind::kString);
    case 't':
    case 'f':
    case 'n':
      return word(at);
    default:
      return number(at, place);
  }
}

const char* Document::Walker::word(const char* at) const {
  const char* past = at;
  while (past < end_ && *past >= 'a' && *past <= 'z') ++past;
  std::string_view name(at, static_cast<size_t>(past - at));
  return name == "true" || name == "false" || name == "null" ? past : nullptr;
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
  while (true) {
    at = member(skip_space(at), depth, number);
    if (at == nullptr) return nullptr;
    at = skip_space(at);
    if (at >= end_) return nullptr;
    if (*at == '}') return at + 1;
    if (*at++ != ',') return nullptr;
  }
}

const char* Document::Walker::member(const char* at, unsigned depth, uint32_t container) {
  if (at >= end_ || *at != '"') return nullptr;
  const char* close = find_quote(at + 1, end_);
  bool escaped = close < end_ && *close == '\\';
  while (close < end_ && *close == '\\') close = find_quote(std::min(close + 2, end_), end_);
  if (close >= end_) return nullptr;
  std::string_view body(at + 1, static_cast<size_t>(close - at - 1)), key = body;
  if (escaped) {
    key_.clear();
    append_unescaped(key_, body);
    key = key_;
  }
  bool quiet = into_.containers_[container].quiet || routes(container, key);
  auto key_node = kNowhere;
  if (!quiet) {
    key_node = static_cast<uint32_t>(into_.nodes_.size());
    Place at_key;
    at_key.container = container;
    at_key.index = into_.containers_[container].count++;
    add_string(body, escaped, at_key, Node::Kind::kKey);
  }
  Place place;
  if (!quiet) place = member_place(container, key, key_node);
  place.container = container;
  place.quiet = quiet;
  at = skip_space(close + 1);
  if (at >= end_ || *at != ':') return nullptr;
  at = skip_space(at + 1);
  auto node = static_cast<uint32_t>(into_.nodes_.size());
  bool scalar = at < end_ && *at != '{' && *at != '[';
  at = value(at, depth, place);
  if (scalar && at != nullptr && node < into_.nodes_.size()) pair_up(node);
  return at;
}

/// A key's own word counts first; a plain one says what the object is about.
Document::Walker::Place Document::Walker::member_place(uint32_t container, std::string_view key,
                                                       uint32_t key_node) const {
  const Container& within = into_.containers_[container];
  Place place;
  place.container = container;
  place.key = key_node;
  place.own = into_.keys_.read(key);
  place.context = place.own;
  if ((place.own & kDataContexts) == 0) {
    ContextMask inherited = within.context;
    if ((place.own & bit(Context::kPlain)) != 0) {
      // The name beside it says better than what holds both: {"env": [{"name": "DB_PASSWORD", "value": …}]}.
      if (within.named != 0) inherited = (inherited & ~kAgainst) | within.named;
      if ((inherited & kNamedById) != 0) place.context &= ~bit(Context::kNegative);
    } else {
      inherited = place.own == 0 ? inherited & kForAllBelow : 0;
    }
    place.context |= inherited;
  }
  return place;
}

/// {"name": "password", "value": "…"}, in either order.
void Document::Walker::pair_up(uint32_t number) {
  Node& node = into_.nodes_[number];
  Container& container = into_.containers_[node.container];
  if ((node.own & bit(Context::kNames)) != 0 && node.kind == Node::Kind::kString && node.text.size() <= kLongestName) {
    ContextMask named = into_.keys_.read(into_.text_of(node));
    if ((named & kDataContexts) == 0) return;
    container.named = named;
    if (container.value == kNowhere) return;
    Node& value = into_.nodes_[container.value];
    value.context = value.own | (container.context & ~kAgainst) | named;
  } else if ((node.own & bit(Context::kPlain)) != 0) {
    container.value = number;
  }
}

/// Whether the key is one that the protocol goes by.
bool Document::Walker::routes(uint32_t container, std::string_view key) const {
  if (shape_ != Shape::kEnvelope) return false;
  if (container == 0) return std::binary_search(kEnvelopeRoutes.begin(), kEnvelopeRoutes.end(), key);
  const Container& within = into_.containers_[container];
  if (within.parent != 0 || within.key == kNowhere || into_.text_of(into_.nodes_[within.key]) != "meta") return false;
  return std::binary_search(kMetaRoutes.begin(), kMetaRoutes.end(), key);
}

const char* Document::Walker::string(const char* at, const Place& place, Node::Kind kind) {
  const char* close = find_quote(at + 1, end_);
  bool escaped = close < end_ && *close == '\\';
  while (close < end_ && *close == '\\') close = find_quote(std::min(close + 2, end_), end_);
  if (close >= end_) return nullptr;
  if (!place.quiet) add_string({at + 1, static_cast<size_t>(close - at - 1)}, escaped, place, kind);
  return close + 1;
}

const char* Document::Walker::number(const char* at, const Place& place) {
  const char* past = at;
  while (past < end_ &&
         (is_digit(*past) || *past == '-' || *past == '+' || *past == '.' || *past == 'e' || *past == 'E'))
    ++past;
  if (past == at) return nullptr;
  if (!place.quiet) add_number({at, static_cast<size_t>(past - at)}, place);
  return past;
}

Node& Document::Walker::add_node(Node::Kind kind, const Place& place, const char* begin, const char* end) {
  Node& node = into_.open_node(kind);
  node.source = {base_ + static_cast<uint32_t>(begin - begin_), base_ + static_cast<uint32_t>(end - begin_)};
  node.container = place.container;
  node.key = place.key;
  node.index = place.index;
  node.own = place.own;
  node.context = place.context;
  node.origin = origin_;
  return node;
}

void Document::Walker::add_string(std::string_view body, bool escaped, const Place& place, Node::Kind kind) {
  Node& node = add_node(kind, place, body.data(), body.data() + body.size());
  if (escaped) {
    node.form = Node::Form::kEscaped;
    node.map = static_cast<uint32_t>(into_.escapes_.size());
    append_unescaped(into_.text_, body, into_.escapes_);
    node.map_end = static_cast<uint32_t>(into_.escapes_.size());
  } else {
    into_.text_.append(body);
  }
  into_.close_node(node);
}

void Document::Walker::add_number(std::string_view token, const Place& place) {
  Node& node = add_node(Node::Kind::kNumber, place, token.data(), token.data() + token.size());
  std::string whole;
  if (may_be_whole(token)) whole = whole_number(token);
  node.form = whole.empty() ? Node::Form::kSame : Node::Form::kWhole;
  into_.text_.append(whole.empty() ? token : std::string_view(whole));
  into_.close_node(node);
}

}  // namespace mas::dlp
