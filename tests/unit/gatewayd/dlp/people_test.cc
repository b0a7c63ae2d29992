// How people write addresses of mail, telephone numbers, streets and dates of birth; and what only looks so.
#include <string>
#include <vector>

#include "daemons/gatewayd/dlp/detect/dates.h"
#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

using Types = std::set<std::string>;

/// The bytes of the first finding of a type that acts.
std::string found(ScanCase& at, std::string_view message, std::string_view type) {
  at.scan(message);
  for (const Finding& finding : at.scanner->report().findings)
    if (finding.acts && at.scanner->rules().types[finding.type].name == type)
      return std::string(at.scanner->value(finding));
  return {};
}

struct Whole {
  std::string message, value;
};

void check(const char* type, const std::vector<Whole>& cases) {
  ScanCase at;
  for (const auto& one : cases) {
    INFO(one.message);
    CHECK(found(at, one.message, type) == one.value);
  }
}

}  // namespace

TEST_CASE("addresses of mail are found whole in every script") {
  check("email", {
                     {"mail jörg@example.org now", "jörg@example.org"},
                     {"написать иван@почта.рф сегодня", "иван@почта.рф"},
                     {"to bob@xn--bcher-kva.example.", "bob@xn--bcher-kva.example"},
                     {"x@bücher.de", "x@bücher.de"},
                     {"bob@example.xn--p1ai,", "bob@example.xn--p1ai"},
                     {"请联系bob@example.com谢谢", "bob@example.com"},
                     {"邮箱：用户@例子.中国。", "用户@例子.中国"},
                     {"“ana@example.com”", "ana@example.com"},
                     {"ventas@tienda.com.py", "ventas@tienda.com.py"},
                     {"E-mail: ion@firma.md", "ion@firma.md"},
                     {"ana.lopez@empresa.py wrote", "ana.lopez@empresa.py"},
                     {R"({"email":"juan@empresa.py"})", "juan@empresa.py"},
                     {"Bob <BOB@EXAMPLE.COM>", "BOB@EXAMPLE.COM"},
                 });
}

TEST_CASE("what has an @ and is no address of mail") {
  check("email", {
                     {"none@lb.co_m", ""},
                     {"icon@2x.png", ""},
                     {"run user@host.py and see", ""},
                     {"@app.route", ""},
                     {"this@MainActivity.findViewById", ""},
                     {"this@Outer.name", ""},
                     {"x@Outer.onCreate(", ""},
                     {"react@18.2.0-beta.rc", ""},
                     {"pkg@v1.2.beta", ""},
                     {"scp a deploy@web.example.com:/srv", ""},
                     {"deploy@web.example.com:~$ ls", ""},
                     {"Message-ID: <CAB12@mail.example.com>", ""},
                     {"https://bob@example.com/x", ""},
                     {"a..b@example.com..", ""},
                 });
}

TEST_CASE("telephone numbers with parentheses, extensions and codes") {
  check("phone", {
                     {"call ( 800 ) 123-4567 now", "( 800 ) 123-4567"},
                     {"(415) 555-2671 x123", "(415) 555-2671 x123"},
                     {"415-555-2671 ext. 99", "415-555-2671 ext. 99"},
                     {"415.555.2671, extension 5", "415.555.2671, extension 5"},
                     {"+44 (0) 20 7946 0958", "+44 (0) 20 7946 0958"},
                     {"tel:+49-30-1234567;ext=12", "+49-30-1234567;ext=12"},
                     {"+48 601 234 567", "+48 601 234 567"},
                     {"+49 30 1234567 2 pieces", "+49 30 1234567 2"},
                 });
}

TEST_CASE("a number behind a plus is as long as the plan of its country has them") {
  check("phone", {
                     {"+254 51 851 234", "+254 51 851 234"},      // Kenya, 8
                     {"+254 57 12345", "+254 57 12345"},          // 7
                     {"+359 2 123 456", "+359 2 123 456"},        // Bulgaria, 7
                     {"+381 67 7123 4567", "+381 67 7123 4567"},  // Serbia, 10
                     {"+381 230 12345", "+381 230 12345"},        // 8
                     {"+62 61 12345", "+62 61 12345"},            // Indonesia, 7
                     {"+358 9 1234", "+358 9 1234"},              // Finland, 5
                     {"+234 201 463 0643", "+234 201 463 0643"},  // Nigeria, 10
                     {"+46 8 123 456 78", "+46 8 123 456 78"},    // Sweden, 9
                     {"+4681234567890", ""},                      // 11
                     {"+467012345678", ""},                       // 10
                     {"+35840123456789", ""},                     // Finland, 11
                     {"+23414630643", ""},                        // Nigeria, 8: no fixed line since 2024
                     {"+254712345678901", ""},                    // Kenya, 12
                 });
}

