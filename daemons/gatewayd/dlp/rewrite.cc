// Masks, and the message with them in place of values.
#include "daemons/gatewayd/dlp/rewrite.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

constexpr size_t kShortestRepeat = 6;  // bytes of a value that is looked for again
constexpr size_t kFewestDigits = 8;    // of one that is looked for without its separators

std::string last_digits(std::string_view value, size_t count) {
  std::string digits;
  for (char c : value)
    if (is_digit(c)) digits.push_back(c);
  return digits.size() < count ? std::string(count, 'X') : digits.substr(digits.size() - count);
}

std::string by_name(const TypeRule& type) {
  std::string mask = "[REDACTED ";
  for (char c : type.name) mask.push_back(is_lower(c) ? static_cast<char>(c - 32) : c);
  return mask + "]";
}

/// What stands in the place of a part of the message.
struct Piece {
  Span source;
  std::string text;
};

bool hides(const Finding& finding) { return finding.acts && finding.action >= Action::kEncrypt; }

class Rewriter {
 public:
  Rewriter(const Scanner& scanner, std::string_view message, const DataKey* cipher)
      : scanner_(scanner), message_(message), cipher_(cipher) {}

  void run(std::string& out) {
    for (bool keys : {true, false})
      for (const Finding& finding : scanner_.report().findings)
        if (hides(finding) && is_key(finding.node) == keys) replace(finding);
    repeats();
    std::stable_sort(pieces_.begin(), pieces_.end(),
                     [](const Piece& a, const Piece& b) { return a.source.begin < b.source.begin; });
    uint32_t written = 0;
    for (const Piece& piece : pieces_) {
      if (piece.source.begin < written) {  // a repeat that reaches into another piece
        written = std::max(written, piece.source.end);
        continue;
      }
      out.append(message_.substr(written, piece.source.begin - written)).append(piece.text);
      written = piece.source.end;
    }
    out.append(message_.substr(written));
  }

 private:
  bool is_key(uint32_t node) const { return scanner_.document().nodes()[node].kind == Node::Kind::kKey; }

  /// Keys come first: the paths of values are those that their reader will see.
  void replace(const Finding& finding) {
    std::string text;
    std::string_view value = scanner_.value(finding);
    const TypeRule& type = scanner_.rules().types[finding.type];
    if (finding.action == Action::kEncrypt && cipher_ != nullptr) {
      cipher_->append_encrypted(text, plain_of(finding), path_of(finding), finding.quotes == 1);
    } else {
      text = masked(type, value);
    }
    if (is_key(finding.node)) rename(finding, text);
    values_.push_back({value, finding});
    add(finding.source, finding.quotes, std::move(text));
  }

  /// What will stand there again: the very bytes of a number, the text that a part of a string says.
  std::string plain_of(const Finding& finding) const {
    std::string_view source = message_.substr(finding.source.begin, finding.source.size());
    const Node& node = scanner_.document().nodes()[finding.node];
    std::string plain;
    if (node.form == Node::Form::kEscaped)
      append_unescaped(plain, source);
    else
      plain = source;
    return plain;
  }

  std::string path_of(const Finding& finding) {
    for (const Finding& other : scanner_.report().findings)  // keys that stay have their own names
      if (is_key(other.node) && !hides(other))
        renamed_.try_emplace(other.node, scanner_.document().text_of(scanner_.document().nodes()[other.node]));
    return scanner_.path(finding.node, renamed_);
  }

  /// What a key is called when the value within it is replaced. @param text the replacement.
  void rename(const Finding& finding, const std::string& text) {
    const Node& node = scanner_.document().nodes()[finding.node];
    std::string& name = renamed_.try_emplace(finding.node).first->second;
    // Keys with several findings are named by their last state; each adds its replacement.
    if (name.empty()) name = std::string(scanner_.document().text_of(node));
    size_t at = name.find(scanner_.value(finding));
    if (at == std::string::npos)
      name = text;
    else
      name.replace(at, finding.seen.size(), text);
  }

