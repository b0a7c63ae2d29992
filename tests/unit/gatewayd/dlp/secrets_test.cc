// Passwords in URLs, on command lines and in headers, private keys and seed phrases: what is found, and its
// look-alikes. Values are made up; those of keys are put together here, so that no file holds what a secret scanner
// would report.
#include <algorithm>
#include <string>

#include "daemons/gatewayd/dlp/detect/base64.h"
#include "daemons/gatewayd/dlp/detect/seed_phrases.h"
#include "proto/wire/digest.h"
#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

using Types = std::set<std::string>;

const std::string kPassword =
    "Vq7w"
    "Rk2z9X";
const std::string kKey =
    "Zq7Rk2Vw9Xb4Nc8Td3Yf6Hg1"
    "Jm5Lp0Sa2Ue7Ki4Qo9Wn";
const std::string kHex =
    "7b3e0d58a2f9c1647e3b0d85af29c146"
    "b73ed05829fac1647eb30d581a2f9c46";

void finds(const std::string& type, const std::vector<std::string>& messages) {
  ScanCase at;
  for (const std::string& message : messages) {
    INFO(message);
    CHECK(at.types(message).contains(type));
  }
}

void leaves_alone(const std::vector<std::string>& messages) {
  ScanCase at;
  for (const std::string& message : messages) {
    INFO(message);
    Types found = at.types(message), secrets;
    for (const char* type : {"api_key", "password", "basic_auth", "connection_string", "private_key", "aws_key", "jwt"})
      if (found.contains(type)) secrets.insert(type);
    CHECK(secrets == Types{});
  }
}

}  // namespace

TEST_CASE("credentials in URLs") {
  finds("connection_string",
        {"postgresql+asyncpg://svc:" + kPassword + "@db:5432/app", "redis://:" + kPassword + "@cache:6379/0",
         "postgres://svc:Vq7/w?Rk#2z9@db.example.net/app", "amqp://svc:" + kPassword + "@mq/vhost",
         "ldap://cn=admin,dc=example,dc=net:" + kPassword + "@ldap:389", "cassandra://svc:" + kPassword + "@h1,h2/ks",
         "jdbc:oracle:thin:svc/" + kPassword + "@db.example.net:1521:ORCL",
         "jdbc:oracle:thin:svc/" + kPassword + "@//db.example.net:1521/app", "svc/" + kPassword + "@//db:1521/app",
         "Server=tcp:db.example.net,1433;Initial Catalog=app;User ID=svc;Password=" + kPassword + ";Encrypt=True",
         "jdbc:sqlserver://db:1433;databaseName=app;user=svc;password=" + kPassword,
         "Driver={ODBC Driver 18};Server=db;UID=svc;PWD=" + kPassword});
  finds("basic_auth",
        {"https://svc:" + kPassword + "@h.example.org/x", "git clone https://svc:Vq7w/Rk2z9@h.example.org/x.git",
         "https://" + kHex.substr(0, 32) + ":" + kHex.substr(32, 32) + "@o1.ingest.sentry.io/42"});
}

TEST_CASE("URLs without credentials") {
  leaves_alone({"docker://name:tag@sha256:" + kHex,
                "oci://registry.example/app:1.2@sha256:" + kHex,
                "docker://registry:5000/app:1.2@sha256:" + kHex,
                "git@host:team/app.git",
                "ssh://git@host:22/team/app.git",
                "git+ssh://git@host:team/app.git#v1.2",
                "ssh://deploy@host",
                "postgres://${USER}:${PASS}@db/x",
                "postgres://$USER:$PASS@db/x",
                "f\"postgres://{user}:{password}@{host}/x\"",
                "mysql://%s:%s@%s/x",
                "postgres://svc:***@db/x",
                "postgres://svc:xxxxxx@db/x",
                "postgres://svc:[REDACTED]@db/x",
                "postgres://user:password@localhost/x",
                "amqp://guest:guest@mq/",
                "postgres://postgres:postgres@localhost:5432/x",
                "http://host:8080/a@b.example",
                "mongodb://h1:27017,h2:27017/db?name=a@b.example",
                "https://cdn.example.net/npm/vue@3.2.1/dist",
                "jdbc:oracle:thin:@db.example.net:1521:ORCL",
                "sqlplus /@//db:1521/app",
                "re.compile(r'://[^:]+:[^@]+@')",
                "Server=db;Database=app;Integrated Security=True",
                "Server=db;User ID=svc;Password=${DB_PASSWORD};",
                "user=svc;password=****;server=db"});
}

