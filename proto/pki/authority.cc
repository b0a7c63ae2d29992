// Certificates made and signed by OpenSSL.
#include "proto/pki/authority.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "proto/base/ids.h"
#include "proto/base/random.h"
#include "proto/pki/handles.h"

namespace mas::pki {
namespace {

constexpr std::string_view kScheme = "URI:spiffe://";
constexpr size_t kSerialBytes = 16;
constexpr size_t kMaxCommonName = 64;  // ub-common-name of RFC 5280

Error invalid(std::string text) { return Error{Errc::kInvalidArgument, std::move(text)}; }

/// For calls that fail only for want of memory or of an algorithm that every OpenSSL has.
void must(bool done) {
  if (done) return;
  std::fputs("OpenSSL cannot make a certificate\n", stderr);
  std::abort();
}

int no_passphrase(char*, int, int, void*) { return -1; }

KeyPtr key_of(std::string_view pem) {
  BioPtr in = reader_of(pem);
  KeyPtr key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

X509Ptr certificate_of(std::string_view pem) {
  BioPtr in = reader_of(pem);
  X509Ptr certificate(PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return certificate;
}

std::string pem_of(X509* certificate) {
  BioPtr out(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(out.get(), certificate) == 1);
  char* text = nullptr;
  long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

void add_subject(X509* certificate, std::string_view field, std::string_view value) {
  must(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), std::string(field).c_str(), MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size()),
                                  -1, 0) == 1);
}

/// A version 3 certificate without extensions, signed by nobody yet.
X509Ptr blank(EVP_PKEY* key, int64_t not_before, int64_t not_after) {
  X509Ptr out(X509_new());
  std::array<unsigned char, kSerialBytes> serial{};
  random_bytes(serial);
  BnPtr number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  must(X509_set_version(out.get(), X509_VERSION_3) == 1 && number != nullptr &&
       BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(out.get())) != nullptr &&
       ASN1_TIME_set(X509_getm_notBefore(out.get()), not_before) != nullptr &&
       ASN1_TIME_set(X509_getm_notAfter(out.get()), not_after) != nullptr && X509_set_pubkey(out.get(), key) == 1);
  return out;
}

/// @param value in the syntax of x509v3_config(5); never from outside but for a checked domain.
void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

bool append_text(GENERAL_NAMES* names, int type, std::string_view value) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_IA5STRING* text = ASN1_IA5STRING_new();
  must(name != nullptr && text != nullptr && ASN1_STRING_set(text, value.data(), static_cast<int>(value.size())) == 1);
  GENERAL_NAME_set0_value(name, type, text);
  return sk_GENERAL_NAME_push(names, name) > 0;
}

bool append_address(GENERAL_NAMES* names, const std::string& value) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(value.c_str());
  GENERAL_NAME* name = GENERAL_NAME_new();
  if (address == nullptr || name == nullptr) return false;
  GENERAL_NAME_set0_value(name, GEN_IPADD, address);
  return sk_GENERAL_NAME_push(names, name) > 0;
}

bool append_name(GENERAL_NAMES* names, const std::string& name) {
  if (name.starts_with("DNS:")) return append_text(names, GEN_DNS, std::string_view(name).substr(4));
  if (name.starts_with("URI:")) return append_text(names, GEN_URI, std::string_view(name).substr(4));
  return name.starts_with("IP:") && append_address(names, name.substr(3));
}

Status add_names(X509* certificate, const std::vector<std::string>& wished) {
  NamesPtr names(GENERAL_NAMES_new());
  must(names != nullptr);
  for (const auto& name : wished)
    if (!append_name(names.get(), name))
      return invalid("'" + printable(name) + "' cannot be a certificate's name; expected DNS:…, IP:… or URI:…");
  must(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1);
  return {};
}

void sign(X509* certificate, EVP_PKEY* key) { must(X509_sign(certificate, key, EVP_sha256()) > 0); }

bool is_ipv4(const std::string& text) {
  in_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

/// @return the domain of an authority's SPIFFE name; empty when it has none.
std::string domain_of(const std::vector<std::string>& names) {
  for (const auto& name : names)
    if (name.starts_with(kScheme) && name.find('/', kScheme.size()) == std::string::npos)
      return name.substr(kScheme.size());
  return {};
}

}  // namespace

