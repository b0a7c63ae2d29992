// Nodes: how they are made, found, and traced back.
#include "daemons/gatewayd/dlp/document.h"

#include <algorithm>

#include "daemons/gatewayd/dlp/document_walker.h"

namespace mas::dlp {

void Document::clear() {
  if (text_.size() == 1 && containers_.empty() && nodes_.empty()) return;  // as most readings of a message are
  text_.clear();
  text_.add() = '\0';
  nodes_.clear();
  containers_.clear();
  json_.clear();
  literals_.clear();
  searched_whole_ = false;
  escapes_.clear();
  contexts_ = 0;
  roles_ = kNoRole;
}

bool Document::read_json(std::string_view json, Shape shape) {
  clear();
  return Walker(*this, json, 0, Node(), kNowhere).run(shape);
}

bool Document::append_json(std::string_view json, uint32_t base, const Node& like, uint32_t origin) {
  return Walker(*this, json, base, like, origin).run(Shape::kAnything);
}

void Document::read_text(std::string_view text) {
  clear();
  Node& node = open_node(Node::Kind::kText);
  node.source = {0, static_cast<uint32_t>(text.size())};
  text_.append(text);
  close_node(node);
}

Node& Document::open_node(Node::Kind kind) {
  searched_whole_ = true;
  Node& node = nodes_.add();
  node = Node();
  node.kind = kind;
  node.text.begin = static_cast<uint32_t>(text_.size());
  return node;
}

void Document::close_node(Node& node) {
  node.text.end = static_cast<uint32_t>(text_.size());
  text_.add() = '\0';
}

void Document::begin_node(const Node& like, uint32_t origin, Node::Form form) {
  Node& node = open_node(like.kind == Node::Kind::kNumber ? Node::Kind::kString : like.kind);
  node.form = form;
  node.own = like.own;
  node.context = like.context;
  contexts_ |= like.context;
  node.origin = origin;
  node.map = static_cast<uint32_t>(escapes_.size());
}

void Document::append_replaced(std::string_view piece, uint32_t at, uint32_t size) {
  auto text = static_cast<uint32_t>(text_.size()) - nodes_.back().text.begin;
  escapes_.push_back({at, text, static_cast<uint8_t>(size), static_cast<uint8_t>(piece.size())});
  text_.append(piece);
}

void Document::end_node(Span source) {
  Node& node = nodes_.back();
  node.source = source;
  node.map_end = static_cast<uint32_t>(escapes_.size());
  close_node(node);
}

uint32_t Document::node_at(uint32_t at) const {
  auto all = nodes();
  auto after = std::upper_bound(all.begin(), all.end(), at,
                                [](uint32_t byte, const Node& node) { return byte < node.text.begin; });
  if (after == all.begin() || at >= std::prev(after)->text.end) return static_cast<uint32_t>(all.size());
  return static_cast<uint32_t>(std::prev(after) - all.begin());
}

namespace {

/// @return where byte `at` of an escaped text is said. @param past whether the end of what says it is wanted.
uint32_t in_escaped(const std::vector<EscapeMark>& marks, const Node& node, uint32_t at, bool past) {
  auto begin = marks.begin() + node.map, end = marks.begin() + node.map_end;
  auto after = std::upper_bound(begin, end, at, [](uint32_t byte, const EscapeMark& mark) { return byte < mark.text; });
  if (after == begin) return at + (past ? 1 : 0);
  const EscapeMark& mark = *std::prev(after);
  uint32_t source_end = mark.source + mark.source_size;
  if (at < mark.text + mark.text_size) return past ? source_end : mark.source;
  return source_end + (at - mark.text - mark.text_size) + (past ? 1 : 0);
}

}  // namespace

Span Document::locate(const Node& node, Span part) const {
  uint32_t first = part.begin - node.text.begin, last = part.end - node.text.begin;
  if (part.size() == 0) return node.source;
  uint32_t base = node.source.begin;
  switch (node.form) {
    case Node::Form::kSame:
      return {base + first, base + last};
    case Node::Form::kEscaped:
    case Node::Form::kMapped:
      return {base + in_escaped(escapes_, node, first, false), base + in_escaped(escapes_, node, last - 1, true)};
    case Node::Form::kWhole:
      break;
  }
  return node.source;
}

}  // namespace mas::dlp