TEST_CASE("credentials in queries") {
  std::string signature = kKey.substr(0, 43) + "%3D";
  finds("api_key", {"https://a.blob.core.windows.net/c/b?sv=2022-11-02&se=2026-01-01&sp=r&sig=" + signature,
                    "https://b.s3.amazonaws.com/k?X-Amz-Expires=900&X-Amz-Signature=" + kHex,
                    "https://storage.googleapis.com/b/k?X-Goog-Signature=" + kHex + kHex,
                    "GET /v1/items?key=" + kKey.substr(0, 32) + " HTTP/1.1",
                    "https://h.example/x?access_token=" + kKey.substr(0, 24),
                    "https://h.example/x?a=1&api_key=" + kKey.substr(0, 24)});
  leaves_alone({"https://h.example/x?key=user-settings", "https://h.example/x?key=uploads/2024/01/photo-12.png&a=1",
                "https://h.example/x?page_token=" + kKey.substr(0, 24), "https://h.example/x?sig=" + signature,
                "https://h.example/x?api_key=YOUR_API_KEY_12", "https://h.example/x?token=${TOKEN}",
                "https://b.s3.amazonaws.com/k?X-Amz-Signature=REDACTED"});
}

TEST_CASE("passwords on command lines") {
  for (std::string p : {kPassword})
    finds("password", {"mysql -u root -p" + p + " app",
                       "mysqldump -h db -uroot -p'" + p + "' app",
                       "mysql -u mysql -p" + p,
                       "redis-cli -h cache -a " + p + " ping",
                       "docker login -u svc -p " + p + " registry.example",
                       "docker login --username svc --password " + p,
                       "podman login --password=" + p + " h.example",
                       "sshpass -p " + p + " ssh h",
                       "sshpass -p'" + p + "' ssh h",
                       "az login --service-principal -u x -p " + p + " --tenant t",
                       "htpasswd -b .htpasswd bob " + p,
                       "htpasswd -nbBC 10 bob " + p,
                       "htpasswd -bc .htpasswd bob " + p,
                       "echo 'bob:" + p + "' | chpasswd",
                       "echo \"bob:" + p + "\" | sudo chpasswd",
                       "chpasswd <<< \"bob:" + p + "\"",
                       "echo " + p + " | sudo -S apt-get install x",
                       "echo " + p + " | docker login -u svc --password-stdin",
                       "net use Z: \\\\srv\\share " + p + " /user:bob",
                       "net use Z: \\\\srv\\share /user:bob " + p,
                       "net user bob " + p + " /add",
                       "zip -P " + p + " -r out.zip dir/",
                       "unzip -P " + p + " out.zip",
                       "7z a -p" + p + " out.7z dir/",
                       "rabbitmqctl add_user bob " + p,
                       "rabbitmqctl change_password bob '" + p + "'",
                       "sqlplus -s svc/" + p + "@db",
                       "mongosh -u svc -p " + p,
                       "ldapsearch -x -D cn=svc -w " + p + " -H ldap://h",
                       "keytool -genkey -storepass " + p,
                       "openssl rsa -passin pass:" + p,
                       "CONFIG SET requirepass " + p,
                       "wpa_passphrase Home " + p,
                       "[\"mysql\", \"-u\", \"root\", \"-p" + p + "\"]",
                       R"({"cmd":["docker","login","-u","svc","-p",")" + p + R"("]})",
                       "mysql -h db \\\n  -u root \\\n  -p" + p});
  finds("basic_auth",
        {"curl -u bob:" + kPassword + " https://h", "curl --user 'bob:" + kPassword + "' https://h",
         "curl -sSu bob:" + kPassword + " https://h", "curl -u \":" + kPassword + "\" https://h",
         "curl -X POST \\\n  -u bob:" + kPassword + " https://h", "curl --user=bob:" + kPassword + " https://h",
         "/usr/bin/curl -ubob:" + kPassword + " https://h", "smbclient //h/s -U bob%" + kPassword,
         "http -a bob:" + kPassword + " https://h", "skopeo copy --src-creds bob:" + kPassword + " a b"});
  finds("api_key",
        {"./run.sh --token " + kKey.substr(0, 32), "gh secret set DEPLOY --body \"" + kKey.substr(0, 32) + "\"",
         "curl -b 'session=" + kKey.substr(0, 32) + "' https://h"});
}