  void add(Span source, uint8_t quotes, std::string text) {
    if (quotes > 0) {
      std::string quote = "\"";
      for (uint8_t level = 1; level < quotes; ++level) {
        std::string escaped;
        for (char c : quote) {
          if (c == '"' || c == '\\') escaped.push_back('\\');
          escaped.push_back(c);
        }
        quote = escaped;
      }
      text = quote + text + quote;
    }
    pieces_.push_back({source, std::move(text)});
  }

  // ---- The same values elsewhere

  struct Value {
    std::string_view text;
    const Finding& finding;
  };

  static uint64_t start_of(std::string_view text) {
    uint64_t start = 0;
    std::memcpy(&start, text.data(), kShortestRepeat);
    return start;
  }

  /// Looks for every value, and for its digits alone, in every reading of the message. Linear in the message: a place is
  /// looked up by its first bytes, then once for each length that values with this beginning have.
  void repeats() {
    std::unordered_map<std::string_view, const Finding*> values;
    std::vector<std::string> digits;
    digits.reserve(values_.size());
    for (const Value& value : values_) {
      if (value.text.size() >= kShortestRepeat) values.emplace(value.text, &value.finding);
      if (count_digits(value.text) >= kFewestDigits && count_digits(value.text) * 2 > value.text.size()) {
        std::string& bare = digits.emplace_back();
        std::copy_if(value.text.begin(), value.text.end(), std::back_inserter(bare), is_digit);
        values.emplace(bare, &value.finding);
      }
    }
    if (values.empty()) return;
    std::unordered_map<uint64_t, std::vector<size_t>> lengths;
    for (const auto& [text, finding] : values) {
      auto& known = lengths[start_of(text)];
      if (std::find(known.begin(), known.end(), text.size()) == known.end()) known.push_back(text.size());
    }
    std::stable_sort(pieces_.begin(), pieces_.end(),
                     [](const Piece& a, const Piece& b) { return a.source.begin < b.source.begin; });
    size_t found = pieces_.size();
    for (uint32_t reading = 0; reading < Scanner::kReadings; ++reading) {
      const Document& document = scanner_.reading(reading);
      std::string_view text = document.text();
      for (size_t at = 0; at + kShortestRepeat <= text.size(); ++at) {
        auto known = lengths.find(start_of(text.substr(at)));
        if (known == lengths.end()) continue;
        for (size_t size : known->second) {
          auto value = values.find(text.substr(at, size));
          if (value == values.end()) continue;
          repeat(reading, {static_cast<uint32_t>(at), static_cast<uint32_t>(at + size)}, *value->second, found);
          at += size - 1;
          break;
        }
      }
    }
  }

  /// @param found how many pieces, in order, were there before.
  void repeat(uint32_t reading, Span part, const Finding& like, size_t found) {
    uint32_t node = scanner_.reading(reading).node_at(part.begin);
    if (node == scanner_.reading(reading).nodes().size() || part.end > scanner_.reading(reading).nodes()[node].text.end)
      return;
    Scanner::Place place = scanner_.trace(reading, node, part);
    auto end = pieces_.begin() + static_cast<std::ptrdiff_t>(found);
    auto after = std::upper_bound(pieces_.begin(), end, place.source.begin,
                                  [](uint32_t at, const Piece& piece) { return at < piece.source.begin; });
    if (after != pieces_.begin() && std::prev(after)->source.end >= place.source.end) return;  // it is that piece
    add(place.source, place.quotes, masked(scanner_.rules().types[like.type], scanner_.value(like)));
  }

  const Scanner& scanner_;
  const std::string_view message_;
  const DataKey* const cipher_;
  std::vector<Piece> pieces_;
  std::vector<Value> values_;
  std::map<uint32_t, std::string> renamed_;
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

void append_rewritten(const Scanner& scanner, std::string_view message, const DataKey* key, std::string& out) {
  Rewriter(scanner, message, key).run(out);
}

}  // namespace mas::dlp
