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
  uint32_t written = 0;
  for (uint32_t i = find_high_byte(text, 0); i < text.size(); i = find_high_byte(text, i)) {
    CodePoint c = code_point(text.substr(i));
    uint32_t size = std::max(c.size, 1u);
    char ascii = c.size <= 1 ? kAsItIs : folded(c.value);
    if (ascii != kAsItIs) {
      view.append(text.substr(written, i - written));
      view.append_replaced({&ascii, ascii == kNothing ? 0U : 1U}, i, size);
      written = i + size;
    }
    i += size;
  }
  view.append(text.substr(written));
  view.end_node(node.text);
}

}  // namespace

void fold(const Document& from, const ByteClasses& classes, Document& view, Budget& budget) {
  if (!classes.has_high()) return;
  for (uint32_t i = 0; i < from.nodes().size(); ++i) {
    std::string_view text = from.text_of(from.nodes()[i]);
    if (has_high_bytes(text) && needs_folding(text) && budget.take(text.size())) fold_node(from, i, view);
  }
}

// ---- Decoding

namespace {

/// By character; -1: no hexadecimal digit.
constexpr auto kHexValues = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (int8_t i = 0; i < 16; ++i) {
    auto digit = static_cast<unsigned char>("0123456789abcdef"[i]);
    values[digit] = values[static_cast<unsigned char>(to_upper(static_cast<char>(digit)))] = i;
  }
  return values;
}();

constexpr int hex_value(char c) { return kHexValues[static_cast<unsigned char>(c)]; }

/// Text, as opposed to what random bytes decode to.
bool reads_like_text(std::string_view bytes) {
  if (bytes.size() < 4 || !is_valid_utf8(bytes)) return false;
  return std::none_of(bytes.begin(), bytes.end(),
                      [](char c) { return (static_cast<unsigned char>(c) < 0x20 && !is_space(c)) || c == 0x7f; });
}

/// Whether bytes may be the beginning of UTF-8: every character goes on for as long as it says.
bool may_begin_utf8(std::string_view bytes) {
  uint32_t more = 0;
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    bool goes_on = (byte & 0xc0) == 0x80;
    if (goes_on != (more > 0)) return false;
    more = goes_on ? more - 1 : byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
  }
  return true;
}

class Decoder {
 public:
  Decoder(const Document& from, const ByteClasses& classes, Document& view, Budget& budget)
      : from_(from),
        classes_(classes),
        view_(view),
        budget_(budget),
        json_(classes.has_signs() && (holds('{') || holds('[') || holds('"'))),
        percents_(classes.has_signs() && (holds('%') || holds('\\'))),
        entities_(classes.has_signs() && holds('&')) {}

  /// Whether any node can read differently: none does whose text has no sign of JSON or of an escape.
  bool may_undo() const { return json_ || percents_ || entities_; }

  void node(uint32_t number) {
    at_node(number);
    if (text_.size() < kShortestNode) return;
    if (json_) json();
    if (percents_) escapes('%');
    if (entities_ && text_.find('&') != std::string_view::npos) escapes('&');
  }

  /// @param run characters of base64 or hexadecimal digits, in the document's text.
  void run(Span run) {
    std::string_view all = from_.text(), text = all.substr(run.begin, run.size());
    if (text.starts_with("0x")) text.remove_prefix(2);
    if (!may_begin_text(text, run)) return;
    uint8_t kinds = kinds_of(text);
    bool hex = (kinds & kNoHex) == 0 && text.size() % 2 == 0;
    if (!may_be_encoded(text, kinds, hex) || !begins_like_text(text, hex) || !budget_.take(text.size())) return;
    if (!may_begin_utf8(scratch_) || !decoded(text, hex) || !reads_like_text(scratch_)) return;
    at_node(from_.node_at(run.begin));
    uint32_t end = run.end;
    while (end < node_->text.end && all[end] == '=' && end - run.end < 2) ++end;
    view_.begin_node(*node_, number_, Node::Form::kWhole);
    view_.append(scratch_);
    view_.end_node({run.begin, end});
  }

