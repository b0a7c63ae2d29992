// A strict walk over simdjson's on-demand iterators.
//
// On-demand parsing finds tokens (and checks UTF-8 and quotes) in one SIMD pass, then leaves everything that
// is not asked for unchecked. So every value is walked here and every token checked as raw text: escapes,
// numbers, literals, keys. The iterators check commas, colons and closing brackets as they advance; the end
// of the text is checked last.
#include "proto/wire/json.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "proto/wire/json_string.h"

namespace mas {
namespace {

namespace ondemand = simdjson::ondemand;

static_assert(kJsonPadding >= simdjson::SIMDJSON_PADDING);

constexpr size_t kSmallestCapacity = 4096;
/// A reader that once saw something larger gives the memory back at the next small text.
constexpr size_t kKeptCapacity = 4 * limits::kEnvelopeBytes;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::string_view trim_end(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return trim_end(text);
}

bool skip_digits(std::string_view& rest) {
  size_t digits = 0;
  while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') ++digits;
  rest.remove_prefix(digits);
  return digits > 0;
}

/// RFC 8259 §6, any number of digits.
bool is_number(std::string_view rest) {
  if (rest.starts_with('-')) rest.remove_prefix(1);
  if (rest.starts_with('0'))
    rest.remove_prefix(1);
  else if (!skip_digits(rest))
    return false;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    if (!skip_digits(rest)) return false;
  }
  if (rest.starts_with('e') || rest.starts_with('E')) {
    rest.remove_prefix(1);
    if (rest.starts_with('+') || rest.starts_with('-')) rest.remove_prefix(1);
    if (!skip_digits(rest)) return false;
  }
  return rest.empty();
}

Error malformed(const std::string& what) { return Error{Errc::kMalformed, "JSON: " + what}; }

/// What simdjson's verdict means to whoever wrote the text.
Error error_of(simdjson::error_code code) {
  switch (code) {
    case simdjson::MEMALLOC:
      return Error{Errc::kNoMemory, "JSON: no memory for the parser"};
    case simdjson::CAPACITY:
      return Error{Errc::kTooLarge, "JSON: longer than the parser takes"};
    case simdjson::UTF8_ERROR:
      return malformed("not valid UTF-8");
    case simdjson::UNCLOSED_STRING:
      return malformed("a string has no closing quote");
    case simdjson::UNESCAPED_CHARS:
      return malformed("a control character stands in a string without being escaped");
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return malformed("an object or array is not closed");
    case simdjson::TRAILING_CONTENT:
      return malformed("more than one value");
    case simdjson::EMPTY:
      return malformed("empty; expected a value");
    default:
      return malformed("expected a comma, a colon, a key or a closing bracket");
  }
}

/// One document's walk. Every function returns false after setting `error`.
class Walk {
 public:
  /// @param scratch takes what has to be unescaped: never more bytes than `text` has, since each string is
  /// unescaped at most once; so it does not move while views of it are held.
  Walk(std::string_view text, ondemand::document& document, std::string& scratch, unsigned max_depth)
      : text_(text), document_(document), scratch_(scratch), max_depth_(max_depth) {
    scratch_.clear();
  }

  bool root(JsonVisitor* visitor);
  /// The document must be an array of strings; @param ret_strings may be appended to although the walk fails.
  bool root_strings(std::vector<std::string>& ret_strings);

  const Error& error() const { return error_; }

 private:
  bool value(ondemand::value& value, unsigned depth, JsonVisitor* visitor, JsonValue* seen);
  bool members(ondemand::object& object, unsigned depth, JsonVisitor* visitor);
  bool elements(ondemand::array& array, unsigned depth);
  bool key(const char* start, const char* value, bool wanted, std::string_view& ret_key);
  bool string(std::string_view token, JsonValue* seen);
  bool scalar(std::string_view token, JsonValue* seen);
  bool at_end();

  std::string_view unescape(std::string_view body);
  bool enter(unsigned depth, const char* where);
  bool fail(const char* where, const char* what);
  bool fail(simdjson::error_code code);