TEST_CASE("command lines without passwords") {
  leaves_alone({"docker run -p 8080:80 nginx",
                "mysql -u root -p app",
                "mysql -u root -p",
                "mkdir -p /srv/app1/data2",
                "cp -a src1 dst2",
                "ssh -p 2222 host",
                "docker run -u 1000:1000 app",
                "docker run --user 1000:1000 app",
                "chown -R root:root /srv",
                "curl -u root:root http://localhost",
                "curl -u $USER:$PASS https://h",
                "curl -u \"${USER}:${PASS}\" https://h",
                "curl -u user:password https://h",
                "curl -u bob https://h",
                "curl -u <user>:<password> https://h",
                "mysql -p$MYSQL_PWD app",
                "mysql -p${PASS} app",
                "mysql -pPASSWORD app",
                "mysql -p<password> app",
                "mysql -p3306",
                "redis-cli -a $REDIS_PASS ping",
                "redis-cli -a",
                "docker login -u svc --password-stdin < file1",
                "sshpass -f file1 ssh h",
                "sshpass -p \"$PASS\" ssh h",
                "--password string   Password for the registry",
                "--pass-with-no-tests run 12",
                "az login -p <secret>",
                "az login --identity",
                "htpasswd -c .htpasswd bob",
                "echo \"$CREDS\" | chpasswd",
                "echo hello1 | sudo tee file2",
                "net use Z: \\\\srv\\share",
                "net user bob /add",
                "net use * /delete",
                "zip -r out2.zip dir1/",
                "smbclient //h/s -U bob",
                "rabbitmqctl add_user bob $PASS",
                "openssl rsa -passin env:PASS1",
                "tar -xzp -f a1.tgz",
                "python -u main1.py",
                "podman run -u node:node x",
                "grep -a pattern1 file2",
                "7z x archive1.7z",
                "git commit -a -m fix12",
                "requirepass foobared",
                "./run.sh --token $TOKEN",
                "./run.sh --token-file /run/t1",
                "kubectl logs -p web-7d4b9c6f5-x2x1z"});
}

TEST_CASE("headers") {
  std::string key = kKey.substr(0, 32);
  finds("api_key", {"Authorization: Token " + key, "Authorization: SSWS " + key, "authorization: ApiKey " + key,
                    "-H 'Authorization: Token token=" + key + "'", R"({"Authorization": "Token )" + key + R"("})",
                    "Authorization: " + key, R"({"headers": {"authorization": ")" + key + R"("}})",
                    "Cookie: lang=en; sessionid=" + key + "; theme=dark",
                    "Set-Cookie: connect.sid=s%3A" + key + "; Path=/", R"({"Cookie": "JSESSIONID=)" + key + R"("})"});
  finds("basic_auth", {"Authorization: Basic Ym9iOlZxN3dSazJ6OVg=", "proxy-authorization: Basic Ym9iOlZxN3dSazJ6OVg="});
  leaves_alone({"Authorization: Token <token>", "Authorization: Token $TOKEN", "Authorization: Bearer ${TOKEN}",
                "Authorization: Bearer <token>", "authorization is required for 12 items of the list",
                "Authorization: AWS4-HMAC-SHA256 Credential=x",
                "Cookie: lang=en-GB; theme=dark; consent=2024-01-01T00%3A00%3A00", "cookie policy: 12 months",
                "Set-Cookie: csrftoken=" + key, "Set-Cookie: session=; Max-Age=0",
                "Authorization: Basic dXNlcjpwYXNzd29yZA==", "basic authentication and basic training12"});
  std::string user, password;
  CHECK(decode_login("Ym9iOlZxN3dSazJ6OVg=", user, password));
  CHECK((user == "bob" && password == "Vq7wRk2z9X"));
  CHECK_FALSE(decode_login("Ym9iOg==", user, password));      // no password
  CHECK_FALSE(decode_login("YWJjZGVmZ2hp", user, password));  // no colon
}

