// Takes one JSON value apart into a document's nodes: a recursive descent that emits keys, strings and numbers.
//
// It reads a copy of the text, with a fence of quotes behind it: a quote ends what is a string and is nothing else, so
// that no loop need ask for the end of the text at each byte, and whole blocks of bytes can be read up to it.
// It ends in linear time whatever stands there, but is no judge of JSON: texts from outside have been checked by
// JsonReader before. Nesting is bounded by limits::kJsonDepth.
#pragma once

#include <string>
#include <string_view>

#include "daemons/gatewayd/dlp/document.h"

namespace mas::dlp {

class Document::Walker {
 public:
  /// @param base what the text's first byte counts as in its source. @param like whose contexts the values inherit.
  Walker(Document& into, std::string_view json, uint32_t base, const Node& like, uint32_t origin);

  bool run(Shape shape);

 private:
  /// What a node belongs to.
  struct Place {
    uint32_t container = kNowhere;
    uint32_t key = kNowhere;
    uint32_t index = 0;
    bool quiet = false;
    ContextMask own = 0, context = 0;
  };
  /// A string's inside or a number, which begins at `begin`.
  struct Token {
    const char* begin;
    uint32_t size;
    bool odd;  ///< a string with escapes; a number with an exponent, or a fraction that ends in a zero
    const char* end() const { return begin + size; }
    std::string_view view() const { return {begin, size}; }
  };

  // Each takes where something begins and returns where it ends; nullptr: it is no JSON.
  const char* value(const char* at, unsigned depth, const Place& place);
  const char* other_value(const char* at, unsigned depth, const Place& place);
  const char* object(const char* at, unsigned depth, const Place& place);
  const char* array(const char* at, unsigned depth, const Place& place);
  const char* string(const char* at, const Place& place);
  const char* number(const char* at, const Place& place);

  uint32_t enter(bool array, const Place& place);
  Token read_string(const char* at);
  Token read_number(const char* at);
  Token read_odd_number(const char* at);
  bool is_plain_traceparent(const char* at) const;
  bool routes(uint32_t container, const Token& token);
  void make_room(size_t more);
  void take_over();
  Node& add_node(Node::Kind kind, const Place& place, Token token);
  void add_literals(const KeyReader::Says& says, const Node& key);
  void add_key(Token token, uint32_t index, ContextMask inherited, Place& value);
  std::string_view source_of(const Node& node) const;
  void unescape(Node& node);
  void make_whole(Node& node);
  void pair_up(uint32_t node);
  bool read_name(Container& container);

  Document& into_;
  const char* begin_;  // of the copy
  const char* end_;
  const uint32_t base_;
  const Node like_;
  const uint32_t origin_;
  Shape shape_ = Shape::kAnything;
  std::string unescaped_;
  // The document's text, and where its next byte goes: what is behind its end is taken over last.
  char* text_ = nullptr;
  char* to_ = nullptr;
};

}  // namespace mas::dlp