  std::string_view text_;
  ondemand::document& document_;
  std::string& scratch_;
  unsigned max_depth_;
  Error error_{Errc::kInternal, {}};
};

bool Walk::fail(const char* where, const char* what) {
  error_ = malformed("byte " + std::to_string(where - text_.data()) + ": " + what);
  return false;
}

bool Walk::fail(simdjson::error_code code) {
  error_ = error_of(code);
  return false;
}

bool Walk::enter(unsigned depth, const char* where) {
  if (depth <= max_depth_) return true;
  error_ = malformed("byte " + std::to_string(where - text_.data()) + ": nested deeper than " +
                     std::to_string(max_depth_) + " levels");
  return false;
}

std::string_view Walk::unescape(std::string_view body) {
  if (scratch_.capacity() < text_.size()) scratch_.reserve(text_.size());
  size_t start = scratch_.size();
  append_unescaped(scratch_, body);
  return std::string_view(scratch_).substr(start);
}

bool Walk::string(std::string_view token, JsonValue* seen) {
  if (token.size() < 2 || token.back() != '"')
    return fail(token.data(), "expected a comma or a bracket after a string");
  auto body = token.substr(1, token.size() - 2);
  bool escaped = body.find('\\') != std::string_view::npos;
  if (escaped && !json_escapes_are_valid(body)) return fail(token.data(), "a string with an escape that JSON has not");
  if (seen != nullptr) *seen = {JsonKind::kString, token, escaped ? unescape(body) : body};
  return true;
}

/// @param start behind the opening quote. @param value where the member's value starts: its key is found from there
/// backwards, over the colon and white space that the iterator has checked, without looking at every byte.
bool Walk::key(const char* start, const char* value, bool wanted, std::string_view& ret_key) {
  auto body = trim_end({start, static_cast<size_t>(value - start)});
  body = trim_end(body.substr(0, body.size() - 1));
  body.remove_suffix(1);
  bool escaped = body.find('\\') != std::string_view::npos;
  if (escaped && !json_escapes_are_valid(body)) return fail(start, "a key with an escape that JSON has not");
  if (wanted) ret_key = escaped ? unescape(body) : body;
  return true;
}

bool Walk::scalar(std::string_view token, JsonValue* seen) {
  char first = token.empty() ? '\0' : token.front();
  auto kind = first == 'n' ? JsonKind::kNull : first == 't' || first == 'f' ? JsonKind::kBoolean : JsonKind::kNumber;
  bool valid = kind == JsonKind::kNumber ? is_number(token)
               : kind == JsonKind::kNull ? token == "null"
                                         : token == "true" || token == "false";
  if (!valid) return fail(token.data(), "expected a value");
  if (seen != nullptr) *seen = {kind, token, {}};
  return true;
}

bool Walk::value(ondemand::value& value, unsigned depth, JsonVisitor* visitor, JsonValue* seen) {
  auto token = value.raw_json_token();
  char first = token.empty() ? '\0' : token.front();
  if (first == '"') {
    // Taken off the iterator by hand: its own skipping would mistake a string before a colon for a key.
    ondemand::raw_json_string taken;
    if (auto error = value.get_raw_json_string().get(taken)) return fail(error);
    return string(trim_end(token), seen);
  }
  if (first != '{' && first != '[') return scalar(trim_end(token), seen);

  if (!enter(depth, token.data())) return false;
  if (first == '{') {
    ondemand::object object;
    if (auto error = value.get_object().get(object)) return fail(error);
    if (!members(object, depth, visitor)) return false;
  } else {
    ondemand::array array;
    if (auto error = value.get_array().get(array)) return fail(error);
    if (!elements(array, depth)) return false;
  }
  // The text's last token closes the outermost value (simdjson sees to that), so more must follow here. The iterators
  // would not notice, and take the bytes behind the text for the rest of it.
  const char* next = nullptr;
  if (document_.current_location().get(next)) return fail(simdjson::INCOMPLETE_ARRAY_OR_OBJECT);
  if (seen == nullptr) return true;
  std::string_view whole(token.data(), static_cast<size_t>(next - token.data()));
  *seen = {first == '{' ? JsonKind::kObject : JsonKind::kArray, trim_end(whole), {}};
  return true;
}

bool Walk::members(ondemand::object& object, unsigned depth, JsonVisitor* visitor) {
  for (auto next : object) {
    ondemand::field field;
    if (auto error = std::move(next).get(field)) return fail(error);
    std::string_view name;
    if (!key(field.key().raw(), field.value().raw_json_token().data(), visitor != nullptr, name)) return false;
    if (visitor == nullptr) {
      if (!value(field.value(), depth + 1, nullptr, nullptr)) return false;
      continue;
    }
    JsonValue seen;
    if (!value(field.value(), depth + 1, visitor->inside(name), &seen)) return false;
    visitor->member(name, seen);
  }
  return true;
}

bool Walk::elements(ondemand::array& array, unsigned depth) {
  for (auto next : array) {
    ondemand::value element;
    if (auto error = std::move(next).get(element)) return fail(error);
    if (!value(element, depth + 1, nullptr, nullptr)) return false;
  }
  return true;
}

/// The walk is past the outermost value: nothing may follow it.
bool Walk::at_end() {
  const char* next = nullptr;
  auto error = document_.current_location().get(next);
  return error == simdjson::OUT_OF_BOUNDS ? true : fail(simdjson::TRAILING_CONTENT);
}

bool Walk::root(JsonVisitor* visitor) {
  if (text_.front() == '{') {
    ondemand::object object;
    if (auto error = document_.get_object().get(object)) return fail(error);
    return enter(1, text_.data()) && members(object, 1, visitor) && at_end();
  }
  if (text_.front() == '[') {
    ondemand::array array;
    if (auto error = document_.get_array().get(array)) return fail(error);
    return enter(1, text_.data()) && elements(array, 1) && at_end();
  }
  // A scalar's token must be the whole text; one that is followed by another is shorter.
  std::string_view token;
  if (auto error = document_.raw_json_token().get(token)) return fail(error);
  if (token.size() != text_.size()) return fail(simdjson::TRAILING_CONTENT);
  return token.front() == '"' ? string(token, nullptr) : scalar(token, nullptr);
}

bool Walk::root_strings(std::vector<std::string>& ret_strings) {
  ondemand::array array;
  if (auto error = document_.get_array().get(array)) return fail(error);
  for (auto next : array) {
    ondemand::value element;
    JsonValue seen;
    if (auto error = std::move(next).get(element)) return fail(error);
    if (!value(element, 2, nullptr, &seen)) return false;
    if (seen.kind != JsonKind::kString) return fail(seen.token.data(), "expected a string");
    if (seen.text.size() > limits::kCapabilityBytes || ret_strings.size() == limits::kCapabilities) {
      error_ = Error{Errc::kTooLarge, "JSON: expected at most " + std::to_string(limits::kCapabilities) +
                                          " strings of at most " + std::to_string(limits::kCapabilityBytes) + " bytes"};
      return false;
    }
    ret_strings.emplace_back(seen.text);
  }
  return at_end();
}

using Members = std::vector<std::pair<std::string, std::string>>;

/// Keeps of each key the last, and the order of what is kept. Sorting, so that no choice of keys makes it
/// quadratic.
Members last_of_each(Members members) {
  std::vector<size_t> order(members.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&members](size_t a, size_t b) { return members[a].first < members[b].first; });
  std::vector<size_t> kept;
  for (size_t i = 0; i < order.size(); ++i)
    if (i + 1 == order.size() || members[order[i]].first != members[order[i + 1]].first) kept.push_back(order[i]);
  if (kept.size() == members.size()) return members;
  std::sort(kept.begin(), kept.end());
  Members out;
  out.reserve(kept.size());
  for (size_t i : kept) out.push_back(std::move(members[i]));
  return out;
}

