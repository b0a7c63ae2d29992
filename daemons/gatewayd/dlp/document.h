// A text taken apart for scanning: all that it says in one buffer, and where each part of it came from.
//
//     {"ssn":"123-45-6789","n":[7]}  →  \0 ssn \0 123-45-6789 \0 n \0 7 \0        nodes: key, string, key, number
//
// Keys, strings (unescaped) and numbers stand in one buffer, so that one scan sees them all; between two of them stands
// a zero byte, which no pattern crosses. A node knows its key, what its keys say of it (Context), and how its text maps
// back to the bytes it was read from. Those bytes may themselves be the text of another document (JSON within a string,
// base64), and so on down to the message: locate() climbs one step.
//
// Happy path: read_json() or read_text(), then nodes() by growing offsets. Everything is linear in the input.
// Failure: read_json() says false for what is no JSON value or nests too deeply; it reads no byte outside of it.
// Threading: none. Ownership: the document keeps its buffers and is made to be used again and again; views end with
// the next read.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/buffer.h"
#include "daemons/gatewayd/dlp/context.h"
#include "daemons/gatewayd/dlp/key_reader.h"
#include "daemons/gatewayd/dlp/literal_text.h"
#include "proto/wire/json_string.h"

namespace mas::dlp {

inline constexpr uint32_t kNowhere = UINT32_MAX;

/// Bytes [begin, end).
struct Span {
  uint32_t begin = 0, end = 0;
  uint32_t size() const { return end - begin; }
  bool operator==(const Span&) const = default;
};

struct Node {
  enum class Kind : uint8_t { kText, kString, kNumber, kKey };
  /// How a node's text came from its source.
  enum class Form : uint8_t {
    kSame,     ///< byte by byte
    kEscaped,  ///< a JSON string with escapes
    kMapped,   ///< another node's text with parts replaced
    kWhole,    ///< as a whole: no part of the source stands for a part of the text
  };
  Kind kind = Kind::kText;
  Form form = Form::kSame;
  Span text;                      ///< in Document::text()
  Span source;                    ///< in what was read: a string without its quotes
  uint32_t container = kNowhere;  ///< what holds it
  uint32_t key = kNowhere;        ///< of a member's value: the node of its key
  uint32_t index = 0;             ///< of an element: its place in the array
  uint32_t map = 0, map_end = 0;  ///< its escapes or replaced parts
  uint32_t origin = kNowhere;     ///< of a document made from another's nodes: which of them
  ContextMask own = 0;            ///< what its key says; of a key, what it says itself
  ContextMask context = 0;        ///< what its key says, or where that says nothing, what holds it
};

/// An object or array.
struct Container {
  uint32_t parent = kNowhere;
  uint32_t key = kNowhere;  ///< the node of its key
  uint32_t index = 0;       ///< its place in an array
  bool array = false;
  bool quiet = false;         ///< nothing within it is scanned
  ContextMask context = 0;    ///< for what has no key of its own, or a plain one
  ContextMask named = 0;      ///< what the value of its `name` says about its `value`
  uint32_t value = kNowhere;  ///< its `value`, where no name came before it
  uint32_t name = kNowhere;   ///< the node of a `name` that `named` lacks yet: most have no `value` beside them
};

class Document {
 public:
  explicit Document(KeyReader& keys) : keys_(keys) {}
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  enum class Shape : uint8_t {
    kAnything,
    kEnvelope,  ///< an envelope of the protocol: what routes it (ids, types, times) is no content and is left out
  };

  void clear();
  /// @param json one JSON value; at most 2 GiB. @return false where it is none; then the document is of no use.
  bool read_json(std::string_view json, Shape shape = Shape::kAnything);
  /// The whole text is one node.
  void read_text(std::string_view text);

  // For documents made from another document's nodes.

  /// Begins a node whose text comes from `like`, and inherits its key and contexts. @param origin the number of `like`.
  void begin_node(const Node& like, uint32_t origin, Node::Form form);
  /// Appends to a kMapped or kWhole node what stands for as many bytes of the other document's text, one for one.
  void append(std::string_view piece) { text_.append(piece); }
  /// Appends to a kMapped node what stands for other bytes. @param at where they stand within the other node.
  void append_replaced(std::string_view piece, uint32_t at, uint32_t size);
  /// @param source bytes that the whole node stands for.
  void end_node(Span source);
  /// Takes JSON that is the text of another document's node apart. @param base where that text stands there.
  bool append_json(std::string_view json, uint32_t base, const Node& like, uint32_t origin);

  /// Whether there is nothing in it.
  bool empty() const { return nodes_.empty(); }
  std::string_view text() const { return {text_.view().data(), text_.size()}; }
  std::span<const Node> nodes() const { return nodes_.view(); }
  std::span<const Container> containers() const { return containers_.view(); }
  std::string_view text_of(const Node& node) const { return {text_.view().data() + node.text.begin, node.text.size()}; }
  /// What any node's context says.
  ContextMask contexts() const { return contexts_; }
  /// Whether any key has this role; one that ends in digits may count as well.
  bool has_key(KeyRole role) const { return (roles_ & role) != 0; }
  /// @return what is to be searched for literals: the text, or of JSON a part of it.
  std::string_view literal_text() const { return searched_whole_ ? text() : literals_.text(); }
  /// @param matches in literal_text(); gets those in text(), by growing ends.
  void complete(std::vector<Match>& matches) {
    if (!searched_whole_) literals_.complete(matches);
  }
  /// @return the node that holds byte `at`; nodes().size() for none.
  uint32_t node_at(uint32_t at) const;
  /// @param part of the node's text, in text(). @return where it stands in what the node was read from; the whole of
  /// the node's source where no smaller part will do.
  Span locate(const Node& node, Span part) const;

 private:
  class Walker;
  friend class Walker;
  Node& open_node(Node::Kind kind);
  void close_node(Node& node);

  KeyReader& keys_;
  ContextMask contexts_ = 0;
  uint8_t roles_ = kNoRole;
  Buffer<char> text_;
  Buffer<Node> nodes_;
  Buffer<Container> containers_;
  Buffer<char> json_;                // what the walker reads
  LiteralText literals_;             // of what it has read
  bool searched_whole_ = false;      // other nodes are there, too
  std::vector<EscapeMark> escapes_;  // kEscaped, kMapped
};

}  // namespace mas::dlp
