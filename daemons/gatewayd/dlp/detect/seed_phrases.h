// Seed phrases of wallets: BIP-39, English. Whoever has the words has the keys.
//
// A phrase has 12, 15, 18, 21 or 24 words of the list; the last ones hold a check of 4 to 8 bits, so that one of 16 to
// 256 runs of such words would pass by chance. Sorted runs and runs of more than 48 are parts of lists, not phrases.
// Linear: text is looked at by words only where it consists of small letters and white space. Pure.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "daemons/gatewayd/dlp/sight.h"

namespace mas::dlp {

/// The list, in order.
const std::array<std::string_view, 2048>& bip39_words();
/// @param words of the list. @return whether there are as many as a phrase has, and the checksum holds.
bool is_seed_phrase(std::span<const std::string_view> words);

}  // namespace mas::dlp