TEST_CASE("national numbers, by a word and the plan of their country") {
  ScanCase at;
  for (auto number :
       {"030 1234567",    "0171 2345678", "06 12 34 56 78", "020 7946 0958",  "07700 900123",    "0412 345 678",
        "02 9876 5432",   "011 2345 678", "090-1234-5678",  "03-1234-5678",   "010-1234-5678",   "044 668 18 00",
        "0532 123 45 67", "098765 43210", "08-123 456 78",  "(030) 1234567",  "8 495 123-45-67", "06 1 234 5678",
        "0721 234 567",   "612 345 678",  "21 12 34 56",    "(21) 3856-9315", "138 6354 9577",   "8 (495) 492-49-86"}) {
    INFO(number);
    CHECK(at.types("Tel.: " + std::string(number)) == Types{"phone"});
    CHECK(at.types("Telefon " + std::string(number) + ", danke") == Types{"phone"});
    CHECK(at.types("rows " + std::string(number) + " read") == Types{});
  }
  CHECK(at.types("tel: 0301234567") == Types{"phone"});
  CHECK(at.types("Телефон: 8 (495) 492-49-86") == Types{"phone"});
  CHECK(at.types("手机：138 6354 9577（Ada）") == Types{"phone"});
}

TEST_CASE("what looks like a telephone number") {
  ScanCase at;
  for (auto message :
       {"+12345678", "+999 12 34 56 78 90", "a\n+4912345678\n-4912345679", "sum 12 +4912345678",
        "call 2024-01-15 10:30", R"("{\"phone_layout\":1,\"call_count\": 2763977547}")", R"({"phone_id":4155552671})",
        "212 555 0143 9\n218 551 0144 7", "x 415_555_2671", "called 030 times in 1234567 ms"}) {
    INFO(message);
    CHECK(at.types(message) == Types{});
  }
}

TEST_CASE("addresses in lower case, without a kind of street, and of other countries") {
  ScanCase at;
  for (auto message : {"she lives at 123 main street",
                       "3929 church parkway, apt 11",
                       "12 oak run, columbus, oh 43215",
                       "lives at 42 Elmwood, Springfield",
                       "address: 42 Elmwood, Springfield",
                       "500 Main, Springfield, IL 62701",
                       R"({"address":"42 elmwood, springfield"})",
                       "12 rue de la Paix",
                       "5 avenue Victor Hugo",
                       "Hauptstraße 12, 10115 Berlin",
                       "Karl-Marx-Straße 7a",
                       "Berliner Straße 5",
                       "Holzweg 3, 04109 Leipzig",
                       "Calle Mayor 5",
                       "Avenida de la Constitución 12",
                       "Rua Augusta 1500",
                       "Via Roma 12, 00184 Roma",
                       "Keizersgracht 123",
                       "ul. Marszałkowska 10",
                       "10 Downing Street, London SW1A 2AA"}) {
    INFO(message);
    CHECK(at.types(message) == Types{"address"});
  }
}

TEST_CASE("numbers and words that are no address") {
  ScanCase at;
  for (auto message :
       {"we need to address 12 Critical issues", "15 Google Drive links", "2 Event Loop stalls", "3 Test Run failures",
        "address 10 problems first", "it took 5 minutes, 20 rows", "Arbeitsweg 15 km", "Via API 12 calls",
        "lives at 42 times the cost", "Version 12 runs on main street", "IP address: 10 addresses", "Weg 3",
        "Step 3, Point 5", "can0 465 [8] 54 1C BD A8 95 4D FD E9", R"({"address":"16 bytes"})"}) {
    INFO(message);
    CHECK(at.types(message) == Types{});
  }
}

TEST_CASE("dates of birth in words") {
  for (const char* date : {"the 3rd of March 1984", "3rd March, 1984",    "March 3, 1984",
                           "March the 3rd, 1984",   "March third, 1984",  "the twenty-first of June 1990",
                           "3. März 1984",          "am 3. MÄRZ 1984",    "1er mars 1984",
                           "le 3 août 1984",        "3 de marzo de 1984", "3 de março de 1984",
                           "3 marzo 1984",          "3 maart 1984",       "op 3 mei 1984",
                           "3 marca 1984",          "12 września 1984",   "1984年3月3日",
                           "1984년 3월 3일",        "1980-03-05",         "5 Mar 1980"}) {
    INFO(date);
    CHECK(birth_date_at(date) == std::string_view(date).size());
    CHECK(birth_date_at(std::string(date) + " in Leeds") == std::string_view(date).size());
  }
  for (const char* none : {"the 31st of February 1984", "March 1984", "3 walks 1984", "on the road", "March 45, 1984",
                           "the third of nine", "1984年13月3日", "", "of"}) {
    INFO(none);
    CHECK(birth_date_at(none) == 0);
  }
}

TEST_CASE("a date in words counts where birth is spoken of") {
  ScanCase at;
  for (auto message : {"born on the 3rd of March 1984", "date of birth: March 3, 1984", "geboren am 3. März 1984",
                       "Geburtsdatum: 3. März 1984", "née le 3 mars 1984", "nacida el 3 de marzo de 1984",
                       R"({"dob":"3 de março de 1984"})", "生年月日: 1984年3月3日"}) {
    INFO(message);
    CHECK(at.types(message) == Types{"date_of_birth"});
  }
  for (auto message : {"released on the 3rd of March 1984", "am 3. März 1984", "born to run, 3 songs of 1984"}) {
    INFO(message);
    CHECK(at.types(message) == Types{});
  }
}
