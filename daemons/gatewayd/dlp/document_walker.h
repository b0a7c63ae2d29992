// Takes one JSON value apart into a document's nodes: a recursive descent that emits keys, strings and numbers.
//
// It reads no byte outside of the text and ends in linear time whatever stands there, but is no judge of JSON: texts
// from outside have been checked by JsonReader before. Nesting is bounded by limits::kJsonDepth.
#pragma once

#include <string>
#include <string_view>

#include "daemons/gatewayd/dlp/document.h"

namespace mas::dlp {

class Document::Walker {
 public:
  /// @param base what the text's first byte counts as in its source. @param like whose contexts the values inherit.
  Walker(Document& into, std::string_view json, uint32_t base, const Node& like, uint32_t origin)
      : into_(into), begin_(json.data()), end_(json.data() + json.size()), base_(base), like_(like), origin_(origin) {}

  bool run(Shape shape);

 private:
  /// What a value belongs to.
  struct Place {
    uint32_t container = kNowhere;
    uint32_t key = kNowhere;
    uint32_t index = 0;
    ContextMask own = 0, context = 0;
    bool quiet = false;
  };

  // Each takes where something begins and returns where it ends; nullptr: it is no JSON.
  const char* value(const char* at, unsigned depth, const Place& place);
  const char* other_value(const char* at, unsigned depth, const Place& place);
  const char* object(const char* at, unsigned depth, const Place& place);
  const char* array(const char* at, unsigned depth, const Place& place);
  const char* member(const char* at, unsigned depth, const Place& of_key, const Place& object);
  const char* string(const char* at, const Place& place);
  const char* number(const char* at, const Place& place);
  const char* copy_number(const char* at, bool& ret_plain);
  const char* word(const char* at, std::string_view word) const;
  const char* end_of_escaped(const char* at) const;
  const char* skip_space(const char* at) const;

  uint32_t enter(bool array, const Place& place);
  /// A string's inside: where it ends, and whether any of it is written as an escape.
  struct Body {
    std::string_view text;
    bool escaped = false, closed = false;
  };
  Body read_body(const char* at);
  bool routes(uint32_t container, const Body& body);
  void make_room(size_t more);
  void take_over();
  Node& add_node(Node::Kind kind, const Place& place, std::string_view source, size_t size);
  void add_string(const Body& body, const Place& place, Node::Kind kind);
  void add_escaped(std::string_view body, const Place& place, Node::Kind kind);
  bool add_whole_number(std::string_view token, const Place& place);
  void read_key(Place& place, std::string_view key, ContextMask inherited);
  void pair_up(uint32_t node);

  Document& into_;
  const char* const begin_;
  const char* const end_;
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
