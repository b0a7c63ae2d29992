// Statuses: their texts, and the sentence each thread keeps about its last failure.
#include "sdk/src/core/error.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "proto/wire/error_reply.h"
#include "proto/wire/limits.h"

namespace mas::sdk {
namespace {

constexpr mas_status kLastStatus = MAS_HELD;

#define MAS_ERRC(name, value, text, retriable) \
  static_assert(static_cast<int>(Errc::name) == (value) && (value) >= MAS_OK && (value) <= kLastStatus);
#include "proto/base/errc.def"
#undef MAS_ERRC

// mas_status spells the table of errc.def for C; a value that differs would be an ABI break.
static_assert(static_cast<int>(Errc::kInvalidArgument) == MAS_INVALID_ARGUMENT);
static_assert(static_cast<int>(Errc::kInvalidState) == MAS_INVALID_STATE);
static_assert(static_cast<int>(Errc::kTooLarge) == MAS_TOO_LARGE);
static_assert(static_cast<int>(Errc::kMalformed) == MAS_MALFORMED);
static_assert(static_cast<int>(Errc::kNotFound) == MAS_NOT_FOUND);
static_assert(static_cast<int>(Errc::kTimeout) == MAS_TIMEOUT);
static_assert(static_cast<int>(Errc::kCancelled) == MAS_CANCELLED);
static_assert(static_cast<int>(Errc::kWouldBlock) == MAS_WOULD_BLOCK);
static_assert(static_cast<int>(Errc::kUnreachable) == MAS_UNREACHABLE);
static_assert(static_cast<int>(Errc::kConnectionLost) == MAS_CONNECTION_LOST);
static_assert(static_cast<int>(Errc::kRefused) == MAS_REFUSED);
static_assert(static_cast<int>(Errc::kNoReceiver) == MAS_NO_RECEIVER);
static_assert(static_cast<int>(Errc::kAuthFailed) == MAS_AUTH_FAILED);
static_assert(static_cast<int>(Errc::kProtocol) == MAS_PROTOCOL);
static_assert(static_cast<int>(Errc::kUnavailable) == MAS_UNAVAILABLE);
static_assert(static_cast<int>(Errc::kNoMemory) == MAS_NO_MEMORY);
static_assert(static_cast<int>(Errc::kInternal) == MAS_INTERNAL);
static_assert(static_cast<int>(Errc::kHandlerFailed) == MAS_HANDLER_FAILED);
static_assert(static_cast<int>(Errc::kRevoked) == MAS_REVOKED);
static_assert(static_cast<int>(Errc::kSuspended) == MAS_SUSPENDED);
static_assert(static_cast<int>(Errc::kSignatureInvalid) == MAS_SIGNATURE_INVALID);
static_assert(static_cast<int>(Errc::kReplayed) == MAS_REPLAYED);
static_assert(static_cast<int>(Errc::kAuthzDenied) == MAS_AUTHZ_DENIED);
static_assert(static_cast<int>(Errc::kRateLimited) == MAS_RATE_LIMITED);
static_assert(static_cast<int>(Errc::kDlpBlocked) == MAS_DLP_BLOCKED);
static_assert(static_cast<int>(Errc::kCircuitOpen) == MAS_CIRCUIT_OPEN);
static_assert(static_cast<int>(Errc::kTargetNotFound) == MAS_TARGET_NOT_FOUND);
static_assert(static_cast<int>(Errc::kTargetOverloaded) == MAS_TARGET_OVERLOADED);
static_assert(static_cast<int>(Errc::kExpired) == MAS_EXPIRED);
static_assert(static_cast<int>(Errc::kLoopDetected) == MAS_LOOP_DETECTED);
static_assert(static_cast<int>(Errc::kDlqFull) == MAS_DLQ_FULL);
static_assert(static_cast<int>(Errc::kNoHandler) == MAS_NO_HANDLER);
static_assert(static_cast<int>(Errc::kInvalidPayload) == MAS_INVALID_PAYLOAD);
static_assert(static_cast<int>(Errc::kHeld) == MAS_HELD);

// A plain array: no destructor runs at thread exit, and keeping an error cannot itself fail.
thread_local char detail[512];
thread_local struct {
  const char* decision = "";
  uint32_t retry_after_ms = 0;
  char detail[limits::kReceiptDetailBytes + 64];
} receipt;
thread_local struct {
  char code[limits::kErrorCodeBytes + 1];
  char text[limits::kMetaTextBytes + 1];
} error_reply;
thread_local struct {
  const mas_message* message = nullptr;
  char text[limits::kMetaTextBytes + 1];
} failure;

/// Copies a text to a buffer, cut between characters.
void copy_cut(std::string_view text, char* out, size_t room) {
  size_t size = std::min(text.size(), room - 1);
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  std::memcpy(out, text.data(), size);
  out[size] = '\0';
}

}  // namespace

bool known(int status) { return status > MAS_OK && status <= kLastStatus; }

mas_status fail(mas_status status, std::string_view message) noexcept {
  copy_cut(message, detail, sizeof detail);
  return status;
}

bool Needed::is_missing() const noexcept {
  if (given_) return false;
  char sentence[128];
  std::snprintf(sentence, sizeof sentence, "the argument '%s' is NULL", name_);
  fail(MAS_INVALID_ARGUMENT, sentence);
  return true;
}

void note_receipt(const ReceiptNote& note) noexcept {
  receipt.decision = note.decision ? decision_text(*note.decision).data() : "";
  receipt.retry_after_ms = note.retry_after_ms;
  copy_cut(note.detail, receipt.detail, sizeof receipt.detail);
}

void note_error_reply(const ErrorReplyNote& note) noexcept {
  copy_cut(note.code, error_reply.code, sizeof error_reply.code);
  copy_cut(note.text, error_reply.text, sizeof error_reply.text);
}

void keep_failure(const mas_message& message, std::string_view text) noexcept {
  failure.message = &message;
  copy_cut(text, failure.text, sizeof failure.text);
}

std::string take_failure(const mas_message& message) {
  if (std::exchange(failure.message, nullptr) != &message) return {};
  return error_text(failure.text);
}

const char* error_reply_code() noexcept { return error_reply.code; }
const char* error_reply_text() noexcept { return error_reply.text; }

const char* receipt_decision() noexcept { return receipt.decision; }
const char* receipt_detail() noexcept { return receipt.detail; }
uint32_t receipt_retry_after() noexcept { return receipt.retry_after_ms; }

const char* error_detail() noexcept { return detail; }

}  // namespace mas::sdk

