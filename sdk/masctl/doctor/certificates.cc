// Files of certificates, read and judged.
#include "sdk/masctl/doctor/certificates.h"

#include "proto/pki/certificate.h"
#include "sdk/masctl/cli/text.h"
#include "sdk/masctl/doctor/findings.h"

namespace mas::ctl {

namespace {

constexpr int64_t kDay = 86'400;
constexpr int64_t kSoon = 14 * kDay;

/// @param where whose file it is, for people; empty: this program's.
Finding judge_file(const std::string& file, int64_t expires, int64_t now, const std::string& where) {
  const int64_t left = expires - now;
  const std::string named = visible(file) + where;
  if (left <= 0)
    return {Level::kFail, "certificate", named + " expired " + brief_duration(static_cast<double>(-left)) + " ago",
            "New links are refused. Renew it (masctl certs renew, or your authority's tool), then reload the daemons, "
            "or let "
            "Redis read it (CONFIG SET tls-cert-file) where it is the server's."};
  std::string found = named + " expires in " + brief_duration(static_cast<double>(left));
  if (left > kSoon) return {Level::kOk, "certificate", std::move(found), ""};
  return {
      Level::kWarn, "certificate", std::move(found),
      "Renew it (masctl certs renew, or your authority's tool). Links that are up stay up after it has expired; new "
      "ones are refused."};
}

}  // namespace

std::vector<CertificateFact> read_certificates(const Settings& settings) {
  std::vector<CertificateFact> out;
  const redis::TlsFiles& files = settings.endpoint.tls;
  for (const std::string& file : {files.ca, files.cert}) {
    if (file.empty()) continue;
    auto all = pki::read_certificates(file);
    if (all.ok())
      out.push_back({file, {}, file == files.ca ? pki::trust_ends(*all) : pki::chain_ends(*all)});
    else
      out.push_back({file, all.error(), 0});
  }
  return out;
}

void check_certificates(const Facts& facts, std::vector<Finding>& out) {
  for (const auto& fact : facts.certificates) {
    if (fact.unreadable)
      out.push_back(
          {Level::kFail, "certificate", fact.unreadable->message, "Correct the file, or the URL that names it."});
    else
      out.push_back(judge_file(fact.file, fact.expires, facts.now, ""));
  }
  for (const auto& daemon : facts.daemons)
    if (daemon.beats && !daemon.certificate.empty())
      out.push_back(judge_file(daemon.certificate, daemon.certificate_expires, facts.now,
                               " of " + daemon.name + " " + daemon.instance.substr(0, 8)));
}

}  // namespace mas::ctl
