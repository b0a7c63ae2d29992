// Masks, and the message with them in place of values.
#include "daemons/gatewayd/dlp/rewrite.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <deque>
#include <span>
#include <unordered_map>

#include "daemons/gatewayd/dlp/detect/values.h"
#include "proto/wire/error_reply.h"
#include "proto/wire/limits.h"

namespace mas::dlp {
namespace {

constexpr size_t kShortestRepeat = 6;       // bytes of a value that is replaced where it stands again
constexpr size_t kFewestDigits = 9;         // of one that is replaced where it stands without its separators, too
constexpr size_t kLongestBoundPath = 1024;  // bytes of a path that an encrypted value is bound to

std::string last_digits(std::string_view value, size_t count) {
  std::string digits;
  for (char c : value)
    if (is_digit(c)) digits.push_back(c);
  return digits.size() < count ? std::string(count, 'X') : digits.substr(digits.size() - count);
}

std::string by_name(const TypeRule& type) {
  std::string mask = "[REDACTED ";
  for (char c : type.name) mask.push_back(to_upper(c));
  return mask + "]";
}

bool hides(const Finding& finding) { return finding.acts && finding.action >= Action::kEncrypt; }

/// A part of the message that is replaced.
struct Target {
  Span source;
  uint32_t node = 0;   // of the message's document
  uint8_t quotes = 0;  // as Finding::quotes
  const Finding* like = nullptr;
};

/// What stands in the place of a part of the message.
struct Piece {
  Span source;
  std::string text;
};

/// A text of an envelope's `meta` whose reader refuses the envelope unless the text fits.
struct BoundText {
  bool of_error;  ///< in `meta.error`; else in `meta` itself
  std::string_view key;
  bool (*fits)(std::string_view text);
  std::string_view otherwise;  ///< JSON that takes its place
};

template <size_t kMost>
bool has_at_most(std::string_view text) {
  return text.size() <= kMost;
}

constexpr std::array<BoundText, 4> kBoundTexts = {
    {{false, "traceparent", has_at_most<limits::kMetaTextBytes>, "null"},
     {false, "tracestate", has_at_most<limits::kMetaTextBytes>, "null"},
     {true, "code", is_error_code, R"("HANDLER_FAILED")"},  // what an unknown code means
     {true, "message", has_at_most<limits::kErrorMessageBytes>, "null"}}};

class Rewriter {
 public:
  Rewriter(const Scanner& scanner, std::string_view message, const DataKey* cipher)
      : scanner_(scanner), message_(message), cipher_(cipher) {}

  /// @return steps: parts, nodes and bytes that were looked at or written.
  size_t run(std::string& out) {
    find_targets();
    replace_keys();
    for (const Target& target : targets_)
      if (!is_key(target.node)) pieces_.push_back({target.source, replacement(target)});
    std::sort(pieces_.begin(), pieces_.end(),
              [](const Piece& a, const Piece& b) { return a.source.begin < b.source.begin; });
    if (scanner_.shape() == Document::Shape::kEnvelope) replace_unreadable_texts();
    write({0, static_cast<uint32_t>(message_.size())}, pieces_, out);
    return steps_;
  }

 private:
  const Node& node(uint32_t number) const { return scanner_.document().nodes()[number]; }
  bool is_key(uint32_t number) const { return node(number).kind == Node::Kind::kKey; }

  // ---- What is replaced

  void find_targets() {
    for (const Finding& finding : scanner_.report().findings)
      if (hides(finding)) targets_.push_back({finding.source, finding.node, finding.quotes, &finding});
    add_repeats();
    std::sort(targets_.begin(), targets_.end(), [](const Target& a, const Target& b) {
      return a.source.begin != b.source.begin ? a.source.begin < b.source.begin : a.source.end > b.source.end;
    });
    uint32_t covered = 0;
    std::erase_if(targets_, [&covered](const Target& target) {
      if (target.source.begin < covered) return true;
      covered = target.source.end;
      return false;
    });
  }

