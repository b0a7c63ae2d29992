// The forms in which code, configuration, commands and prose give a credential its name. Values are made up.
#include <initializer_list>

#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas::dlp::test;

TEST_CASE("keys and tokens under their names") {
  check_types(
      {R"(System.setProperty("api.token", "q8Zr4Tn1Xw7Pk3VbY6uL");)",
       R"(props.put("acme.secret", "q8Zr4Tn1Xw7Pk3VbY6uL");)",
       R"(Environment.SetEnvironmentVariable("ACME_KEY", "q8Zr4Tn1Xw7Pk3VbY6uL");)",
       R"([Environment]::SetEnvironmentVariable('ACME_TOKEN','q8Zr4Tn1Xw7Pk3VbY6uL','User'))",
       R"($config['api_token'] = 'q8Zr4Tn1Xw7Pk3VbY6uL';)",
       R"(ENV['ACME_TOKEN'] ||= 'q8Zr4Tn1Xw7Pk3VbY6uL')",
       R"(config.acme_token = 'q8Zr4Tn1Xw7Pk3VbY6uL')",
       R"(acme_secret => "q8Zr4Tn1Xw7Pk3VbY6uL")",
       R"(acmeApiKey = "q8Zr4Tn1Xw7Pk3VbY6uL")",
       R"(  api_token = "q8Zr4Tn1Xw7Pk3VbY6uL")",
       R"(variable "acme_token" {
  type = string
  default = "q8Zr4Tn1Xw7Pk3VbY6uL"
})",
       R"([acme]
secret_key = q8Zr4Tn1Xw7Pk3VbY6uL
)",
       R"(acme.api-key=q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(static final String API_TOKEN = "q8Zr4Tn1Xw7Pk3VbY6uL";)",
       R"(var accessToken string = "q8Zr4Tn1Xw7Pk3VbY6uL")",
       R"(AccessToken: "q8Zr4Tn1Xw7Pk3VbY6uL",)",
       R"(private const string ApiKey = "q8Zr4Tn1Xw7Pk3VbY6uL";)",
       R"(val apiKey: String = "q8Zr4Tn1Xw7Pk3VbY6uL")",
       R"(let apiKey: String = "q8Zr4Tn1Xw7Pk3VbY6uL")",
       R"(api_key=r'q8Zr4Tn1Xw7Pk3VbY6uL')",
       R"(os.putenv('ACME_TOKEN', 'q8Zr4Tn1Xw7Pk3VbY6uL'))",
       R"(export ACME_PAT='q8Zr4Tn1Xw7Pk3VbY6uL')",
       R"(set ACME_TOKEN=q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(ARG NPM_TOKEN=q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(docker run -e ACME_TOKEN=q8Zr4Tn1Xw7Pk3VbY6uL x)",
       R"(env:
  - name: ACME_TOKEN
    value: "q8Zr4Tn1Xw7Pk3VbY6uL")",
       R"(ACME_TOKEN: 9f86d081884c7d659a2feaa0c55ad015)",
       R"(ACME_API_KEY=9f86d081884c7d659a2feaa0c55ad015)",
       R"(SECRET_KEY = 'django-insecure-q8Zr4Tn1Xw7Pk3VbY6uL')",
       R"(<string name="api_key">q8Zr4Tn1Xw7Pk3VbY6uL</string>)",
       R"(<property name="secretKey" value="q8Zr4Tn1Xw7Pk3VbY6uL"/>)",
       R"(_authToken=3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31)",
       R"(npm config set //registry.npmjs.org/:_authToken 3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31)",
       R"(identitytoken: q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(users:
