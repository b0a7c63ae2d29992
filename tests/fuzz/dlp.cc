// Any bytes as text, and any JSON, through scanner and rewriter: no crash, bounded time, and what comes out is still
// JSON.
#include <chrono>
#include <cstdlib>
#include <span>

#include "daemons/gatewayd/dlp/rewrite.h"
#include "proto/wire/json.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::dlp;

namespace {

constexpr double kMaxSecondsPerMegabyte = 60;  // sanitized and beside other work; it takes about a hundredth
constexpr double kBaseSeconds = 5;

/// @param action of every type, all switched on.
std::unique_ptr<Scanner> scanner_with(Action action) {
  auto standard = Rules::standard();
  if (!standard) std::abort();
  auto rules = std::make_shared<Rules>(**standard);
  rules->enabled.set();
  for (auto& type : rules->types) type.action = action;
  auto made = Scanner::make(rules);
  if (!made) std::abort();
  return std::move(*made);
}

const DataKey& key() {
  static const Result<DataKey> kKey = DataKey::of("k1", "0123456789abcdef0123456789abcdeF");
  if (!kKey) std::abort();
  return *kKey;
}

/// Scans and rewrites; what comes out is JSON where JSON came in, and where it is encrypted, whoever has the key reads
/// it.
void look(Scanner& scanner, std::string_view bytes, bool as_json, bool encrypts) {
  if (!(as_json ? scanner.scan_json(bytes) : scanner.scan_text(bytes)).ok()) std::abort();
  const Work& work = scanner.work();
  bool refused = !scanner.report().refused.empty();
  if (refused != work.over() || (refused && scanner.report().action != Action::kBlock)) std::abort();
  for (const Finding& finding : scanner.report().findings) {
    if (finding.source.end > bytes.size() || finding.source.begin > finding.source.end) std::abort();
    if (scanner.path(finding).empty()) std::abort();
  }
  std::string out;
  append_rewritten(scanner, bytes, encrypts ? &key() : nullptr, out);
  if (!as_json) return;
  if (!JsonReader::local().check_value(out).ok()) std::abort();
  if (encrypts && out != bytes && !decrypt_values(out, "$", std::span(&key(), 1)).ok()) {
    // A message may hold what looks like a token of this key: the original must not open either.
    if (decrypt_values(bytes, "$", std::span(&key(), 1)).ok()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto start = std::chrono::steady_clock::now();
  bool json = JsonReader::local().check_value(bytes).ok();
  static auto redacts = scanner_with(Action::kRedact), encrypts = scanner_with(Action::kEncrypt);
  for (bool as_json : {false, true}) {
    if (as_json && !json) continue;
    look(*redacts, bytes, as_json, false);
    look(*encrypts, bytes, as_json, true);
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (took.count() > kBaseSeconds + kMaxSecondsPerMegabyte * static_cast<double>(size) / 1e6) std::abort();
  return 0;
}
