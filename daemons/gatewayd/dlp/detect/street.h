// Street addresses: number, name, kind of street. As in "USPS Publication 28", C1 (street suffixes).
#pragma once

#include <cstdint>
#include <string_view>

namespace mas::dlp {

struct Street {
  uint32_t end = 0;       ///< 0: there is none
  bool suffix = false;    ///< a word for a kind of street closes it; else only number and name
  bool capitals = false;  ///< its words begin with capitals
};

/// @param at where a number begins. Looks at six words at most.
Street street_at(std::string_view text, uint32_t at);

/// @param at behind "box". @return the end of a post office box's number, where "P.O." or "PO" stands before; else 0.
uint32_t po_box_at(std::string_view text, uint32_t begin, uint32_t at, uint32_t& ret_begin);

}  // namespace mas::dlp
