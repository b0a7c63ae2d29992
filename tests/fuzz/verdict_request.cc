// Requests about held messages: any bytes end in a request or none, and what is taken is one line and within bounds.
#include "daemons/gatewayd/replay/verdict_request.h"

#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;
using namespace mas::gateway;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto request = parse_verdict_request(text_of(data, size));
  if (!request) return 0;
  require(request->verdict != Verdict::kExpired, "nobody says that a message has expired");
  require(request->entry.find_first_not_of("0123456789-") == std::string::npos, "an entry is digits and a dash");
  require(!request->who.empty() && request->who.find('\n') == std::string::npos, "who is a line");
  FrameHeader header;
  header.kind = CredentialKind::kKey;
  const std::string credential = std::string(kVerdictKeys[static_cast<size_t>(request->verdict)]) + " " + request->who;
  require(credential.size() <= 256, "it fits into a credential");
  header.credential = credential;
  auto claimed = claimed_verdict(header);
  require(claimed && claimed->verdict == request->verdict && claimed->who == request->who, "a frame says the same");
  const std::string again =
      std::string(request->verdict == Verdict::kGranted ? "grant " : "deny ") + request->entry + " " + request->who;
  auto same = parse_verdict_request(again);
  require(same && same->entry == request->entry && same->verdict == request->verdict, "it reads back");
  return 0;
}
