// The texts of the failure codes.
#include "proto/base/result.h"

namespace mas {

std::string_view errc_text(Errc code) {
  switch (code) {
#define MAS_ERRC(name, value, text, retriable) \
  case Errc::name:                             \
    return text;
#include "proto/base/errc.def"
#undef MAS_ERRC
  }
  return "unknown";
}

bool errc_retriable(Errc code) {
  switch (code) {
#define MAS_ERRC(name, value, text, retriable) \
  case Errc::name:                             \
    return retriable;
#include "proto/base/errc.def"
#undef MAS_ERRC
  }
  return false;
}

}  // namespace mas
