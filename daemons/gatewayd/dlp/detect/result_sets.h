// Tables as JSON: names in one array, rows of values in another, as databases' tools answer.
//
//     {"columns": ["login", "password"], "rows": [["bob", "…"], …]}
//
// Pure; linear in the document.
#pragma once

#include <functional>

#include "daemons/gatewayd/dlp/sight.h"

namespace mas::dlp {

/// Tells each string or number of a row whose column has a name.
/// @param see takes the node, what its column's name says, and what all names of the table say.
void for_each_cell(const Document& document,
                   const std::function<void(const Node& node, ContextMask says, ContextMask beside)>& see);

}  // namespace mas::dlp
