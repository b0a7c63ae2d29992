// Street addresses: number, name, kind of street. As in "USPS Publication 28", C1 (street suffixes).
#pragma once

#include <cstdint>
#include <string_view>

namespace mas::dlp {

struct Street {
  uint32_t end = 0;       ///< 0: there is none
  bool suffix = false;    ///< a word for a kind of street closes it; else only number and name
  bool capitals = false;  ///< its words begin with capitals
  bool weak = false;      ///< the word that closes it is an everyday word as well: run, park, view
};

/// @param at where a number begins. Looks at six words at most. Also French addresses, whose kind stands before the
/// name.
Street street_at(std::string_view text, uint32_t at);

/// Whether a flat, a town with its state and ZIP code, or a postal code follows an address that ends at `end`: "Apt 4",
/// "Columbus, OH 43215", ", 10115 Berlin", "London SW1A 2AA". Looks at sixty bytes at most.
bool place_follows(std::string_view text, uint32_t end);

/// A street whose number stands last, as in "Hauptstraße 12", "Calle Mayor 5", "Via Roma 12", "ul. Długa 7".
/// @param number where the number begins. @param ret_strong whether nothing else is called so.
/// @return where the street begins; `number` where there is none.
uint32_t street_before(std::string_view text, uint32_t number, bool& ret_strong);

/// @param at behind "box". @return the end of a post office box's number, where "P.O." or "PO" stands before; else 0.
uint32_t po_box_at(std::string_view text, uint32_t begin, uint32_t at, uint32_t& ret_begin);

}  // namespace mas::dlp