class Collector final : public JsonVisitor {
 public:
  void member(std::string_view key, const JsonValue& value) override { members.emplace_back(key, value.token); }
  Members members;
};

}  // namespace

struct JsonReader::Impl {
  /// Finds the tokens of `text`. @param ret_text `text` or its padded copy, which the document's tokens point
  /// into.
  Status open(std::string_view text, bool padded, std::string_view& ret_text, ondemand::document& ret_document);
  Status make_room(size_t bytes);

  ondemand::parser parser;
  std::string padded_copy;
  std::string scratch;
};

Status JsonReader::Impl::make_room(size_t bytes) {
  if (parser.capacity() > kKeptCapacity && bytes <= kKeptCapacity) {
    parser = ondemand::parser();
    padded_copy = std::string();
    scratch = std::string();
  }
  if (bytes <= parser.capacity()) return {};
  if (auto error = parser.allocate(std::bit_ceil(std::max(bytes, kSmallestCapacity)))) return error_of(error);
  return {};
}

Status JsonReader::Impl::open(std::string_view text, bool padded, std::string_view& ret_text,
                              ondemand::document& ret_document) {
  if (text.empty()) return error_of(simdjson::EMPTY);
  if (text.size() > limits::kMaxEnvelopeBytes) return error_of(simdjson::CAPACITY);
  // Newer simdjson skips it, older does not, RFC 8259 §8.1 forbids to send it.
  if (text.starts_with("\xef\xbb\xbf")) return malformed("starts with a byte order mark");
  if (auto status = make_room(text.size()); !status) return status;
  if (!padded) {
    padded_copy.assign(text).append(kJsonPadding, '\0');
    text = std::string_view(padded_copy).substr(0, text.size());
  }
  ret_text = text;
  if (auto error = parser.iterate(text.data(), text.size(), text.size() + kJsonPadding).get(ret_document))
    return error_of(error);
  return {};
}

