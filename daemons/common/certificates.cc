// Looking at files of certificates again and again.
#include "daemons/common/certificates.h"

#include <algorithm>

#include "proto/pki/certificate.h"

namespace mas::common {
namespace {

constexpr auto kPeriod = std::chrono::minutes(1);
constexpr auto kUnusableAgain = std::chrono::hours(1);
constexpr auto kAgeAgain = std::chrono::hours(24);
constexpr int64_t kDay = 86'400;
constexpr int64_t kSoon = 14 * kDay;

constexpr std::string_view kEndHelp =
    "When the certificate in the file expires, in seconds since 1970; of an authority's file, the last one in it.";

}  // namespace

Certificates::Certificates(uv_loop_t* loop, Log& log, Metrics& metrics)
    : log_(log),
      metrics_(metrics),
      unusable_(metrics.gauge("tls_files_unusable", "Sets of TLS files that cannot be used as they are now.")),
      timer_(loop, [this] { look(false); }) {}

void Certificates::watch(const redis::TlsFiles& files, std::function<Status()> take) {
  add(files.ca, true);
  add(files.cert, false);
  sets_.push_back({std::move(take), true, RepeatFilter(kUnusableAgain)});
}

void Certificates::add(const std::string& path, bool authority) {
  const bool known = std::any_of(files_.begin(), files_.end(), [&path](const File& file) { return file.path == path; });
  if (path.empty() || known) return;
  Gauge& end = metrics_.gauge("tls_certificate_expiry_timestamp_seconds", kEndHelp, {{"file", path}});
  files_.push_back({path, authority, sets_.size(), end, {}, 0, RepeatFilter(kAgeAgain)});
}

void Certificates::start() {
  if (sets_.empty()) return;
  look(false);
  timer_.every(kPeriod);
  timer_.unref();
}

void Certificates::look(bool asked) {
  for (auto& set : sets_) take(set, asked);
  unusable_.set(static_cast<double>(std::count_if(sets_.begin(), sets_.end(), [](const Set& s) { return !s.usable; })));
  // What cannot be used is not used: what counts is the end of what was read before.
  for (auto& file : files_)
    if (sets_[file.set].usable || file.serial.empty())
      read(file);
    else
      report_age(file);
}

void Certificates::take(Set& set, bool asked) {
  const Status taken = set.take();
  set.usable = taken.ok();
  if (taken.ok()) return set.told.reset();
  const bool due = set.told.should_log(taken.error().message, mono_now());
  if (due || asked)
    log_.error("certificate_unusable", {{"why", taken.error().message}, {"used", "what was read before, if anything"}});
}

void Certificates::read(File& file) {
  // What cannot be read is in the error of who takes it.
  if (auto all = pki::read_certificates(file.path); all) {
    file.at = file.authority ? pki::trust_ends(*all) : pki::chain_ends(*all);
    file.end.set(static_cast<double>(file.at));
    if (file.serial != all->front().serial) {
      file.serial = all->front().serial;
      file.told.reset();
      log_.info("certificate_read", {{"file", file.path}, {"serial", file.serial}, {"expires", file.at}});
    }
  }
  if (!file.serial.empty()) report_age(file);
}

void Certificates::report_age(File& file) {
  const int64_t left = file.at - wall_now() / 1'000'000;
  const Age age = left <= 0 ? Age::kEnded : left <= kSoon ? Age::kEndsSoon : Age::kGood;
  if (age == Age::kGood) return file.told.reset();
  if (!file.told.should_log(age == Age::kEnded ? "ended" : "soon", mono_now())) return;
  if (age == Age::kEnded)
    log_.error("certificate_expired", {{"file", file.path}, {"expired", file.at}});
  else
    log_.warn("certificate_expires_soon", {{"file", file.path}, {"expires", file.at}, {"days_left", left / kDay}});
}

std::optional<Certificates::End> Certificates::first_to_end() const {
  std::optional<End> first;
  for (const auto& file : files_)
    if (!file.serial.empty() && (!first || file.at < first->at)) first = End{file.path, file.at};
  return first;
}

}  // namespace mas::common
