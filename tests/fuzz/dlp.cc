// Any bytes as text, and any JSON, through scanner and rewriter: no crash, bounded time, and what comes out is still JSON.
#include <chrono>
#include <cstdlib>

#include "daemons/gatewayd/dlp/rewrite.h"
#include "proto/wire/json.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::dlp;

namespace {

constexpr double kMostSecondsPerMegabyte = 60;  // sanitized and beside other work; it takes about a hundredth
constexpr double kBaseSeconds = 5;

Scanner& scanner() {
  static std::unique_ptr<Scanner> kScanner = [] {
    auto standard = Rules::standard();
    if (!standard) std::abort();
    auto rules = std::make_shared<Rules>(**standard);
    rules->enabled.set();
    for (auto& type : rules->types) type.action = Action::kRedact;
    auto made = Scanner::make(rules);
    if (!made) std::abort();
    return std::move(*made);
  }();
  return *kScanner;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto start = std::chrono::steady_clock::now();
  bool json = JsonReader::local().check_value(bytes).ok();
  for (bool as_json : {false, true}) {
    if (as_json && !json) continue;
    if (!(as_json ? scanner().scan_json(bytes) : scanner().scan_text(bytes)).ok()) std::abort();
    std::string out;
    append_rewritten(scanner(), bytes, nullptr, out);
    for (const Finding& finding : scanner().report().findings) {
      if (finding.source.end > size || finding.source.begin > finding.source.end) std::abort();
      if (scanner().path(finding).empty()) std::abort();
    }
    if (as_json && !JsonReader::local().check_value(out).ok()) std::abort();
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (took.count() > kBaseSeconds + kMostSecondsPerMegabyte * static_cast<double>(size) / 1e6) std::abort();
  return 0;
}
