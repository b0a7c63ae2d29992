// Passwords and tokens that their place in a line tells, and lines that look alike. Values are made up.
#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas::dlp::test;

namespace {

using Types = std::set<std::string>;

}  // namespace

TEST_CASE("PostgreSQL's password file") {
  check_types(
      {
          "db.corp.example:5432:app:svc:Tiger88xkz",
          "*:*:*:postgres:q8Zr4Tn1Xw",
          "# ~/.pgpass\nlocalhost:5433:orders:bob:hunter2pass1\n",
          R"({"line": "10.0.0.5:6432:app:svc:k9V\\:tq2ZmR"})",
      },
      {"password"});
  check_types(
      {
          "10.0.0.5:5432: connection refused",
          "0.0.0.0:5432:5432/tcp",
          "ports: [127.0.0.1:5432:5432]",
          "db:5432:app:svc:$PGPASSWORD",
          "hostname:port:database:username:password",
          "db:5432:app:svc:secret",
          "2026-11-29 db1:5432:app:svc:up",
          "::1:5432:a:b:c",
      },
      {});
}

TEST_CASE("keys of wireless networks") {
  check_types(
      {
          "WIFI:S:CorpNet;T:WPA;P:Tiger88xkz;;",
          "WIFI:T:WPA;S:Corp\\;Net;P:ti\\:ger88x;H:true;;",
          "wifi: SSID CorpNet, key Tiger!88xkz",
          "network={\n  ssid=\"CorpNet\"\n  psk=\"Tiger88xkz\"\n}",
          "nmcli dev wifi connect CorpNet password Tiger88xkz",
          "nmcli connection modify CorpNet wifi-sec.psk \"Tiger88xkz\"",
          "the wifi key is Tiger88xkz",
      },
      {"password"});
  check_types(
      {
          "WIFI:S:Guest;T:nopass;;",
          "WIFI:S:<name>;T:WPA;P:<password>;;",
          "WIFI: connected to CorpNet, 5 GHz",
          "ssid=\"Guest-5G\" auth_failures=2 reason=WRONG_KEY",
          "nmcli dev wifi connect CorpNet password \"$PSK\"",
          "nmcli dev wifi list",
          "the ssid is read by key handler2 of the widget",
          "wlan0: WPA: pre-shared key may be incorrect",
      },
      {});
}

TEST_CASE("tokens of Discord's bots in the call that logs in") {
  const std::string token =
      "MTA4NzY1NDMyMTA5ODc2NTQz."
      "Gx7Qr2.k9Vtq2ZmRq8Zr4Tn1Xw7Pk3VbY6aB3dE5fG7hJ";
  ScanCase at;
  CHECK(at.types("client.login(\"" + token + "\");") == Types{"api_key"});
  CHECK(at.types("bot.run('" + token + "')") == Types{"api_key"});
  CHECK(at.types("client.login(process.env.TOKEN)") == Types{});
  CHECK(at.types("client.login(\"com.example.Handler2.method\")") == Types{});
  CHECK(at.types("page.login(\"bob\", \"k9V!tq2ZmR\")") == Types{"password"});
  CHECK(at.types("page.login(\"bob\", \"<password>\")") == Types{});
}

TEST_CASE("parameters of Azure's deployments") {
  check_types({R"({"parameters": {"adminPassword": {"value": "k9V!tq2ZmR"}, "n": {"value": 3}}})"}, {"password"});
  check_types({R"({"adminPassword": {"type": "securestring", "metadata": {"description": "set by pipeline2"}}})",
               R"({"adminPassword": {"reference": {"keyVault": {"id": "/subscriptions/1"}, "secretName": "vm2"}}})"},
              {});
}

TEST_CASE("files of programs in which the place tells the password") {
  check_types(
      {
          "username netadmin privilege 15 password 0 Tiger88xkz",
          "username netadmin password 7 0822455D0A16544541",
          "snmp-server community Tiger88xkz RO",
          "[smtp.relay.example]:587 svc:Tiger88xkz",
          "listen stats\n  stats auth bob:Tiger88xkz",
          "client\n<auth-user-pass>\nvpnuser\nTiger88xkz\n</auth-user-pass>\n",
          "<AdministratorPassword><Value>Tiger88xkz</Value></AdministratorPassword>",
          "release {\n  storePassword 'Tiger88xkz'\n  keyAlias 'app'\n}",
          "composer config --global http-basic.repo.example.net deploy Tiger88xkz",
          "aws ssm put-parameter --name /prod/db/password --value \"Tiger88xkz\" --type SecureString",
          "az keyvault secret set --vault-name kv1 --name DbPassword --value Tiger88xkz",
          "binddn cn=reader\nbindpw Tiger88xkz",
          "ldap_default_authtok_type = password\nldap_default_authtok = Tiger88xkz",
          "rootpw --plaintext Tiger88xkz",
          "new Container(\"postgres:16\").withPassword(\"Tiger88xkz\")",
      },
      {"password"});
  check_types(
      {
          "the password 0 times changed, the password 7 days old",
          "snmp-server community public RO",
          "snmp-server community $COMMUNITY RO",
          "[smtp.relay.example]:587 connected",
          "<auth-user-pass>\n/etc/openvpn/login\n",
          "<AdministratorPassword><Value>%PASSWORD%</Value>",
          "storePassword 'android'",
          "stats auth admin:$PASSWORD",
          "encryption:\n  key: \"!secret api_key\"",
          "Breakpoint 1, check (user=0x7ffe1c2a \"bob\", pw=0x5581b2a0 <buf+16>) at auth.c:88",
          "storePassword System.getenv('STORE_PASSWORD')",
          "composer config http-basic.repo.example.net deploy $TOKEN",
          "az keyvault secret set --name DbPassword --value $DB_PASSWORD",
          "aws ssm put-parameter --name /prod/db/password-policy --value Tiger88xkz",
          "aws ssm put-parameter --name /prod/db/host --value db1.example.net",
          "ldap_default_authtok_type = obfuscated_password",
          "form.setPassword(\"\")",
          "form.setPassword(user.password)",
      },
      {});
}

TEST_CASE("passwords that a session sends") {
  check_types(
      {
          "* OK IMAP4rev1\na1 LOGIN bob Tiger88xkz\na1 OK LOGIN completed",
          "expect \"password:\"\nsend \"Tiger88xkz\\r\"",
          "/msg NickServ IDENTIFY bob Tiger88xkz",
      },
      {"password"});
  check_types({"api:\n  encryption:\n    key: \"+OdYVLxInClQmNZkd2plfxP/55U+zCkiEPHnhuZ8sl4=\"\n"}, {"api_key"});
  check_types({"EHLO host\nAUTH PLAIN AGJvYgBUaWdlcjg4eGt6\n235 ok"}, {"basic_auth"});
  check_types(
      {
          "* OK IMAP4rev1\na1 OK LOGIN completed",
          "EVENT LOGIN user42 from 10.0.0.5",
          "250-AUTH PLAIN LOGIN CRAM-MD5",
          "AUTH PLAIN dGhlIHF1aWNrIGJyb3du",
          "expect \"continue?\"\nsend \"Tiger88xkz\\r\"",
          "expect \"password:\"\nsend \"$pw\\r\"",
          "/msg NickServ IDENTIFY bob <password>",
      },
      {});
}
