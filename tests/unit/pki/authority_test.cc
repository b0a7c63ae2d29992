// The private authority and what it signs. That others accept the certificates is checked by test_masctl_certs.py.
#include "proto/pki/authority.h"

#include "tests/unit/catch.h"
#include "tests/unit/temp_dir.h"

using namespace mas;
using namespace mas::pki;

namespace {

constexpr int64_t kNow = 1'800'000'000;
constexpr int64_t kDay = 86'400;

struct Made {
  Secret key = new_key();
  std::string certificate = *Authority::create("example.org", key.text(), 100 * kDay, kNow);
  Authority authority = *Authority::from_pem(certificate, key.text(), "ca.crt");
};

Certificate only(const std::string& pem) {
  auto all = parse_certificates(pem, "x.pem");
  REQUIRE(all.ok());
  REQUIRE(all->size() == 1);
  return all->front();
}

}  // namespace

TEST_CASE("authority: its certificate") {
  Made made;
  Certificate ca = only(made.certificate);
  CHECK(ca.authority);
  CHECK(ca.names == std::vector<std::string>{"URI:spiffe://example.org"});
  CHECK(ca.not_before == kNow - kBackdated);
  CHECK(ca.not_after == kNow + 100 * kDay);
  CHECK(made.authority.domain() == "example.org");
}

TEST_CASE("authority: leaves have the wished names, a serial of their own, and end with the authority at the latest") {
  Made made;
  const std::vector<std::string> names = {"DNS:redis1", "IP:10.0.0.1", "IP:::1"};
  auto server = made.authority.issue({"redis1", names, Purpose::kServer, 90 * kDay}, kNow);
  auto agent = made.authority.issue({"", {"URI:spiffe://example.org/agent/bob"}, Purpose::kClient, 400 * kDay}, kNow);
  REQUIRE(server.ok());
  REQUIRE(agent.ok());
  Certificate one = only(server->certificate), two = only(agent->certificate);
  CHECK(one.names == names);
  CHECK(one.subject.find("CN=redis1") != std::string::npos);
  CHECK(one.purpose == Purpose::kServer);
  CHECK(one.not_before == kNow - kBackdated);
  CHECK(one.not_after == kNow + 90 * kDay);
  CHECK_FALSE(one.authority);
  CHECK(two.subject.find("CN") == std::string::npos);
  CHECK(two.purpose == Purpose::kClient);
  CHECK(two.not_after == kNow + 100 * kDay);
  CHECK(one.serial != two.serial);
  CHECK(server->key.text() != agent->key.text());
  CHECK(made.authority.signed_this(server->certificate));
  CHECK_FALSE(Made().authority.signed_this(server->certificate));
}

TEST_CASE("authority: what cannot be issued is refused with the reason") {
  Made made;
  auto said = [](const auto& result) { return result.ok() ? "" : result.error().message; };
  CHECK(said(made.authority.issue({"", {}, Purpose::kClient, kDay}, kNow)).find("at least one name") !=
        std::string::npos);
  CHECK(said(made.authority.issue({"", {"IP:10.0.0"}, Purpose::kClient, kDay}, kNow)).find("10.0.0") !=
        std::string::npos);
  CHECK(said(made.authority.issue({"", {"bob"}, Purpose::kClient, kDay}, kNow)).find("bob") != std::string::npos);
  CHECK(said(made.authority.issue({"", {"DNS:a"}, Purpose::kClient, kDay}, kNow + 101 * kDay)).find("expired") !=
        std::string::npos);
  CHECK(said(Authority::from_pem(made.certificate, new_key().text(), "ca.crt")).find("ca.crt") != std::string::npos);
  auto leaf = made.authority.issue({"", {"DNS:a"}, Purpose::kServer, kDay}, kNow);
  CHECK(said(Authority::from_pem(leaf->certificate, leaf->key.text(), "a.pem")).find("masctl certs init") !=
        std::string::npos);
}

TEST_CASE("authority: domains") {
  for (const char* good : {"example.org", "mas", "a-b_c.1"}) CHECK(check_domain(good).ok());
  for (const char* bad : {"", "Example.org", "a/b", "a b", "10.0.0.1", "a,URI:b", "a\nb", ".org"})
    CHECK_FALSE(check_domain(bad).ok());
  CHECK_FALSE(check_domain(std::string(256, 'a')).ok());
}

TEST_CASE("certificates: files") {
  Made made;
  test::TempDir dir;
  auto leaf = made.authority.issue({"", {"DNS:a"}, Purpose::kServer, kDay}, kNow);
  auto both =
      read_certificates(dir.file("both.pem", std::string(leaf->key.text()) + leaf->certificate + made.certificate));
  REQUIRE(both.ok());
  REQUIRE(both->size() == 2);
  CHECK(chain_ends(*both) == kNow + kDay);
  CHECK(trust_ends(*both) == kNow + 100 * kDay);

  auto refusal = [](const std::string& path) {
    auto read = read_certificates(path);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().message.find(path) != std::string::npos);
    return read.error();
  };
  CHECK(refusal(dir.name + "/none.pem").code == Errc::kNotFound);
  CHECK(refusal(dir.name).code == Errc::kInvalidArgument);
  CHECK(refusal(dir.file("key.pem", std::string(leaf->key.text()))).message.find("found none") != std::string::npos);
  CHECK(refusal(dir.file("half.pem", leaf->certificate.substr(0, 200))).code == Errc::kInvalidArgument);
  std::string damaged = leaf->certificate;
  damaged[100] = '!';
  CHECK(refusal(dir.file("damaged.pem", made.certificate + damaged)).message.find("damaged") != std::string::npos);
}