Status check_domain(std::string_view domain) {
  auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  if (!domain.empty() && domain.size() <= 255 && std::all_of(domain.begin(), domain.end(), good) &&
      domain.front() != '.' && !is_ipv4(std::string(domain)))
    return {};
  return invalid("'" + printable(domain) + "' is not a domain; expected 1 to 255 of a-z, 0-9, '.', '_' and '-'");
}

Secret new_key() {
  KeyPtr key(EVP_EC_gen("P-256"));
  BioPtr out(BIO_new(BIO_s_secmem()));
  must(key != nullptr && out != nullptr &&
       PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* text = nullptr;
  long size = BIO_get_mem_data(out.get(), &text);
  return Secret({text, static_cast<size_t>(size)});
}

Result<std::string> Authority::create(const std::string& domain, std::string_view key_pem, int64_t lifetime,
                                      int64_t now) {
  if (auto status = check_domain(domain); !status) return status.error();
  KeyPtr key = key_of(key_pem);
  if (key == nullptr) return invalid("expected an unencrypted private key in PEM");
  X509Ptr out = blank(key.get(), now - kBackdated, now + lifetime);
  X509* certificate = out.get();
  add_subject(certificate, "O", domain.substr(0, kMaxCommonName));
  add_subject(certificate, "CN", "MAS certificate authority");
  must(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1);
  extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(certificate, certificate, NID_subject_key_identifier, "hash");
  extend(certificate, certificate, NID_name_constraints, "critical,permitted;URI:" + domain);
  if (auto status = add_names(certificate, {std::string(kScheme) + domain}); !status) return status.error();
  sign(certificate, key.get());
  return pem_of(certificate);
}

Result<Authority> Authority::from_pem(std::string_view certificate, std::string_view key, const std::string& file) {
  auto values = parse_certificates(certificate, file);
  if (!values) return values.error();
  Authority out;
  out.certificate_ = certificate_of(certificate);
  out.key_ = key_of(key);
  out.domain_ = domain_of(values->front().names);
  out.not_after_ = values->front().not_after;
  if (!values->front().authority || out.domain_.empty())
    return invalid(file + ": expected the certificate of an authority that 'masctl certs init' made");
  if (out.key_ == nullptr) return invalid("expected an unencrypted private key in PEM");
  const bool fits = X509_check_private_key(out.certificate_.get(), out.key_.get()) == 1;
  ERR_clear_error();
  if (!fits) return invalid("expected the key of " + file + ", found another one");
  return out;
}

Result<Issued> Authority::issue(const LeafWish& wish, int64_t now) const {
  if (now >= not_after_) return invalid("the authority has expired; make a new one");
  if (wish.names.empty()) return invalid("expected at least one name");
  Issued out{{}, new_key()};
  KeyPtr key = key_of(out.key.text());
  must(key != nullptr);
  X509Ptr leaf = blank(key.get(), now - kBackdated, std::min(now + wish.lifetime, not_after_));
  X509* issuer = certificate_.get();
  add_subject(leaf.get(), "O", domain_.substr(0, kMaxCommonName));
  if (!wish.common_name.empty() && wish.common_name.size() <= kMaxCommonName)
    add_subject(leaf.get(), "CN", wish.common_name);
  must(X509_set_issuer_name(leaf.get(), X509_get_subject_name(issuer)) == 1);
  extend(leaf.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
  extend(leaf.get(), issuer, NID_key_usage, "critical,digitalSignature");
  extend(leaf.get(), issuer, NID_ext_key_usage,
         wish.purpose == Purpose::kServer ? "serverAuth,clientAuth" : "clientAuth");
  extend(leaf.get(), issuer, NID_subject_key_identifier, "hash");
  extend(leaf.get(), issuer, NID_authority_key_identifier, "keyid:always");
  if (auto status = add_names(leaf.get(), wish.names); !status) return status.error();
  sign(leaf.get(), key_.get());
  out.certificate = pem_of(leaf.get());
  return out;
}

bool Authority::signed_this(std::string_view pem) const {
  X509Ptr leaf = certificate_of(pem);
  if (leaf == nullptr) return false;
  const bool mine = X509_verify(leaf.get(), key_.get()) == 1;
  ERR_clear_error();
  return mine;
}

}  // namespace mas::pki
