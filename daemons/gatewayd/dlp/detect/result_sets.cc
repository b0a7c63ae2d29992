// Columns by their place.
#include "daemons/gatewayd/dlp/detect/result_sets.h"

#include <algorithm>
#include <array>
#include <vector>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

constexpr uint32_t kMaxColumns = 64;

/// The names of a table, and the object that holds them.
struct Header {
  uint32_t object = kNowhere;
  std::array<ContextMask, kMaxColumns> says{};
  ContextMask all = 0;
};

bool is_header(const Document& document, const Container& container) {
  return container.array && container.key != kNowhere &&
         (roles_of(document.text_of(document.nodes()[container.key])) & kColumnsKey) != 0;
}

/// @return the object that holds the rows of which `container` is one; kNowhere where it is none.
uint32_t table_of(const Document& document, const Container& container) {
  constexpr std::array<std::string_view, 4> kNames = {"rows", "data", "values", "records"};
  if (!container.array || container.parent == kNowhere) return kNowhere;
  const Container& rows = document.containers()[container.parent];
  const bool named =
      rows.array && rows.key != kNowhere && equals_any(document.text_of(document.nodes()[rows.key]), kNames);
  return named ? rows.parent : kNowhere;
}

}  // namespace

void for_each_cell(const Document& document,
                   const std::function<void(const Node& node, ContextMask says, ContextMask beside)>& see) {
  auto has_names = [&](const Container& container) { return is_header(document, container); };
  if (std::none_of(document.containers().begin(), document.containers().end(), has_names)) return;
  // The names come before the rows; of tables within tables the last names count.
  Header header;
  uint32_t current = kNowhere, table = kNowhere;
  bool names = false;  // the current container has the names of columns
  for (const Node& node : document.nodes()) {
    if (node.kind == Node::Kind::kKey || node.container == kNowhere || node.index >= kMaxColumns) continue;
    if (node.container != current) {
      current = node.container;
      const Container& container = document.containers()[current];
      names = is_header(document, container);
      if (names) header = {.object = container.parent, .says = {}, .all = 0};
      table = names || header.object == kNowhere ? kNowhere : table_of(document, container);
    }
    if (names) {
      header.says[node.index] = read_key(document.text_of(node));
      header.all |= header.says[node.index];
    } else if (table != kNowhere && table == header.object && header.says[node.index] != 0) {
      see(node, header.says[node.index], header.all);
    }
  }
}

}  // namespace mas::dlp
