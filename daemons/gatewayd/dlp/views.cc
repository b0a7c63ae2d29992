// Folding and decoding.
#include "daemons/gatewayd/dlp/views.h"

#include <algorithm>
#include <array>

#include "daemons/gatewayd/dlp/detect/base64.h"
#include "daemons/gatewayd/dlp/detect/values.h"
#include "daemons/gatewayd/dlp/folding.h"
#include "proto/base/utf8.h"
#include "proto/wire/json.h"

namespace mas::dlp {
namespace {

void fold_node(const Document& from, uint32_t number, Document& view) {
  const Node& node = from.nodes()[number];
  std::string_view text = from.text_of(node);
  view.begin_node(node, number, Node::Form::kMapped);
  for (uint32_t i = 0; i < text.size();) {
    CodePoint c = code_point(text.substr(i));
    uint32_t size = std::max(c.size, 1u), at = node.text.begin + i;
    char ascii = c.size <= 1 ? kAsItIs : folded(c.value);
    if (ascii == kAsItIs)
      view.append(text.substr(i, size), {at, at + size});
    else if (ascii != kNothing)
      view.append({&ascii, 1}, {at, at + size});
    i += size;
  }
  view.end_node(node.text);
}

}  // namespace

void fold(const Document& from, Document& view, Budget& budget) {
  if (!has_high_bytes(from.text())) return;
  for (uint32_t i = 0; i < from.nodes().size(); ++i) {
    std::string_view text = from.text_of(from.nodes()[i]);
    if (has_high_bytes(text) && needs_folding(text) && budget.take(text.size())) fold_node(from, i, view);
  }
}

// ---- Decoding

namespace {

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr auto kBase64 = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    auto byte = static_cast<char>(c);
    table[c] = is_alnum(byte) || byte == '+' || byte == '/' || byte == '-' || byte == '_';
  }
  return table;
}();
bool is_base64(char c) { return kBase64[static_cast<unsigned char>(c)]; }

/// Text, as opposed to what random bytes decode to.
bool reads_like_text(std::string_view bytes) {
  if (bytes.size() < 4 || !is_valid_utf8(bytes)) return false;
  return std::none_of(bytes.begin(), bytes.end(),
                      [](char c) { return (static_cast<unsigned char>(c) < 0x20 && !is_space(c)) || c == 0x7f; });
}

class Decoder {
 public:
  Decoder(const Document& from, Document& view, Budget& budget)
      : from_(from),
        view_(view),
        budget_(budget),
        percents_(from.text().find('%') != std::string_view::npos || from.text().find('\\') != std::string_view::npos),
        entities_(from.text().find('&') != std::string_view::npos) {}

  void node(uint32_t number) {
    number_ = number;
    node_ = &from_.nodes()[number];
    text_ = from_.text_of(*node_);
    if (text_.size() < 6) return;
    json();
    if (percents_) escapes('%');
    if (entities_ && text_.find('&') != std::string_view::npos) escapes('&');
    blobs();
  }

 private:
  uint32_t base() const { return node_->text.begin; }

  void json() {
    std::string_view value = trim(text_);
    if (value.size() < 6 || (value[0] != '{' && value[0] != '[' && value[0] != '"') || !budget_.take(value.size()))
      return;
    if (!JsonReader::local().check_value(value)) return;
    auto at = static_cast<uint32_t>(value.data() - text_.data());
    view_.append_json(value, base() + at, *node_, number_);
  }

  /// Percent-encoding (RFC 3986 §2.1) and `\uXXXX`, or HTML entities: the node with all of them undone.
  void escapes(char sign) {
    size_t first = text_.find(sign);
    if (sign == '%' && first == std::string_view::npos && text_.find("\\u") == std::string_view::npos &&
        text_.find("\\x") == std::string_view::npos)
      return;
    std::string piece;
    uint32_t size = 0;
    bool any = false;
    for (uint32_t i = 0; i < text_.size() && !any; ++i) {
      piece.clear();
      any = sign == '&' ? entity(i, piece, size) : percent(i, piece, size);
    }
    if (!any || !budget_.take(text_.size())) return;
    view_.begin_node(*node_, number_, Node::Form::kMapped);
    for (uint32_t i = 0; i < text_.size();) {
      piece.clear();
      if (sign == '&' ? entity(i, piece, size) : percent(i, piece, size)) {
        view_.append(piece, {base() + i, base() + i + size});
      } else {
        size = 1;
        bool space = sign == '%' && text_[i] == '+';
        view_.append(space ? std::string_view(" ") : text_.substr(i, 1), {base() + i, base() + i + 1});
      }
      i += size;
    }
    view_.end_node(node_->text);
  }

