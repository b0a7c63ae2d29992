// JSON to nodes.
#include "daemons/gatewayd/dlp/document_walker.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "daemons/gatewayd/dlp/byte_block.h"
#include "proto/wire/limits.h"
#include "proto/wire/trace_context.h"

// What is done for each key and value: a call would cost as much again.
#define MAS_ALWAYS_INLINE [[gnu::always_inline]] inline

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
    "chain", "conversation_id", "correlation_id", "deadline", "expects_reply",
    "hops",  "instance",        "is_reply",       "priority", "version"};
constexpr std::string_view kTraceparent = "traceparent";  // only one that has no room for anything else

constexpr size_t kBlock = sizeof(ByteBlock);
constexpr size_t kFence = 2 * kBlock;  // a backslash may take one quote, and behind the next a block is read

/// What a byte is within a number; 0: it is of none.
enum OfNumber : uint8_t { kDigitOrSign = 1, kPoint = 2, kExponent = 4 };
constexpr auto kOfNumber = [] {
  std::array<uint8_t, 256> kinds{};
  for (unsigned char c : std::string_view("0123456789+-")) kinds[c] = kDigitOrSign;
  kinds['.'] = kPoint;
  kinds['e'] = kinds['E'] = kExponent;
  return kinds;
}();

/// Copies sixteen bytes. @return which of them are quotes and backslashes.
inline uint32_t copy_block(const char* at, char* to) {
  ByteBlock bytes = load_block(at);
  std::memcpy(to, &bytes, sizeof bytes);
  return bits_of((bytes == '"') | (bytes == '\\'));
}

/// @param at what a fence stands behind. @return the first quote or backslash.
inline const char* find_quote(const char* at) {
  for (;; at += kBlock) {
    ByteBlock bytes = load_block(at);
    uint32_t found = bits_of((bytes == '"') | (bytes == '\\'));
    if (found != 0) return at + std::countr_zero(found);
  }
}

/// @param at a backslash in a string. @return the quote that ends it.
const char* end_of_escaped(const char* at) {
  while (*at == '\\') at = find_quote(at + 2);
  return at;
}

/// @param at what a fence stands behind.
inline const char* skip_space(const char* at) {
  if (*at > ' ') [[likely]]
    return at;
  while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r') ++at;
  return at;
}