  /// Adds the keys and values that are, as a whole, a value that was found elsewhere, or its digits alone. A part of a
  /// key or value is never touched because of what was found elsewhere.
  void add_repeats() {
    std::unordered_map<std::string_view, const Finding*> values;
    std::deque<std::string> digits;
    std::bitset<kSizes> sizes;  // most nodes have a length that no value has
    auto look_for = [&](std::string_view value, const Finding* finding) {
      if (values.emplace(value, finding).second) sizes.set(value.size() % kSizes);
    };
    for (const Target& target : targets_) {
      std::string_view value = scanner_.value(*target.like);
      if (value.size() >= kShortestRepeat) look_for(value, target.like);
      size_t count = count_digits(value);
      if (count < kFewestDigits || count == value.size() || count * 2 <= value.size()) continue;
      std::string& bare = digits.emplace_back();
      std::copy_if(value.begin(), value.end(), std::back_inserter(bare), is_digit);
      look_for(bare, target.like);
    }
    if (values.empty()) return;
    for (uint32_t reading = 0; reading < Scanner::kReadings; ++reading) {
      const Document& document = scanner_.reading(reading);
      steps_ += document.nodes().size();
      for (uint32_t number = 0; number < document.nodes().size(); ++number) {
        const Node& node = document.nodes()[number];
        if (!sizes[node.text.size() % kSizes]) continue;
        auto value = values.find(document.text_of(node));
        if (value == values.end()) continue;
        Scanner::Place place = scanner_.trace(reading, number, node.text);
        targets_.push_back({place.source, place.node, place.quotes, value->second});
      }
    }
  }

  // ---- What stands there instead

  /// Keys come first: the paths of values are those that their reader will see. A key comes before what it holds, so
  /// that the keys above one have their new names when its own path is needed.
  void replace_keys() {
    uint32_t current = kNowhere;
    size_t first = 0;  // of its pieces
    for (const Target& target : targets_) {
      if (!is_key(target.node)) continue;
      if (target.node != current) {
        rename(current, first);
        current = target.node;
        first = pieces_.size();
      }
      pieces_.push_back({target.source, replacement(target)});
    }
    rename(current, first);
  }

  /// @param number a key, or kNowhere. @param first of its pieces, which are the last ones.
  void rename(uint32_t number, size_t first) {
    if (number == kNowhere) return;
    std::string written;
    write(node(number).source, std::span(pieces_).subspan(first), written);
    append_unescaped(renamed_[number], written);
  }

  /// A text of `meta` that its reader would refuse, and the whole envelope with it, is replaced as a whole.
  void replace_unreadable_texts() {
    uint32_t looked_at = kNowhere;
    for (const Target& target : targets_) {
      if (target.node == looked_at) continue;
      looked_at = target.node;
      const BoundText* bound = bound_text(target.node);
      if (bound == nullptr) continue;
      const Span source = node(target.node).source;
      auto inside = [source](const Piece& piece) {
        return piece.source.begin >= source.begin && piece.source.end <= source.end;
      };
      const auto first = std::find_if(pieces_.begin(), pieces_.end(), inside);
      const auto last = std::find_if_not(first, pieces_.end(), inside);
      std::string written, text;
      write(source, {first, last}, written);
      append_unescaped(text, written);
      if (bound->fits(text)) continue;
      *first = {{source.begin - 1, source.end + 1}, std::string(bound->otherwise)};  // its quotes, too
      pieces_.erase(first + 1, last);
    }
  }

  /// @return what is demanded of the text; nullptr: nothing.
  const BoundText* bound_text(uint32_t number) const {
    const Node& value = node(number);
    if (value.kind != Node::Kind::kString || value.container == kNowhere) return nullptr;
    const Container& holder = scanner_.document().containers()[value.container];
    const bool of_error = key_text(holder.key) == "error" && is_meta(holder.parent);
    if (!of_error && !is_meta(value.container)) return nullptr;
    const std::string_view key = key_text(value.key);
    for (const BoundText& bound : kBoundTexts)
      if (bound.of_error == of_error && bound.key == key) return &bound;
    return nullptr;
  }

