// Other ways to read a document's nodes: folded to ASCII, and decoded.
//
//     folded    ４１１１‑１１１１  → 4111-1111     fullwidth and other digits, dashes, spaces; what has no width is left out
//     decoded   base64, hexadecimal digits, percent-encoding, HTML entities, JSON within a string
//
// Each view is a document of its own whose nodes say which node they come from and map back to its bytes. What a view
// costs is bounded: a budget of bytes for all views of a message.
// Threading: none. Pure.
#pragma once

#include "daemons/gatewayd/dlp/byte_classes.h"
#include "daemons/gatewayd/dlp/document.h"

namespace mas::dlp {

/// What all views of one message may still write, in bytes.
struct Budget {
  size_t bytes = 0;
  /// @return whether `size` could be taken.
  bool take(size_t size) {
    if (size > bytes) return false;
    bytes -= size;
    return true;
  }
};

/// Appends to `view` every node of `from` that is not ASCII and reads differently when folded. @param classes of its
/// text.
void fold(const Document& from, const ByteClasses& classes, Document& view, Budget& budget);

/// Appends to `view` what nodes of `from` say when they are decoded. @param classes of its text.
void decode(const Document& from, const ByteClasses& classes, Document& view, Budget& budget);

}  // namespace mas::dlp
