// What stands beside a member of an object: the second sign that an ambiguous key takes.
//
//     {"patient": "…", "record_number": "7839201"}   a record of a patient
//     {"event": "…", "RecordNumber": 7839201}         none
//
// A name of other trades (kWeak) says what it seems to only beside something of its own trade.
// Pure; looks at a constant number of nodes to either side.
#pragma once

#include "daemons/gatewayd/dlp/sight.h"

namespace mas::dlp {

/// What the keys beside a node and the keys of the objects around it say, the node's own left out.
/// @param number of a node of the document. Keys that are ambiguous themselves do not count.
ContextMask neighbours_of(const Document& document, uint32_t number);

/// Contexts of which one must stand beside an ambiguous name of `context`.
constexpr ContextMask supporters(Context context) {
  constexpr ContextMask kHealth = bits(Context::kMedical, Context::kMrn, Context::kInsurance, Context::kDiagnosis,
                                       Context::kNpi, Context::kDea, Context::kBirth, Context::kSsn);
  return context == Context::kMrn || context == Context::kInsurance ? kHealth : bit(context);
}

}  // namespace mas::dlp
