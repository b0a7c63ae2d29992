// What agents send all day about passwords, tokens and keys without any in it. Nothing here is found.
#include <initializer_list>

#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas::dlp::test;

namespace {

void check_quiet(std::initializer_list<const char*> messages) {
  ScanCase at;
  for (const char* message : messages) {
    INFO(message);
    CHECK(at.types(message) == std::set<std::string>{});
  }
}

}  // namespace

TEST_CASE("tokens of parsers, clusters, pages and protocols") {
  check_quiet({
      R"(token count: 1532)",
      R"(Unexpected token } in JSON at position 123)",
      R"(SyntaxError: Unexpected token '<', "<!DOCTYPE "... is not valid JSON)",
      R"(secret "db-creds-v2" created)",
      R"(secret/my-secret-7f9c configured)",
      R"(token: default-token-x7k2p)",
      R"(secrets:
- name: default-token-x7k2p)",
      R"(token: web-7d9c6b8f5-x2k4j)",
      R"({"token": "default-token-x7k2p"})",
      R"(tokenizer: gpt2)",
      R"(tokenizer_class: LlamaTokenizerFast2)",
      R"(registry key: HKLM\Software\X1)",
      R"(Set API_KEY=your_api_key_here)",
      R"(export OPENAI_API_KEY=sk-...)",
      R"(--api-key YOUR_API_KEY)",
      R"(client_secret=CLIENT_SECRET)",
      R"(client_secret: string (required))",
      R"(fatal: could not read Password for 'https://x@h.example.org': terminal prompts disabled)",
      R"(bob@h's password: 
Permission denied (publickey,password).)",
      R"(SELECT password FROM users WHERE id = 12)",
      R"(ALTER TABLE users ADD COLUMN password VARCHAR(255) NOT NULL DEFAULT '')",
      R"(+ password = (sensitive value))",
      R"(password = var.db_password)",
      R"(token = data.aws_eks_cluster_auth.this.token)",
      R"(key = "terraform.tfstate")",
      R"(key_name = "deploy-2024")",
      R"(partition_key = "user_id2")",
      R"(token: ${{ secrets.GITHUB_TOKEN }})",
      R"(GITHUB_TOKEN: ***)",
      R"(key: ${{ runner.os }}-node-${{ hashFiles('x') }})",
      R"(secrets: inherit)",
      R"(cache key: Linux-node-3f2b8c1e9d47a601)",
      R"(Cache restored from key: Linux-node-3f2b8c1e9d47a6013f2b)",
      R"({"apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}})",
      R"({"securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}})",
      R"(X-RateLimit-Limit-Tokens: 150000
x-ratelimit-reset-tokens: 6ms)",
      R"(Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==)",
      R"(Idempotency-Key: 3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31)",
      R"(X-CSRF-Token: q8Zr4Tn1Xw7Pk3VbY6)",
      R"(RSA key fingerprint is SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8.)",
      R"(Version=4.0.0.0, Culture=neutral, PublicKeyToken=b03f5f7f11d50a3a)",
      R"({"nextPageToken": "q8Zr4Tn1Xw7Pk3VbY6"})",
      R"({"NextContinuationToken": "q8Zr4Tn1Xw7Pk3VbY6"})",
      R"({"paginationToken": "q8Zr4Tn1Xw7Pk3VbY6"})",
      R"({"ClientToken": "3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31"})",
      R"({"clientRequestToken": "3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31"})",
      R"({"resumptionToken": "q8Zr4Tn1Xw7Pk3VbY6"})",
      R"({"deltaToken": "q8Zr4Tn1Xw7Pk3VbY6"})",
      R"(bos_token: <s>
eos_token: </s>)",
      R"(<li key="row-12">)",
  });
}

TEST_CASE("secrets in prose, logs and tests of code") {
  check_quiet({
      R"(t('auth.password.reset2'))",
      R"(RUN --mount=type=secret,id=aws2)",
      R"(--secret id=npmrc,src=.npmrc)",
      R"(The secret is consistency2)",
      R"(the key is K8s)",
      R"(token is v2)",
      R"(the secret to this is in section4b)",
      R"(my login is bob42 / see wiki2)",
      R"(login: bob42/dashboard3)",
      R"(expect(token).toBe('abc123def'))",
      R"(PasswordAuthentication no
PermitRootLogin prohibit-password)",
      R"(root:$6$abcd1234$kX9pQ2zR7vT4nW1mB8cY5sD3fG6hJ0lA:19000:0:99999:7:::)",
      R"(GET /oauth/token HTTP/1.1 200)",
      R"(Your verification code is 482913)",
      R"(Pass: 12:30-14:00)",
      R"(passed=12 failed=0 pass=12)",
      R"(PASS=ok-2024)",
      R"(PASSWORD_RESET_TIMEOUT=259200
TOKEN_EXPIRY=3600s
ACCESS_TOKEN_LIFETIME=15m2s)",
      R"(JWT_SECRET_ROTATION_DAYS=30)",
      R"(SecretId: prod/db/creds2)",
      R"({"license": {"key": "apache-2.0", "spdx_id": "Apache-2.0"}})",
      R"({"license_key": "apache-2.0"})",
  });
}

