// TLS over memory: a context per endpoint, a session per link; bytes in, bytes out, no sockets.
//
// Happy path: handshake() until done, exchanging what take_outgoing() gives and feed() takes; then read() and write().
// The server's certificate is always verified against the CA and its name or IP address (RFC 6125, RFC 9525); TLS 1.2
// is the least.
// Failure: kInvalidArgument for files that cannot be used (the file is named), kAuthFailed for a certificate that does
// not verify, kProtocol for anything else; the session is then unusable.
// Threading: a context may be shared, a session belongs to one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proto/base/result.h"
#include "proto/redis/url.h"

namespace mas::redis {

/// OpenSSL frees what it is made of when the process exits, while other threads still use it: asks it not to, for who
/// does so before OpenSSL's first use; else its clean-up stays where it stands among the functions of atexit().
void keep_tls_at_exit();

class TlsContext {
 public:
  static Result<std::shared_ptr<TlsContext>> create(const TlsFiles& files);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsSession;
  TlsContext() = default;
  void* ctx_ = nullptr;  // SSL_CTX
};

class TlsSession {
 public:
  /// @param name host name or IP address that the server's certificate must carry.
  TlsSession(std::shared_ptr<TlsContext> context, const std::string& name);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  /// Takes bytes from the socket.
  void feed(std::string_view ciphertext);
  /// Moves what must go to the socket to the end of `out`.
  void take_outgoing(std::string& out);

  /// Goes as far as it can. @return true when the handshake is complete.
  Result<bool> handshake();
  /// @return how many plaintext bytes were put into `out`; 0 when more must be fed first.
  Result<size_t> read(char* out, size_t size);
  Status write(std::string_view plaintext);

 private:
  Error failure(const char* what, int result) const;

  std::shared_ptr<TlsContext> context_;
  std::string name_;
  void* ssl_ = nullptr;  // SSL; owns both BIOs
};

}  // namespace mas::redis
