// Names of secrets and of numbers: what is a value under them, and the many things that look like one and are not.
// Values are made up.
#include <string>

#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas::dlp::test;

namespace {

using Types = std::set<std::string>;

}  // namespace

TEST_CASE("a working directory is no password") {
  check_types(
      {
          R"(PWD=/home/user/project
OLDPWD=/home/user)",
          R"(PWD=/)",
          R"(OLDPWD=/root)",
          R"("PWD=/app","PATH=/usr/bin")",
          R"({"PWD": "/srv/app2", "OLDPWD": "/tmp/x1", "cwd": "/home/a1"})",
          R"(["PWD=/home/ci/build42"])",
          R"(cd `pwd`)",
          R"(PWD=C:\Users\bob1)",
          R"(pwd: ~/src/a2)",
          R"(ENV PWD /usr/src/app2)",
      },
      {});
}

TEST_CASE("pass is a word of test output and prose") {
  check_types(
      {
          R"(PASS: test_foo_12)",
          R"(--- PASS: TestX (0.00s))",
          R"(# PASS: 12)",
          R"(=== RUN TestA1
--- PASS: TestA1/sub_2 (0.01s)
PASS
ok  	github.com/x/y2 0.012s)",
          R"(PASS_TO_PASS: ["tests/test_a1.py::test_b2"])",
          R"({"PASS_TO_PASS": ["tests/test_a1.py::test_b2"], "FAIL_TO_PASS": ["a2b3c4d5e6"]})",
          R"(please pass order_12345 to the billing agent)",
          R"(pass --threads=16)",
          R"(identified by UUIDv7)",
          R"(reset your password: click here)",
          R"(PASS src/utils/format2.test.ts (5.1 s))",
          R"(pass: 12 fail: 3)",
          R"(first pass: 0.98 second pass: 0.99)",
          R"({"pass": 12, "fail": 0})",
          R"({"highPass": "120Hz", "lowPass": "80Hz4"})",
          R"(pass ctx2 to fn())",
          R"(Pass 3 of 10)",
          R"(PASS: tests/t0001-init.sh 1 - plain)",
          R"(you must pass v1.2.3 here)",
          R"(password is base64 encoded)",
          R"(password is stored as sha256)",
          R"(your password is case-sensitive)",
      },
      {});
}

TEST_CASE("api and auth say nothing by themselves") {
  check_types(
      {
          R"({"api": "/v1/chat"})",
          R"({"auth": "oauth2-client-credentials"})",
          R"({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "x1"})",
          R"({"auth": {"host": "db1.internal", "team": "core2", "strategy": "auth0-v2"}})",
          R"({"authorization": "granted-2024"})",
          R"({"api": {"host": "h1.example.org", "version": "2024-01-15"}})",
          R"({"bearer": "format-jwt2"})",
      },
      {});
}

TEST_CASE("numbers under keys of other trades") {
  check_types(
      {
          R"({"policyid": 4411223})",
          R"({"RecordNumber": 7839201, "EventID": 4624})",
          R"({"chart": "4455667"})",
          R"({"dl": 104857600, "ul": 52428800})",
          R"({"group_number": 44120991})",
          R"({"condition": "A1234"})",
          R"({"conditions": [{"type": "Ready", "status": "True"}]})",
      },
      {});
}

TEST_CASE("ordinary keys and tokens") {
  check_types(
      {
          R"({"primary_key": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"sort_key": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"cache_key": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"public_key": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"foreign_key": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"key": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"next_token": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"page_token": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"max_tokens": 4096})",
          R"({"csrf": {"token": "q8Zr4Tn1Xw7Pk3VbY6"}})",
          R"({"csrf_token": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"nextToken": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"Key": "uploads/2024/ab12cd34ef56.png"})",
          R"({"keyboard": "q8Zr4Tn1Xw7Pk3Vb"})",
          R"({"idempotencyKey": "3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31"})",
          R"({"translationKey": "home.title.v2"})",
          R"({"issueKey": "PROJ-123"})",
          R"({"projectKey": "ACME2"})",
          R"({"items": [], "token": "q8Zr4Tn1Xw7Pk3VbY6", "has_more": true})",
          R"({"tokens": 1234})",
          R"({"token": " hello"})",
          R"({"logprobs": [{"token": "abc12", "logprob": -0.1}]})",
          R"({"tokenBalance": "1234567890123"})",
          R"({"passwordless": "true1"})",
          R"({"password_policy": "min12chars"})",
          R"({"password_hash_algorithm": "argon2id"})",
      },
      {});
}