/// @param at what a fence stands behind. @return behind the word; nullptr where it does not stand there.
const char* past_word(const char* at, std::string_view word) {
  return std::memcmp(at, word.data(), word.size()) == 0 ? at + word.size() : nullptr;
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

Document::Walker::Walker(Document& into, std::string_view json, uint32_t base, const Node& like, uint32_t origin)
    : into_(into), base_(base), like_(like), origin_(origin) {
  Buffer<char>& copy = into.json_;
  copy.clear();
  copy.append(json);
  copy.reserve(kFence);
  std::memset(copy.end(), '"', kFence);
  begin_ = copy.view().data();
  end_ = begin_ + json.size();
}

bool Document::Walker::run(Shape shape) {
  shape_ = shape;
  Place place;
  place.own = like_.own;
  place.context = like_.context;
  into_.contexts_ |= like_.context;
  make_room(static_cast<size_t>(end_ - begin_));
  const char* past = value(skip_space(begin_), 0, place);
  take_over();
  return past != nullptr && skip_space(past) == end_;
}

/// @param more bytes of JSON that are still to be read: none becomes more than one of text, what ends a node takes the
/// place of a quote, comma or bracket, and the last text is copied once more with what is behind it.
void Document::Walker::make_room(size_t more) {
  into_.text_.reserve(more + 1 + LiteralText::kPadding);
  to_ = into_.text_.end();
  text_ = to_ - into_.text_.size();
}

void Document::Walker::take_over() { into_.text_.advance(static_cast<size_t>(to_ - into_.text_.end())); }

/// @param token that was read last. Its text stands at to_.
MAS_ALWAYS_INLINE Node& Document::Walker::add_node(Node::Kind kind, const Place& place, Token token) {
  Node& node = into_.nodes_.add();
  auto text = static_cast<uint32_t>(to_ - text_), at = base_ + static_cast<uint32_t>(token.begin - begin_);
  node.kind = kind;
  node.form = Node::Form::kSame;
  node.text = {text, text + token.size};
  node.source = {at, at + token.size};
  node.container = place.container;
  node.key = place.key;
  node.index = place.index;
  node.map = node.map_end = 0;
  node.origin = origin_;
  node.own = place.own;
  node.context = place.context;
  to_ += token.size;
  *to_++ = '\0';
  return node;
}

/// Strings and numbers are most of all values.
MAS_ALWAYS_INLINE const char* Document::Walker::value(const char* at, unsigned depth, const Place& place) {
  if (*at == '"') return string(at, place);
  if (*at <= '9') return number(at, place);
  return other_value(at, depth, place);
}

const char* Document::Walker::other_value(const char* at, unsigned depth, const Place& place) {
  switch (*at) {
    case '{':
      return depth < kDepth ? object(at, depth + 1, place) : nullptr;
    case '[':
      return depth < kDepth ? array(at, depth + 1, place) : nullptr;
    case 't':
      return past_word(at, "true");
    case 'f':
      return past_word(at, "false");
    case 'n':
      return past_word(at, "null");
    default:
      return nullptr;
  }
}

uint32_t Document::Walker::enter(bool array, const Place& place) {
  auto number = static_cast<uint32_t>(into_.containers_.size());
  into_.containers_.add() = {place.container, place.key, place.index, array, place.quiet, place.context, 0, kNowhere};
  return number;
}

const char* Document::Walker::array(const char* at, unsigned depth, const Place& place) {
  Place element = place;
  element.container = enter(true, place);
  element.key = kNowhere;
  at = skip_space(at + 1);
  if (*at == ']') return at + 1;
  for (element.index = 0;; ++element.index) {
    at = value(at, depth, element);
    if (at == nullptr) return nullptr;
    at = skip_space(at);
    if (*at == ']') return at + 1;
    if (*at != ',') return nullptr;
    at = skip_space(at + 1);
  }
}

const char* Document::Walker::object(const char* at, unsigned depth, const Place& place) {
  constexpr ContextMask kOfPairs = bits(Context::kNames, Context::kPlain);
  Place member;
  member.container = enter(false, place);
  member.quiet = place.quiet;
  at = skip_space(at + 1);
  if (*at == '}') return at + 1;
  for (uint32_t index = 0;; ++index) {
    if (*at != '"') return nullptr;
    Token key = read_string(at + 1);
    if (key.end() >= end_) return nullptr;
    if (shape_ == Shape::kEnvelope) member.quiet = place.quiet || routes(member.container, key);
    if (member.quiet)
      member.key = kNowhere, member.own = member.context = 0;
    else
      add_key(key, index, place.context, member);
    at = skip_space(key.end() + 1);
    if (*at != ':') return nullptr;
    at = skip_space(at + 1);
    bool pairs = (member.own & kOfPairs) != 0 && *at != '{' && *at != '[';
    size_t node = into_.nodes_.size();
    at = value(at, depth, member);
    if (at == nullptr) return nullptr;
    if (pairs && node < into_.nodes_.size()) pair_up(static_cast<uint32_t>(node));
    at = skip_space(at);
    if (*at == '}') return at + 1;
    if (*at != ',') return nullptr;
    at = skip_space(at + 1);
  }
}

/// Numbers have none, and strings are searched.
MAS_ALWAYS_INLINE void Document::Walker::add_literals(const KeyReader::Says& says, const Node& key) {
  using enum KeyReader::Literals;
  if (says.literals == kNone) return;
  if (says.literals == kOne)
    into_.literals_.add_known({says.literal, key.text.begin + says.literal_end});
  else
    into_.literals_.add(text_ + key.text.begin, key.text.size(), key.text.begin);
}

/// A key's own word counts first; a plain one says what the object is about.
/// @param token that was read last. @param inherited what holds the object says. @param value gets what the key says.
MAS_ALWAYS_INLINE void Document::Walker::add_key(Token token, uint32_t index, ContextMask inherited, Place& value) {
  value.key = static_cast<uint32_t>(into_.nodes_.size());
  Place place;
  place.container = value.container;
  place.index = index;
  Node& node = add_node(Node::Kind::kKey, place, token);
  if (token.odd) unescape(node);
  const char* key = token.odd ? text_ + node.text.begin : token.begin;
  KeyReader::Says says = into_.keys_.read_padded(key, node.text.size());
  add_literals(says, node);
  into_.roles_ |= says.roles;
  node.own = value.own = value.context = says.mask;
  if ((says.mask & kDataContexts) == 0) {
    if ((says.mask & bit(Context::kPlain)) != 0) {
      // The name beside it says better than what holds both: {"env": [{"name": "DB_PASSWORD", "value": …}]}.
      Container& container = into_.containers_[value.container];
      read_name(container);
      ContextMask named = container.named;
      if (named != 0) inherited = (inherited & ~kAgainst) | named;
      if ((inherited & kNamedById) != 0) value.context &= ~bit(Context::kNegative);
    } else {
      inherited = says.mask == 0 ? inherited & kForAllBelow : 0;
    }
    value.context |= inherited;
  }
  into_.contexts_ |= value.context;
}

/// {"name": "password", "value": "…"}, in either order.
void Document::Walker::pair_up(uint32_t number) {
  Node& node = into_.nodes_[number];
  Container& container = into_.containers_[node.container];
  if ((node.own & bit(Context::kNames)) != 0 && node.kind == Node::Kind::kString && node.text.size() <= kLongestName) {
    read_name(container);
    container.name = number;
    if (container.value == kNowhere || !read_name(container)) return;
    Node& value = into_.nodes_[container.value];
    value.context = value.own | (container.context & ~kAgainst) | container.named;
    into_.contexts_ |= value.context;
  } else if ((node.own & bit(Context::kPlain)) != 0) {
    container.value = number;
  }
}

/// Takes over what the name says that was met last. @return whether there is one that names data.
bool Document::Walker::read_name(Container& container) {
  if (container.name == kNowhere) return false;
  const Node& node = into_.nodes_[container.name];
  container.name = kNowhere;
  ContextMask named = into_.keys_.read_padded(text_ + node.text.begin, node.text.size()).mask;
  if ((named & kDataContexts) == 0) return false;
  container.named = named;
  return true;
}

/// @param at behind a key. @return whether its value is a traceparent of ids and flags alone.
bool Document::Walker::is_plain_traceparent(const char* at) const {
  at = skip_space(at);
  if (*at != ':') return false;
  at = skip_space(at + 1);
  if (*at++ != '"' || end_ - at <= static_cast<std::ptrdiff_t>(kTraceparentBytes)) return false;
  return at[kTraceparentBytes] == '"' && is_traceparent({at, kTraceparentBytes});
}

/// Whether the key is one that the protocol goes by.
bool Document::Walker::routes(uint32_t container, const Token& token) {
  std::string_view key = token.view();
  if (token.odd) {
    unescaped_.clear();
    append_unescaped(unescaped_, key);
    key = unescaped_;
  }
  if (container == 0) return std::binary_search(kEnvelopeRoutes.begin(), kEnvelopeRoutes.end(), key);
  const Container& within = into_.containers_[container];
  if (within.parent != 0 || within.key == kNowhere || into_.text_of(into_.nodes_[within.key]) != "meta") return false;
  if (key == kTraceparent) return is_plain_traceparent(token.end() + 1);
  return std::binary_search(kMetaRoutes.begin(), kMetaRoutes.end(), key);
}

/// Reads a string from behind its quote on, and copies it to where the next node's text stands: where nothing in it is
/// escaped, it is taken over from there. Where it ends behind the text, it is not closed.
MAS_ALWAYS_INLINE Document::Walker::Token Document::Walker::read_string(const char* at) {
  const char* end = at;
  char* to = to_;
  uint32_t found = copy_block(end, to);
  while (found == 0) found = copy_block(end += kBlock, to += kBlock);
  end += std::countr_zero(found);
  bool escaped = *end != '"';
  if (escaped) end = end_of_escaped(end);
  return {at, static_cast<uint32_t>(end - at), escaped};
}

MAS_ALWAYS_INLINE const char* Document::Walker::string(const char* at, const Place& place) {
  Token token = read_string(at + 1);
  if (token.end() >= end_) return nullptr;
  if (!place.quiet) {
    Node& node = add_node(Node::Kind::kString, place, token);
    if (token.odd) unescape(node);
    into_.literals_.add(text_ + node.text.begin, node.text.size(), node.text.begin);
  }
  return token.end() + 1;
}

/// Reads the bytes that numbers are written with, and copies them as read_string() does. Most are digits alone.
MAS_ALWAYS_INLINE Document::Walker::Token Document::Walker::read_number(const char* at) {
  ByteBlock bytes = load_block(at);
  std::memcpy(to_, &bytes, sizeof bytes);
  constexpr uint32_t kBehind = 1 << kBlock;
  auto digit = (bytes - '0') < 10;
  auto size = static_cast<uint32_t>(std::countr_zero(~bits_of(digit) | kBehind));
  bool point = at[size] == '.';
  if (point) size = static_cast<uint32_t>(std::countr_zero(~bits_of(digit | (bytes == '.')) | kBehind));
  if (kOfNumber[static_cast<unsigned char>(at[size])] != 0) return read_odd_number(at);
  return {at, size, point && at[size - 1] == '0'};
}

/// The same, byte by byte.
Document::Walker::Token Document::Walker::read_odd_number(const char* at) {
  uint8_t kinds = 0;
  const char* end = at;
  char* to = to_;
  while (uint8_t kind = kOfNumber[static_cast<unsigned char>(*end)]) {
    kinds |= kind;
    *to++ = *end++;
  }
  return {at, static_cast<uint32_t>(end - at), (kinds & kExponent) != 0 || ((kinds & kPoint) != 0 && end[-1] == '0')};
}

MAS_ALWAYS_INLINE const char* Document::Walker::number(const char* at, const Place& place) {
  Token token = read_number(at);
  if (token.size == 0) return nullptr;
  if (place.quiet) return token.end();
  Node& node = add_node(Node::Kind::kNumber, place, token);
  if (token.odd) make_whole(node);
  return token.end();
}

/// @return the bytes that a node was read from.
std::string_view Document::Walker::source_of(const Node& node) const {
  return {begin_ + (node.source.begin - base_), node.source.size()};
}

/// @param node the last, a string with escapes.
void Document::Walker::unescape(Node& node) {
  node.form = Node::Form::kEscaped;
  node.map = static_cast<uint32_t>(into_.escapes_.size());
  unescaped_.clear();
  append_unescaped(unescaped_, source_of(node), into_.escapes_);
  node.map_end = static_cast<uint32_t>(into_.escapes_.size());
  node.text.end = node.text.begin + static_cast<uint32_t>(unescaped_.size());
  to_ = std::copy(unescaped_.begin(), unescaped_.end(), text_ + node.text.begin);
  *to_++ = '\0';
}

/// @param node the last, a number with a fraction or an exponent: where it is whole, its digits become the text.
void Document::Walker::make_whole(Node& node) {
  std::string whole = whole_number(source_of(node));
  if (whole.empty()) return;
  // It may be longer than it was written.
  to_ = text_ + node.text.begin;
  take_over();
  make_room(whole.size() + static_cast<size_t>(end_ - source_of(node).data()));
  node.form = Node::Form::kWhole;
  node.text.end = node.text.begin + static_cast<uint32_t>(whole.size());
  to_ = std::copy(whole.begin(), whole.end(), to_);
  *to_++ = '\0';
}

}  // namespace mas::dlp
