// PEM to values, by OpenSSL.
#include "proto/pki/certificate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "proto/base/secret.h"
#include "proto/pki/handles.h"

namespace mas::pki {
namespace {

constexpr size_t kMaxFileBytes = 4u * 1024 * 1024;  // a system's bundle has a quarter of a MiB

int no_passphrase(char*, int, int, void*) { return -1; }

int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<int64_t>(timegm(&parts)) : 0;
}

std::string serial_of(X509* certificate) {
  BnPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  char* digits = number == nullptr ? nullptr : BN_bn2hex(number.get());
  std::string out = digits == nullptr ? "" : digits;
  OPENSSL_free(digits);
  return out;
}

std::string subject_of(X509* certificate) {
  BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  const bool v6 = ASN1_STRING_length(address) == 16;
  char text[INET6_ADDRSTRLEN] = "";
  if (v6 || ASN1_STRING_length(address) == 4)
    inet_ntop(v6 ? AF_INET6 : AF_INET, ASN1_STRING_get0_data(address), text, sizeof text);
  return text;
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<size_t>(ASN1_STRING_length(text))};
}

/// Names of other kinds are left out.
std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> out;
  NamesPtr names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) out.push_back("DNS:" + text_of(name->d.dNSName));
    if (name->type == GEN_URI) out.push_back("URI:" + text_of(name->d.uniformResourceIdentifier));
    if (name->type == GEN_IPADD) out.push_back("IP:" + address_text(name->d.iPAddress));
  }
  return out;
}

Certificate value_of(X509* certificate) {
  Certificate out;
  out.serial = serial_of(certificate);
  out.subject = subject_of(certificate);
  out.names = names_of(certificate);
  out.not_before = seconds_of(X509_get0_notBefore(certificate));
  out.not_after = seconds_of(X509_get0_notAfter(certificate));
  out.authority = X509_check_ca(certificate) == 1;
  out.purpose = (X509_get_extended_key_usage(certificate) & XKU_SSL_SERVER) != 0 ? Purpose::kServer : Purpose::kClient;
  return out;
}

}  // namespace

Result<std::vector<Certificate>> parse_certificates(std::string_view pem, const std::string& file) {
  std::vector<Certificate> out;
  BioPtr in = reader_of(pem);
  ERR_clear_error();
  while (X509Ptr certificate{PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr)})
    out.push_back(value_of(certificate.get()));
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) return Error{Errc::kInvalidArgument, file + ": a certificate in it is damaged; expected PEM"};
  if (out.empty()) return Error{Errc::kInvalidArgument, file + ": expected a PEM file with a certificate, found none"};
  return out;
}

Result<std::string> read_certificate_text(const std::string& path) {
  auto failed = [&path](int number) {
    return Error{number == ENOENT ? Errc::kNotFound : Errc::kInvalidArgument,
                 path + ": " + std::strerror(number) + "; expected a PEM file of certificates"};
  };
  // Without O_NONBLOCK a FIFO would hold the program up.
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return failed(errno);
  struct stat info {};
  std::string text;
  bool fits = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && static_cast<size_t>(info.st_size) <= kMaxFileBytes;
  if (fits) text.resize(static_cast<size_t>(info.st_size));
  ssize_t got = fits ? pread(fd, text.data(), text.size(), 0) : 0;
  int error = errno;
  close(fd);
  if (got < 0) return failed(error);
  if (!fits) return Error{Errc::kInvalidArgument, path + ": expected a PEM file of certificates, at most 4 MiB"};
  text.resize(static_cast<size_t>(got));
  return text;
}

Result<std::vector<Certificate>> read_certificates(const std::string& path) {
  auto text = read_certificate_text(path);
  if (!text) return text.error();
  auto out = parse_certificates(*text, path);
  wipe(*text);  // a key may be in the same file
  return out;
}

Status check_pair(std::string_view certificate, std::string_view key, const std::string& file) {
  BioPtr in = reader_of(certificate), keys = reader_of(key);
  X509Ptr first(PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr));
  KeyPtr own(PEM_read_bio_PrivateKey(keys.get(), nullptr, no_passphrase, nullptr));
  const bool fits = first != nullptr && own != nullptr && X509_check_private_key(first.get(), own.get()) == 1;
  ERR_clear_error();
  if (fits) return {};
  return Error{Errc::kInvalidArgument, file + ": expected a certificate in PEM, and its unencrypted private key"};
}

int64_t chain_ends(const std::vector<Certificate>& chain) {
  return std::min_element(chain.begin(), chain.end(),
                          [](const auto& a, const auto& b) { return a.not_after < b.not_after; })
      ->not_after;
}

int64_t trust_ends(const std::vector<Certificate>& authorities) {
  return std::max_element(authorities.begin(), authorities.end(),
                          [](const auto& a, const auto& b) { return a.not_after < b.not_after; })
      ->not_after;
}

}  // namespace mas::pki