JsonReader::JsonReader() : impl_(std::make_unique<Impl>()) {}
JsonReader::~JsonReader() = default;

JsonReader& JsonReader::local() {
  thread_local JsonReader reader;
  return reader;
}

Result<std::string_view> JsonReader::check_value(std::string_view text) {
  text = trim(text);
  ondemand::document document;
  std::string_view parsed;
  if (auto status = impl_->open(text, false, parsed, document); !status) return status.error();
  Walk walk(parsed, document, impl_->scratch, limits::kJsonDepth);
  if (!walk.root(nullptr)) return walk.error();
  return text;
}

Result<std::string_view> JsonReader::check_object(std::string_view text) {
  auto checked = check_value(text);
  if (checked && !checked->starts_with('{')) return malformed("expected an object");
  return checked;
}

Result<std::vector<std::string>> JsonReader::string_array(std::string_view text) {
  text = trim(text);
  ondemand::document document;
  std::string_view parsed;
  if (auto status = impl_->open(text, false, parsed, document); !status) return status.error();
  if (!parsed.starts_with('[')) return malformed("expected an array of strings");
  Walk walk(parsed, document, impl_->scratch, limits::kJsonDepth);
  std::vector<std::string> strings;
  if (!walk.root_strings(strings)) return walk.error();
  return strings;
}

Status JsonReader::visit(std::string_view text, bool padded, JsonVisitor& visitor, unsigned max_depth) {
  text = trim(text);
  ondemand::document document;
  std::string_view parsed;
  if (auto status = impl_->open(text, padded, parsed, document); !status) return status;
  if (!parsed.starts_with('{')) return malformed("expected an object");
  Walk walk(parsed, document, impl_->scratch, max_depth);
  if (!walk.root(&visitor)) return walk.error();
  return {};
}

Result<Members> JsonReader::members(std::string_view text) {
  Collector collector;
  if (auto status = visit(text, false, collector); !status) return status.error();
  return last_of_each(std::move(collector.members));
}

std::string json_text(std::string_view raw_token) {
  if (raw_token.size() < 2 || !raw_token.starts_with('"')) return std::string(raw_token);
  std::string text;
  append_unescaped(text, raw_token.substr(1, raw_token.size() - 2));
  return text;
}

}  // namespace mas