TEST_CASE("references, templates and code are no secrets") {
  check_types(
      {
          R"(API_KEY=${API_KEY})",
          R"(api_key = os.environ['API_KEY'])",
          R"(token = get_token(user1))",
          R"(apiKey: process.env.OPENAI_API_KEY)",
          R"(const token = req.headers.x2)",
          R"(API_TOKEN=4096)",
          R"(TOKEN_LIMIT=128000)",
          R"(SECRET_NAME=prod-db-2)",
          R"(client_secret: <your client secret>)",
          R"(password = <your password>)",
          R"(password: [REDACTED])",
          R"(GOOGLE_APPLICATION_CREDENTIALS=/etc/gcp/key2.json)",
          R"(SSH_KEY=~/.ssh/id_rsa2)",
          R"(TLS_KEY=./certs/server2.key)",
          R"(secretKeyRef:
  name: db2
  key: password2)",
          R"(api_key_env: OPENAI_API_KEY)",
          R"(fetch(url, {credentials: 'include'}))",
          R"(the token is invalid)",
          R"(Token: expired in 30m)",
          R"(token_type: bearer)",
          R"(grant_type=password&scope=x1)",
          R"(the key is in vault2)",
          R"(press any key: y1)",
      },
      {});
}

TEST_CASE("accounts, manifests and labels without a password") {
  check_types(
      {
          R"(root:x:0:0:root:/root:/bin/bash)",
          R"(chown root:root2 /x)",
          R"(docker pull admin/app2:v1.2.3)",
          R"(login is GitHub/OAuth2)",
          R"(login: api/v1/users2)",
          R"(credentials: src/Auth2.ts)",
          R"(admin: 12:30)",
          R"(user admin logged in at 10:30:22)",
          R"(kind: SecretList
data:
  a: b2hhIQ==)",
          R"(kind: ConfigMap
data:
  key: YWJjZGVmZ2g=)",
          R"({"kind": "ConfigMap", "data": {"a": "YWJjZDEyMzQ="}})",
          R"({"kind": "Secret", "metadata": {"name": "x1"}, "data": {"ca.crt": "YWJjZDEyMzQ=", "username": "YWRtaW4="}})",
          R"({"password": "Passwort"})",
          R"({"password": "Mot de passe"})",
          R"({"password": "Введите пароль"})",
          R"({"password": "密码"})",
          R"({"password": "the user's password for login"})",
          R"(assert password == expected2)",
          R"(if token != null2:)",
          R"(def f(password: str, token: Optional[str] = None))",
          R"(password: str = Field(min_length=8))",
          R"(type Login = { password: string; token?: string })",
          R"(Password:
Login failed)",
          R"(error: password: mismatch)",
          R"(check password: failed)",
          R"(PIN 4: GPIO17)",
          R"(pincode: 560001)",
          R"({"pincode": 560001})",
          R"({"pin": 13})",
          R"(Passwort zurücksetzen: hier klicken)",
          R"(le mot de passe est obligatoire)",
          R"(la contraseña es obligatoria)",
          R"(пароль должен быть длиннее 8 символов)",
          R"(密码是必填项)",
          R"(パスワードは8文字以上)",
          R"(senha é obrigatória)",
          R"(hasło jest wymagane)",
          R"(wachtwoord is vereist)",
      },
      {});
}