TEST_CASE("code and commands that refer to secrets, and forms that ask for them") {
  check_quiet({
      R"(kubectl create secret generic x --from-literal=password=$DB_PASSWORD)",
      R"(kubectl create secret generic x --from-file=password=./pw1)",
      R"(helm upgrade x --set auth.password=$PW)",
      R"(password: {{ lookup('env','DB_PASSWORD') }})",
      R"(if [ -z "$API_TOKEN" ]; then echo "API_TOKEN not set"; fi)",
      R"(API_TOKEN=$(cat /run/secrets/token2))",
      R"(API_TOKEN=`vault read x2`)",
      R"(const token = await getToken2();)",
      R"(let password = generatePassword(16);)",
      R"(password = "".join(random.choices(chars, k=16)))",
      R"(token = uuid4())",
      R"(self.api_key = api_key or os.getenv("API_KEY2"))",
      R"(api_key: Optional[str] = None)",
      R"(raise ValueError("api_key is required2"))",
      R"(api_key=settings.OPENAI_API_KEY)",
      R"(headers = {"Authorization": f"Bearer {token}"})",
      R"(password=password123_hash_fn())",
      R"(@Value("${app.secret}") private String secret;)",
      R"(private final String apiKey;)",
      R"(def login(username, password): return auth(username, password))",
      R"(Mot de passe : au moins 8 caractères)",
      R"(Passwort: mindestens 12 Zeichen)",
      R"(contraseña: mínimo 8)",
      R"(密码：至少8位)",
      R"(пароль: минимум 8 символов)",
      R"(パスワード：8文字以上)",
      R"(密码不能为空)",
      R"(token 是 JWT2 格式)",
  });
}

TEST_CASE("prose about credentials, images and accounts") {
  check_quiet({
      R"(the API token is stored in vault2)",
      R"(the api key is rotated every 90d)",
      R"(your access token is valid for 3600s)",
      R"(credentials are in 1password2)",
      R"(creds: see #ops-2024)",
      R"(user: bob42, login: 2024-01-15 10:30)",
      R"(username: admin / role: owner2)",
      R"(admin/Dashboard2.tsx:120)",
      R"(admin:admin)",
      R"(user postgres:5432)",
      R"(image: postgres:15.4-alpine3.18)",
      R"(root:root)",
      R"(guest:x)",
      R"(FROM postgres:16.2-bookworm)",
      R"(registry/admin:v1.2.3-rc1)",
      R"(chown -R postgres:postgres2 /x)",
      R"(postgres:15-alpine@sha256:9f8a)",
  });
}

TEST_CASE("members that are named after secrets") {
  check_quiet({
      R"({"type": "token", "value": "identifier2"})",
      R"({"name": "token", "value": "3"})",
      R"({"key": "password", "type": "string2"})",
      R"({"field": "password", "message": "must be 8+ chars"})",
      R"x({"errors": {"password": ["is too short (minimum is 8 characters)"]}})x",
      R"({"password": ["This field is required."]})",
      R"({"secret": true, "secret_id": "x1"})",
      R"({"secrets": ["db-creds-2", "tls-cert-3"]})",
      R"({"tokens": ["hello", "world2"]})",
      R"({"credentials": {"type": "oauth2", "scopes": ["a1"]}})",
      R"({"credential": "projects/p1/secrets/s2"})",
      R"({"token_endpoint": "https://h.example.org/oauth2/token"})",
      R"({"access_token": null, "expires_in": 3600})",
      R"({"api_key": "REDACTED_1"})",
      R"({"apiKey": "***1234"})",
      R"({"api_key": "sk-...abcd"})",
      R"({"password_changed_at": "2024-01-15T10:30:00Z"})",
      R"({"passwordLastSet": "133512345678901234"})",
      R"({"has_password": "yes1"})",
      R"({"hashed_password": "$2b$12$abcdefghijklmnopqrstuv"})",
      R"({"PASSWORD_HASHERS": ["argon2id1"]})",
      R"({"SSH_KEY_FILE": "id_ed25519_2"})",
      R"({"sshKeys": [{"id": 1234}]})",
      R"({"keyPath": "/x/y1"})",
      R"({"foo_key": "users:123:profile"})",
      R"({"fooKey": "2024/01/15/report-12.csv"})",
      R"({"statKey": "http.requests.2xx.p99"})",
      R"({"metricKey": "cpu_usage_5m"})",
      R"({"memberKey": "a1b2"})",
      R"({"groupKey": "{}:{alertname=\"X1\"}"})",
      R"({"file_key": "AbC123dEf456GhI789jKl0"})",
      R"({"accountKey": "ACC-12345"})",
      R"({"monkey": "q8Zr4Tn1Xw"})",
  });
}

TEST_CASE("pass in running text") {
  check_quiet({
      R"(pass -- see note 12b)",
      R"(pass: alpha-centauri-7)",
      R"(The first pass: 120ms2)",
      R"(pass pw2 to it)",
      R"(# pass 3.2% of v8)",
      R"(Test pass-through2)",
      R"(user,pass
bob,fail2)",
      R"(please pass --token=$TOKEN)",
      R"(PASS 12/12 specs in 3.2s)",
      R"(PASS [   0.003s] crate::tests::t1)",
      R"(SIN: 12)",
      R"(pin 12 high)",
      R"(DOB field v2)",
      R"(account number: see page 12)",
      R"(routing: round-robin2)",
      R"(clave: valor2)",
      R"(la clave es importante2)",
      R"(la clave es usar v2)",
      R"(clave primaria: id_usuario2)",
  });
}