using mas::sdk::known;

extern "C" {

const char* mas_status_text(mas_status status) {
  if (status == MAS_OK) return "ok";
  return known(status) ? mas::errc_text(static_cast<mas::Errc>(status)).data() : "unknown";
}

bool mas_status_retriable(mas_status status) {
  return known(status) && mas::errc_retriable(static_cast<mas::Errc>(status));
}

const char* mas_error_detail(void) { return mas::sdk::error_detail(); }

const char* mas_receipt_decision(void) { return mas::sdk::receipt_decision(); }
const char* mas_receipt_detail(void) { return mas::sdk::receipt_detail(); }
int64_t mas_receipt_retry_after(void) { return mas::sdk::receipt_retry_after(); }

const char* mas_error_reply_code(void) { return mas::sdk::error_reply_code(); }
const char* mas_error_reply_text(void) { return mas::sdk::error_reply_text(); }

const char* mas_version(void) {
#define MAS_TEXT_OF(x) #x
#define MAS_TEXT(x) MAS_TEXT_OF(x)
  return MAS_TEXT(MAS_VERSION_MAJOR) "." MAS_TEXT(MAS_VERSION_MINOR) "." MAS_TEXT(MAS_VERSION_PATCH);
}

bool mas_version_compatible(int header_version) {
  int major = header_version / 1'000'000;
  int minor = header_version / 1'000 % 1'000;
  if (header_version < 0 || header_version > MAS_VERSION || major != MAS_VERSION_MAJOR) return false;
  return major != 0 || minor == MAS_VERSION_MINOR;
}

}  // extern "C"