- name: x
  user:
    token: q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(api key is q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(the access token is q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(use this token: q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(API-Schlüssel: q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(clé API : q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(clave de API: q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(chave de API: q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(chiave API: q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(API-sleutel: q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(klucz API: q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(API-ключ: q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(API密钥：q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(APIキー：q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(x-functions-key: q8Zr4Tn1Xw7Pk3VbY6uL)",
       R"(Ocp-Apim-Subscription-Key: 9f86d081884c7d659a2feaa0c55ad015)",
       R"(AccountKey=q8Zr4Tn1Xw7Pk3VbY6uLq8Zr4Tn1Xw7Pk3VbY6uLq8Zr4Tn1Xw7Pk3VbY6uLq8Zr4Tn1Xw7Pk3VbY6uL;EndpointSuffix=core.windows.net)",
       R"({"x-api-key": "3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31"})",
       R"({"apiKey": "9f86d081884c7d659a2feaa0c55ad015"})",
       R"({"headers": {"X-Auth-Token": "3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31"}})",
       R"({"headers": [{"name": "X-Api-Key", "value": "9f86d081884c7d659a2feaa0c55ad015"}]})",
       R"({"stripeSecretKey": "q8Zr4Tn1Xw7Pk3VbY6uL"})",
       R"({"ACME_SECRET": "3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31"})",
       R"({"acme_pat": "q8Zr4Tn1Xw7Pk3VbY6uL"})",
       R"({"AZURE_CLIENT_SECRET": "q8Zr4Tn1Xw7Pk3VbY6uL"})",
       R"({"data": {"refresh_token": "q8Zr4Tn1Xw7Pk3VbY6uL"}})",
       R"({"outputs": {"api_token": {"value": "q8Zr4Tn1Xw7Pk3VbY6uL", "sensitive": true, "type": "string"}}})",
       R"({"auth": {"token": "q8Zr4Tn1Xw7Pk3VbY6uL"}})",
       R"({"env": {"LINEAR_API_KEY": "3f2b8c1e-9d47-4a60-8e15-7c0b2d9a4f31"}})",
       R"({"tool": "exec", "args": ["--api-key", "q8Zr4Tn1Xw7Pk3VbY6uL"]})",
       R"(QUNNRV9BUElfS0VZPXE4WnI0VG4xWHc3UGszVmJZNnVMCkRFQlVHPTEK)"},
      {"api_key"});
}

TEST_CASE("passwords under their names") {
  check_types({R"(spring:
  datasource:
    username: app
    password: hunter2)",
               R"(jdbc.password=hunter2)",
               R"(<Password>hunter2</Password>)",
               R"($password = 'hunter2';)",
               R"($env:DB_PASSWORD='hunter2')",
               R"($pw = ConvertTo-SecureString "hunter2x!" -AsPlainText -Force)",
               R"(DB_PASSWORD='my todo here 7')",
               R"(password: "<k9V!tq2Z")",
               R"(password=[x7!kQ9p)",
               R"('password' => 'hunter2',)",
               R"(password := "hunter2")",
               R"(Password = "hunter2";)",
               R"(POSTGRES_PASSWORD: hunter2)",
               R"(- POSTGRES_PASSWORD=hunter2)",
               R"(- "MYSQL_ROOT_PASSWORD=hunter2")",
               R"(--password hunter2)",
               R"(--password=hunter2)",
               R"(--db-password 'hunter2')",
               R"(createUser({user: "a", pwd: "hunter2"}))",
               R"(IDENTIFIED BY 'hunter2')",
               R"(ENCRYPTED PASSWORD 'hunter2x')",
               R"(user=bob&password=hunter2&x=1)",
               R"(My password is hunter2.)",
               R"(password is: hunter2)",
               R"(the password for bob is hunter2)",
               R"(Passwort: hunter2)",
               R"(Kennwort = hunter2)",
               R"(mdp: hunter2x)",
               R"(senha: hunter2)",
               R"(hasło: hunter2)",
               R"(wachtwoord: hunter2)",
               R"(пароль = hunter2)",
               R"(密码: hunter2)",
               R"(パスワード: hunter2)",
               R"(비밀번호: hunter2)",
               R"(login: admin password: hunter2)",
               R"(username: bob
password: hunter2)",
               R"(user bob with password k9V!tq2ZmR)",
               R"(PIN: card pin is 4711)",
               R"({"db": {"password": "my_dog_todo7"}})",
               R"({"DATABASE_PASSWORD": "<k9V!tq2Z"})",
               R"({"connection": {"user": "a", "pass": "k9V!tq2ZmR"}})",
               R"({"env": ["DB_PASSWORD=hunter2", "X=1"]})",
               R"({"command": "export DB_PASSWORD=hunter2"})",
               R"(REJfUEFTU1dPUkQ9aHVudGVyMngKREVCVUc9MQpVU0VSPWJvYgo=)"},
              {"password"});
}

TEST_CASE("names that are given no credential") {
  check_types({R"(password: here)", R"({"password": "here"})", R"(identified by 'name')", R"(the pin is 4711)",
               R"(invalid password 'attempt2' given)", R"({"args": ["--token-file", "/x/y2"]})",
               R"({"args": ["--password-stdin", "--user"]})",
               R"(variable "acme_token" {
  type = string
}
variable "x" {
  default = "a1b2c3d4e5f6g7h8"
})"},
              {});
}