 private:
  static constexpr size_t kShortestNode = 6;

  void at_node(uint32_t number) {
    number_ = number;
    node_ = &from_.nodes()[number];
    text_ = from_.text_of(*node_);
  }
  uint32_t base() const { return node_->text.begin; }

  bool holds(char sign) const { return from_.text().find(sign) != std::string_view::npos; }

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
    std::string piece;
    uint32_t size = 0, i = 0;
    auto next = [&](uint32_t from) {  // where something is written so; text_.size() for nowhere
      for (uint32_t at = find_sign(sign, from); at < text_.size(); at = find_sign(sign, at + 1)) {
        piece.clear();
        if (sign == '&' ? entity(at, piece, size) : percent(at, piece, size)) return at;
      }
      return static_cast<uint32_t>(text_.size());
    };
    i = next(0);
    if (i == text_.size() || !budget_.take(text_.size())) return;
    view_.begin_node(*node_, number_, Node::Form::kMapped);
    uint32_t written = 0;
    for (; i < text_.size(); i = next(written)) {
      append_between(written, i, sign);
      view_.append_replaced(piece, i, size);
      written = i + size;
    }
    append_between(written, i, sign);
    view_.end_node(node_->text);
  }

  uint32_t find_sign(char sign, uint32_t from) const {
    size_t at = sign == '&' ? text_.find('&', from) : text_.find_first_of("%\\", from);
    return static_cast<uint32_t>(std::min(at, text_.size()));
  }

  /// What is not written so stands for itself; only a plus may be a space.
  void append_between(uint32_t begin, uint32_t end, char sign) {
    std::string_view text = text_.substr(begin, end - begin);
    while (sign == '%') {
      size_t plus = text.find('+');
      if (plus == std::string_view::npos) break;
      view_.append(text.substr(0, plus));
      view_.append(" ");
      text.remove_prefix(plus + 1);
    }
    view_.append(text);
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

  static uint8_t kinds_of(std::string_view text) {
    constexpr size_t kTelling = 64;  // what the beginning does not have, the rest is not looked at for
    uint8_t kinds = 0;
    for (char c : text.substr(0, kTelling)) kinds |= kKinds[static_cast<unsigned char>(c)];
    if ((kinds & kNoHex) == 0)
      for (char c : text.substr(std::min(text.size(), kTelling))) kinds |= kKinds[static_cast<unsigned char>(c)];
    return kinds;
  }

  /// Decodes into scratch_.
  bool decoded(std::string_view text, bool hex) {
    scratch_.clear();
    if (!hex) return decode_base64(text, scratch_);
    for (size_t i = 0; i < text.size(); i += 2)
      scratch_.push_back(static_cast<char>(hex_value(text[i]) * 16 + hex_value(text[i + 1])));
    return true;
  }

  // What a run's characters are.
  static constexpr uint8_t kDigit = 1, kUpper = 2, kLower = 4, kNoHex = 8;
  static constexpr auto kKinds = [] {
    std::array<uint8_t, 256> kinds{};
    for (unsigned i = 0; i < 256; ++i) {
      auto c = static_cast<char>(i);
      kinds[i] = static_cast<uint8_t>((is_digit(c) ? kDigit : 0) | (is_upper(c) ? kUpper : 0) |
                                      (is_lower(c) ? kLower : 0) | (hex_value(c) < 0 ? kNoHex : 0));
    }
    return kinds;
  }();

  /// Words are not worth decoding; what decodes to text has capitals and small letters, or digits.
  static bool may_be_encoded(std::string_view text, uint8_t kinds, bool hex) {
    if (hex) return (kinds & (kUpper | kLower)) != 0 || text.size() >= 18;
    return text.size() % 4 != 1 && (kinds & kUpper) != 0 && (kinds & (kLower | kDigit)) != 0;
  }

  /// What a byte of text is not: a control character, or one that UTF-8 does not have.
  static constexpr auto kOfText = [] {
    std::array<bool, 256> of_text{};
    for (unsigned byte = 0; byte < 256; ++byte)
      of_text[byte] = (byte >= 0x20 || is_space(static_cast<char>(byte))) && byte != 0x7f && byte != 0xc0 &&
                      byte != 0xc1 && byte <= 0xf4;
    return of_text;
  }();
  static bool is_of_text(char c) { return kOfText[static_cast<unsigned char>(c)]; }

  bool has_upper(Span run) const {
    for (uint32_t i = run.begin / ByteClasses::kBits; i * ByteClasses::kBits < run.end; ++i) {
      const ByteClasses::Word& word = classes_.word(i);
      uint64_t upper = word.alnum & ~word.digits & ~word.lower;
      uint32_t base = i * ByteClasses::kBits;
      if (base < run.begin) upper &= ~uint64_t{0} << (run.begin - base);
      if (run.end - base < ByteClasses::kBits) upper &= ~(~uint64_t{0} << (run.end - base));
      if (upper != 0) return true;
    }
    return false;
  }

  /// Whether four digits of base64, which has capitals, or eight hexadecimal ones begin a text: the first thing to ask
  /// of a run, since most are hashes, ids and long words.
  bool may_begin_text(std::string_view text, Span run) const {
    constexpr size_t kShortest = 8;
    if (text.size() < kShortest) return true;
    if (text.size() % 4 != 1 && has_upper(run)) {
      uint32_t bits = 0;
      for (char c : text.substr(0, 4)) bits = bits << 6 | (base64_value(c) & 0x3f);
      std::array<char, 3> bytes = {static_cast<char>(bits >> 16), static_cast<char>(bits >> 8),
                                   static_cast<char>(bits)};
      if (std::ranges::all_of(bytes, is_of_text) && may_begin_utf8({bytes.data(), bytes.size()})) return true;
    }
    if (text.size() % 2 != 0) return false;
    // Most are hashes, of which half fail at any digit: they are told by all of them at once.
    std::array<char, kShortest / 2> bytes;
    int no_digits = 0;
    bool of_text = true;
    for (size_t i = 0; i < bytes.size(); ++i) {
      int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
      no_digits |= high | low;  // negative where one is
      bytes[i] = static_cast<char>(high * 16 + low);
      of_text &= is_of_text(bytes[i]);
    }
    return no_digits >= 0 && of_text && may_begin_utf8({bytes.data(), bytes.size()});
  }

  /// Hashes, keys and random ids are told from encoded text by their first bytes, mostly.
  bool begins_like_text(std::string_view text, bool hex) {
    constexpr size_t kHexDigits = 8, kCharacters = 4;
    if (!decoded(text.substr(0, hex ? kHexDigits : kCharacters), hex)) return false;
    return std::all_of(scratch_.begin(), scratch_.end(), is_of_text);
  }

  static void append_utf8(std::string& out, uint32_t c) {
    auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (c < 0x80) return put(c);
    if (c < 0x800) return put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
    if (c < 0x10000) return put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
    put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  }

  const Document& from_;
  const ByteClasses& classes_;
  Document& view_;
  Budget& budget_;
  const bool json_, percents_, entities_;
  uint32_t number_ = 0;
  const Node* node_ = nullptr;
  std::string_view text_;
  std::string scratch_;
};

}  // namespace

void decode(const Document& from, const ByteClasses& classes, Document& view, Budget& budget) {
  Decoder decoder(from, classes, view, budget);
  if (decoder.may_undo())
    for (uint32_t i = 0; i < from.nodes().size(); ++i) decoder.node(i);
  classes.for_each_base64([&](uint32_t begin, uint32_t end) { decoder.run({begin, end}); });
}

}  // namespace mas::dlp