  bool percent(uint32_t i, std::string& out, uint32_t& ret_size) const {
    if (text_[i] == '%' && i + 2 < text_.size() + 0u) {
      int high = hex_value(text_[i + 1]), low = hex_value(text_[i + 2]);
      if (high < 0 || low < 0) return false;
      out.push_back(static_cast<char>(high * 16 + low));
      ret_size = 3;
      return true;
    }
    if (text_[i] != '\\' || i + 1 >= text_.size() || (text_[i + 1] != 'u' && text_[i + 1] != 'x')) return false;
    size_t digits = text_[i + 1] == 'u' ? 4 : 2;
    if (i + 2 + digits > text_.size()) return false;
    uint32_t value = 0;
    for (size_t k = 0; k < digits; ++k) {
      int digit = hex_value(text_[i + 2 + k]);
      if (digit < 0) return false;
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    if (value == 0 || (value >= 0xd800 && value < 0xe000)) return false;
    append_utf8(out, value);
    ret_size = static_cast<uint32_t>(2 + digits);
    return true;
  }

  /// &#52; &#x34; and the named ones that punctuation is written with.
  bool entity(uint32_t i, std::string& out, uint32_t& ret_size) const {
    if (text_[i] != '&' || i + 3 >= text_.size()) return false;
    size_t semicolon = text_.substr(i, 12).find(';');
    if (semicolon == std::string_view::npos) return false;
    std::string_view name = text_.substr(i + 1, semicolon - 1);
    ret_size = static_cast<uint32_t>(semicolon + 1);
    if (name.starts_with('#')) {
      bool hex = name.size() > 1 && to_lower(name[1]) == 'x';
      uint32_t value = 0;
      std::string_view digits = name.substr(hex ? 2 : 1);
      if (digits.empty()) return false;
      for (char c : digits) {
        int digit = hex_value(c);
        if (digit < 0 || (!hex && digit > 9) || value > 0x10ffff) return false;
        value = value * (hex ? 16 : 10) + static_cast<uint32_t>(digit);
      }
      if (value == 0 || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return false;
      append_utf8(out, value);
      return true;
    }
    struct Named {
      std::string_view name;
      char character;
    };
    constexpr Named kNamed[] = {{"amp", '&'},    {"lt", '<'},     {"gt", '>'},     {"quot", '"'},   {"apos", '\''},
                                {"nbsp", ' '},   {"commat", '@'}, {"period", '.'}, {"hyphen", '-'}, {"dash", '-'},
                                {"ndash", '-'},  {"minus", '-'},  {"colon", ':'},  {"sol", '/'},    {"equals", '='},
                                {"lowbar", '_'}, {"num", '#'},    {"plus", '+'},   {"lpar", '('},   {"rpar", ')'}};
    for (const Named& one : kNamed)
      if (one.name == name) return out.push_back(one.character), true;
    return false;
  }

  /// Runs of base64 or hexadecimal digits that decode to text. Looks at the last byte that a run must have first, so that
  /// of words most bytes are never looked at.
  void blobs() {
    constexpr uint32_t kShortest = 12;
    for (uint32_t i = 0; i + kShortest <= text_.size();) {
      uint32_t back = i + kShortest;
      while (back > i && is_base64(text_[back - 1])) --back;
      if (back > i) {
        i = back;
        continue;
      }
      uint32_t end = i + kShortest;
      while (end < text_.size() && is_base64(text_[end])) ++end;
      uint32_t run = end;
      while (end < text_.size() && text_[end] == '=' && end - run < 2) ++end;
      blob({i, end}, {i, run});
      i = std::max(end, i + 1);
    }
  }

  void blob(Span all, Span run) {
    std::string_view text = text_.substr(run.begin, run.size());
    if (text.starts_with("0x")) text.remove_prefix(2);
    bool hex = text.size() % 2 == 0 && std::all_of(text.begin(), text.end(), [](char c) { return hex_value(c) >= 0; });
    bool digits_only = std::all_of(text.begin(), text.end(), is_digit);
    if (!may_be_encoded(text, hex, digits_only) || !budget_.take(text.size())) return;
    scratch_.clear();
    if (hex)
      for (size_t i = 0; i < text.size(); i += 2)
        scratch_.push_back(static_cast<char>(hex_value(text[i]) * 16 + hex_value(text[i + 1])));
    else if (!decode_base64(text, scratch_))
      return;
    if (!reads_like_text(scratch_)) return;
    view_.begin_node(*node_, number_, Node::Form::kWhole);
    view_.append(scratch_, {});
    view_.end_node({base() + all.begin, base() + all.end});
  }

  /// Words are not worth decoding; what decodes to text has capitals and small letters, or digits.
  static bool may_be_encoded(std::string_view text, bool hex, bool digits_only) {
    if (hex) return text.size() >= 12 && (!digits_only || text.size() >= 18);
    if (text.size() % 4 == 1) return false;
    bool upper = false, lower = false, digit = false;
    for (char c : text.substr(0, 64)) {
      upper = upper || is_upper(c);
      lower = lower || is_lower(c);
      digit = digit || is_digit(c);
    }
    return upper && (lower || digit);
  }

  static void append_utf8(std::string& out, uint32_t c) {
    auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (c < 0x80) return put(c);
    if (c < 0x800) return put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
    if (c < 0x10000) return put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
    put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  }

  const Document& from_;
  Document& view_;
  Budget& budget_;
  const bool percents_, entities_;
  uint32_t number_ = 0;
  const Node* node_ = nullptr;
  std::string_view text_;
  std::string scratch_;
};

}  // namespace

void decode(const Document& from, Document& view, Budget& budget) {
  Decoder decoder(from, view, budget);
  for (uint32_t i = 0; i < from.nodes().size(); ++i) decoder.node(i);
}

}  // namespace mas::dlp