TEST_CASE("private keys") {
  std::string begin =
                  "-----BEGIN RSA "
                  "PRIVATE KEY-----",
              end =
                  "-----END RSA "
                  "PRIVATE KEY-----",
              line = kKey + kKey.substr(0, 22);
  finds(
      "private_key",
      {begin + "\n" + line + "\n" + line + "\n" + end, "> " + begin + "\n> " + line + "\n> " + line + "\n> " + end,
       "# " + begin + "\n# " + line + "\n# " + end, "// " + begin + "\n// " + line + "\n// " + end,
       "key = \"" + begin + "\\n\" +\n      \"" + line + "\\n\" +\n      \"" + line + "\\n\" +\n      \"" + end + "\";",
       "  1  " + begin + "\n  2  " + line + "\n  3  " + line + "\n  4  " + end, begin + "\\n" + line,
       "12: " + begin + "\n13: " + line, R"({"kty":"EC","crv":"P-256","d":")" + kKey.substr(0, 43) + R"(","x":"a"})",
       R"({"keys":[{"crv":"Ed25519","d":")" + kKey.substr(0, 43) + R"(","kty":"OKP"}]})",
       "the key {\"d\": \"" + kKey.substr(0, 43) + "\", \"kty\": \"EC\"} is",
       "PrivateKey = " + kKey.substr(0, 43) + "=",
       "AGE-SECRET-KEY-1"
       "QZ7RK2VW9XPYNC8TD3YF6HGQJM5LP0SA2UE7KY4QPZ7RK2VW9XPYNC8TD3",
       "private_key: 0x" + kHex, R"({"privateKey":")" + kHex + R"("})", "new ethers.Wallet(\"0x" + kHex + "\")",
       "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nPrivate-Lines: 8\n" + line});
  leaves_alone({"if (line.startsWith(\"" + begin + "\")) { readWeeklyInvoice(line, 367); }", begin + "\n...\n" + end,
                begin + "\nMIIEvQIBADANBgkqhkiG9w0B...\n" + end, begin + "\n<your key here>\n" + end,
                "a file begins with " + begin + " and ends with " + end, "PublicKey = " + kKey.substr(0, 43) + "=",
                R"({"kty":"EC","crv":"P-256","x":")" + kKey.substr(0, 43) + R"(","y":")" + kKey.substr(0, 43) + R"("})",
                "private key fingerprint SHA256", "transaction 0x" + kHex, "wallet(12)"});
}

TEST_CASE("the word list of BIP-39 is the published one") {
  std::string file;
  for (std::string_view word : bip39_words()) file.append(word).push_back('\n');
  CHECK(mas::to_hex(mas::sha256(file)) == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
}

TEST_CASE("seed phrases") {
  // Test vectors of BIP-39: of 128, 192 and 256 bits.
  std::string twelve = "legal winner thank year wave sausage worth useful legal winner thank yellow";
  std::string eighteen =
      "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid "
      "letter always";
  std::string twenty_four =
      "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple "
      "dilemma loan word "
      "shrug inflict delay length";
  for (const std::string& phrase : {twelve, eighteen, twenty_four}) {
    std::string lines = phrase, list = phrase;
    std::replace(lines.begin(), lines.end(), ' ', '\n');
    for (size_t at = 0; (at = list.find(' ', at)) != std::string::npos; at += 3) list.replace(at, 1, "\",\"");
    finds("private_key",
          {phrase, "the seed is: " + phrase + ".", "MNEMONIC=\"" + phrase + "\"", R"({"seed":")" + phrase + "\"}",
           lines, "[\"" + list + "\"]", "This is the wallet that we use.\n" + phrase + "\nKeep it."});
  }
  for (size_t before = 0; before < 70; ++before)  // wherever it lies among the sixty-four bytes that are looked at once
    finds("private_key", {std::string(before, '.') + twelve + "!", std::string(before, 'x') + " " + eighteen});
  ScanCase at;
  at.scan("x: " + twelve);
  REQUIRE(at.scanner->report().findings.size() == 1);
  CHECK(at.scanner->report().findings[0].detail == "seed phrase");
  CHECK(at.scanner->value(at.scanner->report().findings[0]) == twelve);
  std::string words;
  for (size_t i = 100; i < 400; ++i) words.append(bip39_words()[i]).push_back(' ');
  leaves_alone(
      {"legal winner thank year wave sausage worth useful legal winner thank year",  // the checksum fails
       "winner thank year wave sausage worth useful legal winner thank yellow",      // eleven
       "legal winner thank year wave sausage worth useful legal winner thank", words,
       "there is nothing here that you would have to hide from anyone who reads this message about the weather"});
}