  bool is_meta(uint32_t number) const {
    if (number == kNowhere) return false;
    const Container& container = scanner_.document().containers()[number];
    return container.parent == 0 && key_text(container.key) == "meta";
  }

  std::string_view key_text(uint32_t key) const {
    return key == kNowhere ? std::string_view() : scanner_.document().text_of(node(key));
  }

  std::string replacement(const Target& target) {
    std::string_view value = scanner_.value(*target.like);
    std::string text, path;
    // Where a path is too long to be bound to the token, nobody could tell whether the token was moved.
    bool encrypts = target.like->action == Action::kEncrypt && cipher_ != nullptr &&
                    scanner_.append_path(path, target.node, renamed_, kLongestBoundPath);
    if (encrypts)
      cipher_->append_encrypted(text, plain_of(target), path, target.quotes == 1);
    else
      text = masked(scanner_.rules().types[target.like->type], value);
    steps_ += path.size() + text.size();
    return quoted(std::move(text), target.quotes);
  }

  /// What will stand there again: the very bytes of a number, the text that a part of a string says.
  std::string plain_of(const Target& target) const {
    std::string_view source = message_.substr(target.source.begin, target.source.size());
    std::string plain;
    if (node(target.node).form == Node::Form::kEscaped)
      append_unescaped(plain, source);
    else
      plain = source;
    return plain;
  }

  static std::string quoted(std::string text, uint8_t quotes) {
    if (quotes == 0) return text;
    std::string quote = "\"";
    for (uint8_t level = 1; level < quotes; ++level) {
      std::string escaped;
      for (char c : quote) {
        if (c == '"' || c == '\\') escaped.push_back('\\');
        escaped.push_back(c);
      }
      quote = escaped;
    }
    return quote + text + quote;
  }

  /// Appends a part of the message with `pieces` in it. @param pieces in order, none within another.
  void write(Span part, std::span<const Piece> pieces, std::string& out) {
    steps_ += part.size() + pieces.size();
    uint32_t written = part.begin;
    for (const Piece& piece : pieces) {
      out.append(message_.substr(written, piece.source.begin - written)).append(piece.text);
      written = piece.source.end;
    }
    out.append(message_.substr(written, part.end - written));
  }

  static constexpr size_t kSizes = 256;

  const Scanner& scanner_;
  const std::string_view message_;
  const DataKey* const cipher_;
  std::vector<Target> targets_;  // by growing source
  std::vector<Piece> pieces_;
  Scanner::Names renamed_;  // keys, as they will be
  size_t steps_ = 0;
};

}  // namespace

std::string masked(const TypeRule& type, std::string_view value) {
  switch (type.mask) {
    case Mask::kSsn:
      return "XXX-XX-" + last_digits(value, 4);
    case Mask::kCard:
      return "**** **** **** " + last_digits(value.substr(0, value.find('^')), 4);
    case Mask::kPhone:
      return "(XXX) XXX-" + last_digits(value, 4);
    case Mask::kEmail: {
      size_t at = value.rfind('@');
      if (at == std::string_view::npos || at == 0 || !is_alnum(value[0])) return by_name(type);
      // A rule of the configuration may find more than addresses, and a mask is put into JSON as it is.
      bool plain = std::none_of(value.begin() + static_cast<std::ptrdiff_t>(at), value.end(),
                                [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '"' || c == '\\'; });
      if (!plain) return by_name(type);
      return std::string(1, value[0]) + "***" + std::string(value.substr(at));
    }
    case Mask::kName:
      break;
  }
  return by_name(type);
}

size_t append_rewritten(const Scanner& scanner, std::string_view message, const DataKey* key, std::string& out) {
  return Rewriter(scanner, message, key).run(out);
}

}  // namespace mas::dlp
