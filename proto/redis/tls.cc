// OpenSSL 3 with memory BIOs.
#include "proto/redis/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <climits>
#include <ctime>
#include <new>

#include "proto/redis/usable_tls.h"

namespace mas::redis {
namespace {

SSL_CTX* as_ctx(void* p) { return static_cast<SSL_CTX*>(p); }
SSL* as_ssl(void* p) { return static_cast<SSL*>(p); }

/// The oldest error that OpenSSL queued on this thread; the rest is discarded.
std::string queued_error() {
  unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

Error bad_file(const char* what, const std::string& file) {
  return Error{Errc::kInvalidArgument, std::string("TLS: cannot use ") + what + " '" + file + "': " + queued_error()};
}

int no_passphrase(char*, int, int, void*) { return 0; }

bool is_ip_address(const std::string& name) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), address) == 1 || inet_pton(AF_INET6, name.c_str(), address) == 1;
}

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

bool load_certificates(SSL_CTX* ctx, BIO* in) {
  X509* leaf = PEM_read_bio_X509_AUX(in, nullptr, no_passphrase, nullptr);
  const bool loaded = leaf != nullptr && SSL_CTX_use_certificate(ctx, leaf) == 1;
  X509_free(leaf);
  if (!loaded) return false;
  while (X509* next = PEM_read_bio_X509(in, nullptr, no_passphrase, nullptr))
    if (SSL_CTX_add0_chain_cert(ctx, next) != 1) return X509_free(next), false;
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (at_end) ERR_clear_error();
  return at_end;
}

bool load_key(SSL_CTX* ctx, BIO* in) {
  EVP_PKEY* key = PEM_read_bio_PrivateKey(in, nullptr, no_passphrase, nullptr);
  const bool loaded = key != nullptr && SSL_CTX_use_PrivateKey(ctx, key) == 1;
  EVP_PKEY_free(key);
  return loaded;
}

/// A file with both is opened once, so that one that is replaced meanwhile gives a key and a certificate that fit.
Status load_pair(SSL_CTX* ctx, const std::string& cert, const std::string& key) {
  Bio certs(BIO_new_file(cert.c_str(), "r"));
  if (certs == nullptr || !load_certificates(ctx, certs.get())) return bad_file("the certificate", cert);
  Bio other(key == cert ? nullptr : BIO_new_file(key.c_str(), "r"));
  BIO* keys = key == cert ? certs.get() : other.get();
  if (keys == nullptr || (key == cert && BIO_seek(keys, 0) < 0) || !load_key(ctx, keys))
    return bad_file("the key", key);
  if (SSL_CTX_check_private_key(ctx) != 1) return bad_file("the key with its certificate", key);
  return {};
}

Status load_files(SSL_CTX* ctx, const TlsFiles& files) {
  if (files.ca.empty()) {
    if (SSL_CTX_set_default_verify_paths(ctx) != 1)
      return bad_file("the system's certificate authorities in", "default paths");
  } else if (SSL_CTX_load_verify_locations(ctx, files.ca.c_str(), nullptr) != 1) {
    return bad_file("the CA file", files.ca);
  }
  return files.cert.empty() ? Status() : load_pair(ctx, files.cert, files.key);
}

}  // namespace

void keep_tls_at_exit() { OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr); }

Result<std::shared_ptr<TlsContext>> TlsContext::create(const TlsFiles& files) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> context(new TlsContext());
  SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
  if (ctx == nullptr) return Error{Errc::kNoMemory, "TLS: no memory for a context"};
  context->ctx_ = ctx;
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
#ifdef SSL_OP_CLEANSE_PLAINTEXT  // since OpenSSL 3.0
  SSL_CTX_set_options(ctx, SSL_OP_CLEANSE_PLAINTEXT);
#endif
  if (auto status = load_files(ctx, files); !status) return status.error();
  return context;
}

TlsContext::~TlsContext() { SSL_CTX_free(as_ctx(ctx_)); }

TlsSession::TlsSession(std::shared_ptr<TlsContext> context, const std::string& name)
    : context_(std::move(context)), name_(name) {
  SSL* ssl = SSL_new(as_ctx(context_->ctx_));
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (ssl == nullptr || in == nullptr || out == nullptr) {
    SSL_free(ssl);
    BIO_free(in);
    BIO_free(out);
    throw std::bad_alloc();
  }
  SSL_set_bio(ssl, in, out);
  // A certificate's common name is no host name (RFC 9525).
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (is_ip_address(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str());
  } else {
    SSL_set1_host(ssl, name.c_str());
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(name.c_str()));  // SNI
  }
  SSL_set_connect_state(ssl);
  ssl_ = ssl;
}

TlsSession::~TlsSession() { SSL_free(as_ssl(ssl_)); }

void TlsSession::feed(std::string_view ciphertext) {
  BIO* in = SSL_get_rbio(as_ssl(ssl_));
  for (; !ciphertext.empty();) {
    int n = BIO_write(in, ciphertext.data(), static_cast<int>(std::min<size_t>(ciphertext.size(), INT_MAX)));
    if (n <= 0) throw std::bad_alloc();  // a memory BIO refuses nothing else
    ciphertext.remove_prefix(static_cast<size_t>(n));
  }
}

void TlsSession::take_outgoing(std::string& out) {
  BIO* pending = SSL_get_wbio(as_ssl(ssl_));
  size_t size = BIO_ctrl_pending(pending);
  if (size == 0) return;
  size_t before = out.size();
  out.resize(before + size);
  int n = BIO_read(pending, out.data() + before, static_cast<int>(size));
  out.resize(before + static_cast<size_t>(n > 0 ? n : 0));
}

Error TlsSession::failure(const char* what, int result) const {
  long verify = SSL_get_verify_result(as_ssl(ssl_));
  if (verify != X509_V_OK) {
    ERR_clear_error();
    return Error{Errc::kAuthFailed, std::string("TLS: the server's certificate was refused: ") +
                                        X509_verify_cert_error_string(verify) + "; expected one for '" + name_ + "'"};
  }
  if (SSL_get_error(as_ssl(ssl_), result) == SSL_ERROR_ZERO_RETURN)
    return Error{Errc::kConnectionLost, "TLS: the server ended the session"};
  return Error{Errc::kProtocol, std::string("TLS: ") + what + " failed: " + queued_error()};
}

Result<bool> TlsSession::handshake() {
  ERR_clear_error();
  int result = SSL_do_handshake(as_ssl(ssl_));
  if (result == 1) {
    X509* certificate = SSL_get_peer_certificate(as_ssl(ssl_));
    std::tm end{};
    if (certificate != nullptr && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1)
      remember_server(name_, timegm(&end));
    X509_free(certificate);
    return true;
  }
  if (SSL_get_error(as_ssl(ssl_), result) == SSL_ERROR_WANT_READ) return false;
  return failure("the handshake", result);
}

Result<size_t> TlsSession::read(char* out, size_t size) {
  ERR_clear_error();
  int result = SSL_read(as_ssl(ssl_), out, static_cast<int>(std::min<size_t>(size, INT_MAX)));
  if (result > 0) return static_cast<size_t>(result);
  if (SSL_get_error(as_ssl(ssl_), result) == SSL_ERROR_WANT_READ) return size_t{0};
  return failure("reading", result);
}

Status TlsSession::write(std::string_view plaintext) {
  ERR_clear_error();
  while (!plaintext.empty()) {
    int n = SSL_write(as_ssl(ssl_), plaintext.data(), static_cast<int>(std::min<size_t>(plaintext.size(), INT_MAX)));
    if (n <= 0) return failure("writing", n);
    plaintext.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace mas::redis