TEST_CASE("credentials that code and configuration assign") {
  check_types(
      {
          R"(setProperty("X_TOKEN", "q8Zr4Tn1Xw7Pk3VbY6"))",
          R"(define('AUTH_KEY', 'q8Zr4Tn1Xw7Pk3VbY6');)",
          R"(config.api_key = "q8Zr4Tn1Xw7Pk3VbY6")",
          R"(apiToken := "q8Zr4Tn1Xw7Pk3VbY6")",
          R"(:api_key => "q8Zr4Tn1Xw7Pk3VbY6")",
          R"("api_key" => "q8Zr4Tn1Xw7Pk3VbY6",)",
          R"(ACME_TOKEN=3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31)",
          R"(acmeToken: "3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31")",
          R"(MY_APP_KEY="q8Zr4Tn1Xw7Pk3VbY6")",
          R"(const API_KEY: &str = "q8Zr4Tn1Xw7Pk3VbY6";)",
          R"(let apiKey: string = "q8Zr4Tn1Xw7Pk3VbY6")",
          R"(os.environ["FOO_KEY"] = "q8Zr4Tn1Xw7Pk3VbY6")",
          R"(ENV FOO_TOKEN q8Zr4Tn1Xw7Pk3VbY6)",
          R"(setx FOO_TOKEN "q8Zr4Tn1Xw7Pk3VbY6")",
          R"(#define API_KEY "q8Zr4Tn1Xw7Pk3VbY6")",
          R"($env:FOO_TOKEN = "q8Zr4Tn1Xw7Pk3VbY6")",
          R"(--api-token q8Zr4Tn1Xw7Pk3VbY6)",
          R"(<add key="ApiToken" value="q8Zr4Tn1Xw7Pk3VbY6"/>)",
          R"(- name: FOO_SECRET
  value: q8Zr4Tn1Xw7Pk3VbY6)",
          R"(//registry.npmjs.org/:_authToken=3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31)",
          R"(GH_PAT=q8Zr4Tn1Xw7Pk3VbY6)",
          R"(x-api-key: q8Zr4Tn1Xw7Pk3VbY6)",
          R"(foo.secret=q8Zr4Tn1Xw7Pk3VbY6)",
          R"(JWT_SECRET=supersecret123)",
          R"(gh secret set FOO_TOKEN --body "q8Zr4Tn1Xw7Pk3VbY6")",
          R"(api_key <- "q8Zr4Tn1Xw7Pk3VbY6")",
          R"(String apiKey = new String("q8Zr4Tn1Xw7Pk3VbY6");)",
          R"(api_key: 3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31)",
          R"({"client_secret": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"client_secret": "3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31"})",
          R"({"identitytoken": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"ACME_KEY": "3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31"})",
          R"({"datadogKey": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"githubToken": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"secret": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"token": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"DB_CREDENTIALS": "q8Zr4Tn1Xw7Pk3VbY6"})",
          R"({"env": [{"name": "ACME_TOKEN", "value": "3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31"}]})",
          R"({"x": {"webhook_secret": "q8Zr4Tn1Xw7Pk3VbY6"}})",
      },
      {"api_key"});
}

