// Randomness from the kernel: identifiers, tokens, jitter.
//
// Every call draws from getrandom(2) through a per-thread buffer, so an identifier costs a copy, not a system
// call. A child after fork() shares nothing: the buffer is discarded in the child.
// Threading: safe from any thread. Failure: getrandom cannot fail once the kernel's pool is up; if it does
// the process aborts, since no identifier made without it could be trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace mas {

void random_bytes(std::span<unsigned char> out);
uint64_t random_u64();

/// @return `bytes` random bytes as url-safe base64 without padding (RFC 4648 §5); 32 bytes give 43
/// characters.
std::string random_token(size_t bytes);

}  // namespace mas
