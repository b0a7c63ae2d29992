// JsonReader: limits and UTF-8 first, then the scanner.
#include "proto/wire/json.h"

#include <algorithm>
#include <numeric>

#include "proto/base/thread_object.h"
#include "proto/base/utf8.h"
#include "proto/wire/json_scanner.h"
#include "proto/wire/json_string.h"

namespace mas {
namespace {

/// A reader that once unescaped something larger gives the memory back at the next small text.
constexpr size_t kKeptBytes = 4 * limits::kEnvelopeBytes;

Error malformed(const std::string& what) { return Error{Errc::kMalformed, "JSON: " + what}; }

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

Status JsonReader::admit(std::string_view text) {
  if (text.size() > limits::kMaxEnvelopeBytes)
    return Error{Errc::kTooLarge, "JSON: longer than the maximum of any text"};
  if (text.starts_with("\xef\xbb\xbf")) return malformed("starts with a byte order mark");  // RFC 8259 §8.1
  if (!is_valid_utf8(text)) return malformed("not valid UTF-8");
  if (scratch_.capacity() > kKeptBytes && text.size() <= kKeptBytes) scratch_ = std::string();
  return {};
}

Result<JsonValue> JsonReader::read(std::string_view text, JsonVisitor* visitor, unsigned max_depth) {
  if (auto status = admit(text); !status) return status.error();
  JsonScanner scanner(text, scratch_, max_depth);
  JsonValue root;
  if (!scanner.document(visitor, root)) return scanner.error();
  return root;
}

JsonReader& JsonReader::local() { return thread_object<JsonReader>(); }

Result<JsonValue> JsonReader::value(std::string_view text) { return read(text, nullptr, limits::kJsonDepth); }

Result<std::string_view> JsonReader::check_value(std::string_view text) {
  auto root = value(text);
  if (!root) return root.error();
  return root->token;
}

Result<std::string_view> JsonReader::check_object(std::string_view text) {
  auto root = value(text);
  if (!root) return root.error();
  if (root->kind != JsonKind::kObject) return malformed("expected an object");
  return root->token;
}

Result<std::string_view> JsonReader::leading_object(std::string_view text) {
  if (auto status = admit(text); !status) return status.error();
  if (!text.starts_with('{')) return malformed("expected an object");
  JsonScanner scanner(text, scratch_, limits::kJsonDepth);
  JsonValue object;
  if (!scanner.leading_value(object)) return scanner.error();
  return object.token;
}

Status JsonReader::visit(std::string_view text, JsonVisitor& visitor, unsigned max_depth) {
  auto root = read(text, &visitor, max_depth);
  if (!root) return root.error();
  if (root->kind != JsonKind::kObject) return malformed("expected an object");
  return {};
}

Result<std::vector<std::string>> JsonReader::string_array(std::string_view text) {
  if (auto status = admit(text); !status) return status.error();
  JsonScanner scanner(text, scratch_, limits::kJsonDepth);
  std::vector<std::string> strings;
  if (!scanner.strings(strings)) return scanner.error();
  return strings;
}

Result<std::vector<JsonValue>> JsonReader::elements(std::string_view text, size_t most) {
  if (auto status = admit(text); !status) return status.error();
  JsonScanner scanner(text, scratch_, limits::kJsonDepth);
  std::vector<JsonValue> elements;
  if (!scanner.elements(most, elements)) return scanner.error();
  return elements;
}

Result<Members> JsonReader::members(std::string_view text) {
  Collector collector;
  if (auto status = visit(text, collector); !status) return status.error();
  return last_of_each(std::move(collector.members));
}

std::string json_text(std::string_view raw_token) {
  if (raw_token.size() < 2 || !raw_token.starts_with('"')) return std::string(raw_token);
  std::string text;
  append_unescaped(text, raw_token.substr(1, raw_token.size() - 2));
  return text;
}

}  // namespace mas