TEST_CASE("passwords in configuration, prose and objects") {
  check_types(
      {
          R"(define('DB_PASS', 'k9V!tq2ZmR');)",
          R"(password = <k9V!tq2Z)",
          R"(password=here4You!x)",
          R"(password: my_todo_X9!)",
          R"(DB_PASSWORD=a&b!c9Xz)",
          R"(user: bob pass: k9V!tq2ZmR)",
          R"(password is now 'k9V!tq2ZmR')",
          R"(login is admin / k9V!tq2ZmR)",
          R"(creds are bob/k9V!tq2ZmR)",
          R"(use admin:k9V!tq2ZmR for the console)",
          R"(das Passwort lautet k9V!tq2ZmR)",
          R"(le mot de passe est k9V!tq2ZmR)",
          R"(la contraseña es k9V!tq2ZmR)",
          R"(a senha é k9V!tq2ZmR)",
          R"(la password è k9V!tq2ZmR)",
          R"(het wachtwoord is k9V!tq2ZmR)",
          R"(hasło to k9V!tq2ZmR)",
          R"(пароль: k9V!tq2ZmR)",
          R"(Пароль — k9V!tq2ZmR)",
          R"(密码是k9V!tq2ZmR，请保密)",
          R"(密码：k9V!tq2ZmR)",
          R"(パスワードはk9V!tq2ZmRです)",
          R"(パスワード：k9V!tq2ZmR)",
          R"({"пароль": "k9V!tq2ZmR"})",
          R"({"contraseña": "k9V!tq2ZmR"})",
          R"({"user": "bob", "pass": "hunter2"})",
          R"({"pass": "k9V!tq2ZmR"})",
          R"({"password": "hunter2"})",
          R"({"DB_PASS": "k9V!tq2ZmR"})",
          R"({"пароль": "hunter2"})",
          R"(password: swordfish)",
          R"(  password: swordfish
)",
          R"(password: "swordfish")",
          R"(spring.datasource.password=hunter2)",
          R"(<password>hunter2</password>)",
          R"(DB_PASSWORD: hunter2)",
          R"(ALTER ROLE app WITH PASSWORD 'k9V!tq2ZmR')",
          R"(machine h login bob password k9V!tq2ZmR)",
          R"(password changed to k9V!tq2ZmR)",
          R"({"kind": "Secret", "apiVersion": "v1", "data": {"anything": "aHVudGVyMiE="}})",
          R"({"kind": "Secret", "stringData": {"foo": "hunter2!"}})",
          R"(apiVersion: v1
kind: Secret
metadata:
  name: x
stringData:
  foo: hunter2!
)",
          R"(apiVersion: v1
data:
  foo: aHVudGVyMiE=
kind: Secret
)",
          R"({"type": "random_password", "instances": [{"attributes": {"result": "hunter2!x"}}]})",
      },
      {"password"});
}

TEST_CASE("users and passwords in base64, and numbers beside something of their trade") {
  ScanCase at;
  CHECK(at.types(R"({"auths": {"ghcr.io": {"auth": "Ym9iOmh1bnRlcjI="}}})") == Types{"basic_auth"});
  CHECK(at.types(R"(_auth=Ym9iOmh1bnRlcjI=)") == Types{"basic_auth"});
  CHECK(at.types(R"({"patient": "x", "record_number": "7839201"})") == Types{"mrn"});
  CHECK(at.types(R"({"member_id": "W123456789", "payer": "x"})") == Types{"health_insurance"});
}

TEST_CASE("rows of results, names of machines, and messages of compilers") {
  check_types({R"(sudo password on juniper-20 is k9V!tq2ZmR)",
               R"(pulumi config set --secret dbPassword k9V!tq2ZmR --stack x)", R"(network={
  psk="k9V!tq2ZmR"
})",
               R"({"columns": ["login", "password"], "rows": [["jens42", "k9V!tq2ZmR"]], "id": 2})"},
              {"password"});
  check_types(
      {R"(error: Argument "password" to "routeLazyJob" of "Slow" has incompatible type "str | None"; expected "str")",
       R"(the password is readWrite)", R"(パスワードは 20:22:53 に変更されました。)",
       R"(var password = configuration["StrictSummary:Password"] ?? throw new InvalidOperationException("no password");)",
       R"(REDIS_PASSWORD: ${REDIS_PASSWORD:?set it in .env})",
       R"(password=**** token=<redacted> api_key=xxxx-xxxx-xxxx user=marcus)",
       R"({"columns": ["login", "password_policy"], "rows": [["jens42", "strict2x!A"]]})",
       R"({"columns": ["pass", "fail"], "rows": [[12345678, 4]]})",
       R"(pam_unix(passwd:chauthtok): password changed for emma)",
       R"({"SECRET_ARN": "arn:aws:secretsmanager:us-east-1:202487952756:secret:modern-search-M3PxFj"})"},
      {});
}
