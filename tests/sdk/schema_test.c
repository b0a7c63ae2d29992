/* Structs and JSON: what fits, what does not and what is said of it, and handlers that get structs. */
#include <mas_schema.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "harness.h"

typedef struct Place {
  char *city;
  double latitude;
} Place;

typedef struct Visit {
  bool urgent;
  int32_t age;
  int64_t number;
  double weight;
  char *name;
  char *ward;
  mas_bytes scan;
  char *notes;
  Place place;
  mas_array places; /* of Place */
  mas_array codes;  /* of char * */
} Visit;

static const char *const kWards[] = {"north", "south", NULL};

static const mas_field kPlaceFields[] = {
    MAS_FIELD(Place, city, MAS_TYPE_STRING, 0, .min_length = 1, .max_length = 20),
    MAS_FIELD(Place, latitude, MAS_TYPE_DOUBLE, MAS_FIELD_OPTIONAL, .minimum = -90, .maximum = 90),
};
static const mas_schema kPlace = MAS_SCHEMA(Place, kPlaceFields);

static const mas_field kVisitFields[] = {
    MAS_FIELD(Visit, urgent, MAS_TYPE_BOOL, MAS_FIELD_OPTIONAL, .default_json = "true"),
    MAS_FIELD(Visit, age, MAS_TYPE_INT32, 0, .minimum = 0, .maximum = 150),
    MAS_FIELD(Visit, number, MAS_TYPE_INT64, MAS_FIELD_OPTIONAL, .default_json = "-9223372036854775808"),
    MAS_FIELD(Visit, weight, MAS_TYPE_DOUBLE, MAS_FIELD_OPTIONAL),
    MAS_NAMED_FIELD(Visit, name, "full name", MAS_TYPE_STRING, 0, .max_length = 12,
                    .pattern = "[A-Z][a-z]+( [A-Z][a-z]+)*"),
    MAS_FIELD(Visit, ward, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL, .one_of = kWards, .default_json = "\"north\""),
    MAS_FIELD(Visit, scan, MAS_TYPE_BYTES, MAS_FIELD_OPTIONAL, .max_length = 4),
    MAS_FIELD(Visit, notes, MAS_TYPE_JSON, MAS_FIELD_OPTIONAL),
    MAS_FIELD(Visit, place, MAS_TYPE_STRUCT, MAS_FIELD_OPTIONAL, .schema = &kPlace),
    MAS_FIELD(Visit, places, MAS_TYPE_STRUCT, MAS_FIELD_OPTIONAL | MAS_FIELD_ARRAY, .schema = &kPlace, .max_length = 3),
    MAS_FIELD(Visit, codes, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL | MAS_FIELD_ARRAY, .default_json = "[\"a\",\"b\"]"),
};
static const mas_schema kVisit = MAS_SCHEMA(Visit, kVisitFields);

static void every_type_is_read(void) {
  Visit *visit = NULL;
  CHECK_OK(mas_schema_read(
      &kVisit,
      "{\"urgent\":false,\"age\":150,\"number\":9223372036854775807,\"weight\":-1.5e3,"
      "\"full name\":\"Ada Lane\",\"ward\":\"s\\u006futh\",\"scan\":\"AP/+\",\"notes\":[1, {\"x\":null}],"
      "\"place\":{\"city\":\"Z\xc3\xbcrich\",\"latitude\":90},\"places\":[{\"city\":\"A\"},{\"city\":\"B\"}],"
      "\"codes\":[],\"unknown\":{\"deep\":[]}}",
      MAS_STRLEN, (void **)&visit));
  CHECK(!visit->urgent && visit->age == 150 && visit->number == INT64_MAX && visit->weight == -1500.0);
  CHECK_TEXT(visit->name, "Ada Lane");
  CHECK_TEXT(visit->ward, "south");
  CHECK(visit->scan.size == 3 && memcmp(visit->scan.data, "\x00\xff\xfe", 3) == 0);
  CHECK_TEXT(visit->notes, "[1, {\"x\":null}]");
  CHECK_TEXT(visit->place.city, "Z\xc3\xbcrich");
  CHECK(visit->place.latitude == 90);
  CHECK(visit->places.count == 2);
  CHECK_TEXT(((const Place *)visit->places.items)[1].city, "B");
  CHECK(visit->codes.count == 0 && visit->codes.items != NULL);
  mas_struct_free(visit);
  mas_struct_free(NULL);
}

static void what_is_absent_or_null_gets_its_default(void) {
  Visit *visit = NULL;
  CHECK_OK(mas_schema_read(&kVisit, "{\"age\":0,\"full name\":\"Bo\",\"weight\":null,\"ward\":null}", MAS_STRLEN,
                           (void **)&visit));
  CHECK(visit->urgent && visit->age == 0 && visit->number == INT64_MIN && visit->weight == 0);
  CHECK_TEXT(visit->ward, "north");
  CHECK(visit->scan.data == NULL && visit->notes == NULL && visit->place.city == NULL && visit->places.items == NULL);
  CHECK(visit->codes.count == 2);
  CHECK_TEXT(((char *const *)visit->codes.items)[1], "b");
  mas_struct_free(visit);
}

typedef struct misfit {
  const char *members, *said;
} misfit;

static void what_does_not_fit_is_named_and_never_quoted(void) {
  static const misfit misfits[] = {
      {"\"full name\":\"Bo\"", "age: is missing; expected an integer from 0 to 150"},
      {"\"age\":151,\"full name\":\"Bo\"", "age: expected an integer from 0 to 150, not this one"},
      {"\"age\":1.0,\"full name\":\"Bo\"", "age: expected an integer from 0 to 150, not a number"},
      {"\"age\":1.5,\"full name\":\"Bo\"", "age: expected an integer from 0 to 150, not a number"},
      {"\"age\":1e400,\"full name\":\"Bo\"", "age: expected an integer from 0 to 150, not a number"},
      {"\"age\":1,\"full name\":\"Bo\",\"weight\":-1e400",
       "weight: expected a number, not one that no double can hold"},
      {"\"age\":\"secret\",\"full name\":\"Bo\"", "age: expected an integer from 0 to 150, not a string"},
      {"\"age\":1,\"age\":1,\"full name\":\"Bo\"", "age: is there twice"},
      {"\"age\":1,\"full name\":\"Bo\",\"ward\":null,\"ward\":\"north\"", "ward: is there twice"},
      {"\"age\":null,\"full name\":\"Bo\"", "age: expected an integer from 0 to 150, not null"},
      {"\"age\":99999999999,\"full name\":\"Bo\"", "age: expected an integer from 0 to 150, not this one"},
      {"\"age\":1,\"full name\":\"bo\"",
       "full name: expected a string that matches [A-Z][a-z]+( [A-Z][a-z]+)*, not this one"},
      {"\"age\":1,\"full name\":\"Bobobobobobobobo\"", "full name: expected a string"},
      {"\"age\":1,\"full name\":\"Bo\",\"ward\":\"east\"", "ward: expected one of 'north' 'south', not this one"},
      {"\"age\":1,\"full name\":\"Bo\",\"ward\":7", "ward: expected one of 'north' 'south', not an integer"},
      {"\"age\":1,\"full name\":\"Bo\",\"scan\":\"AP_-\"",
       "scan: expected a string in base64 of at most 4 bytes, not this one"},
      {"\"age\":1,\"full name\":\"Bo\",\"scan\":\"AAAAAAAA\"", "scan: expected a string in base64 of at most 4 bytes"},
      {"\"age\":1,\"full name\":\"Bo\",\"place\":[]", "place: expected an object, not an array"},
      {"\"age\":1,\"full name\":\"Bo\",\"place\":{}", "place.city: is missing; expected a string of 1 to 20 bytes"},
      {"\"age\":1,\"full name\":\"Bo\",\"place\":{\"city\":\"\"}",
       "place.city: expected a string of 1 to 20 bytes, not this one"},
      {"\"age\":1,\"full name\":\"Bo\",\"place\":{\"city\":\"a\\u0000b\"}",
       "place.city: expected a string of 1 to 20 bytes"},
      {"\"age\":1,\"full name\":\"Bo\",\"places\":[{\"city\":\"A\"},{\"city\":\"B\",\"latitude\":91}]",
       "places[1].latitude: expected a number from -90 to 90, not this one"},
      {"\"age\":1,\"full name\":\"Bo\",\"places\":[0]", "places[0]: expected an object, not an integer"},
      {"\"age\":1,\"full name\":\"Bo\",\"places\":{}",
       "places: expected an array of at most 3 elements, not an object"},
      {"\"age\":1,\"full "
       "name\":\"Bo\",\"places\":[{\"city\":\"A\"},{\"city\":\"A\"},{\"city\":\"A\"},{\"city\":\"A\"}]",
       "places: expected an array of at most 3 elements, not this one"},
      {"\"age\":1,\"full name\":\"Bo\",\"codes\":[\"a\",true]", "codes[1]: expected a string, not true or false"},
  };
  for (size_t i = 0; i < sizeof misfits / sizeof misfits[0]; ++i) {
    void *visit = NULL;
    CHECK_STATUS(mas_schema_read(&kVisit, text("{%s}", misfits[i].members), MAS_STRLEN, &visit), MAS_MALFORMED);
    CHECK(visit == NULL);
    if (strncmp(mas_error_detail(), misfits[i].said, strlen(misfits[i].said)) != 0)
      CHECK_TEXT(mas_error_detail(), misfits[i].said);
    CHECK(strstr(mas_error_detail(), "secret") == NULL);
  }
  void *visit = NULL;
  CHECK_STATUS(mas_schema_read(&kVisit, "[]", MAS_STRLEN, &visit), MAS_MALFORMED);
  CHECK_STATUS(mas_schema_read(&kVisit, "{", MAS_STRLEN, &visit), MAS_MALFORMED);
}

static void a_range_may_be_open(void) {
  typedef struct Age {
    int32_t years;
    double least;
  } Age;
  static const mas_field kAgeFields[] = {
      MAS_FIELD(Age, years, MAS_TYPE_INT32, 0, .minimum = 1, .maximum = INFINITY),
      MAS_FIELD(Age, least, MAS_TYPE_DOUBLE, 0, .minimum = -INFINITY, .maximum = 2),
  };
  static const mas_schema kAge = MAS_SCHEMA(Age, kAgeFields);
  Age *age = NULL;
  CHECK_OK(mas_schema_read(&kAge, "{\"years\":2147483647,\"least\":-1e300}", MAS_STRLEN, (void **)&age));
  mas_struct_free(age);
  CHECK_STATUS(mas_schema_read(&kAge, "{\"years\":0,\"least\":0}", MAS_STRLEN, (void **)&age), MAS_MALFORMED);
  CHECK_TEXT(mas_error_detail(), "years: expected an integer of at least 1, not this one");
  CHECK_STATUS(mas_schema_read(&kAge, "{\"years\":1,\"least\":3}", MAS_STRLEN, (void **)&age), MAS_MALFORMED);
  CHECK_TEXT(mas_error_detail(), "least: expected a number of at most 2, not this one");
}

static void a_number_too_small_for_a_double_is_0(void) {
  static const char *const kTiny[] = {"1e-400",       "-1e-400", "0.0e-1", "0.00001e-99999999999999999999",
                                      "123.45E-5000", "4e-325",  "0e-400", "0.0001e-325"};
  static const char *const kHuge[] = {"1e400", "-12.5e+400", "0.001e99999999999999999999", "1e309"};
  for (size_t i = 0; i < sizeof kTiny / sizeof *kTiny; ++i) {
    Visit *visit = NULL;
    CHECK_OK(mas_schema_read(&kVisit, text("{\"age\":1,\"full name\":\"Bo\",\"weight\":%s}", kTiny[i]), MAS_STRLEN,
                             (void **)&visit));
    CHECK(visit->weight == 0);
    mas_struct_free(visit);
  }
  for (size_t i = 0; i < sizeof kHuge / sizeof *kHuge; ++i) {
    void *visit = NULL;
    CHECK_STATUS(
        mas_schema_read(&kVisit, text("{\"age\":1,\"full name\":\"Bo\",\"weight\":%s}", kHuge[i]), MAS_STRLEN, &visit),
        MAS_MALFORMED);
    CHECK(strstr(mas_error_detail(), "no double can hold") != NULL);
  }
}

/* The first test: what the process has used at most is not known for less than all of it. */
static void an_array_takes_little_more_than_its_elements(void) {
  typedef struct Series {
    mas_array values;
  } Series;
  static const mas_field kFields[] = {MAS_FIELD(Series, values, MAS_TYPE_INT32, MAS_FIELD_ARRAY)};
  static const mas_schema kSeries = MAS_SCHEMA(Series, kFields);
  enum { kCount = 4 << 20 }; /* 16 MiB of int32_t */
  char *json = malloc(2 * kCount + 64);
  memcpy(json, "{\"values\":[1", 12);
  for (size_t i = 1; i < kCount; ++i) memcpy(json + 10 + 2 * i, ",1", 2);
  strcpy(json + 10 + 2 * kCount, "]}");
  struct rusage before, after;
  Series *series = NULL;
  CHECK(getrusage(RUSAGE_SELF, &before) == 0);
  CHECK_OK(mas_schema_read(&kSeries, json, MAS_STRLEN, (void **)&series));
  CHECK(getrusage(RUSAGE_SELF, &after) == 0);
  CHECK(series->values.count == kCount && ((const int32_t *)series->values.items)[kCount - 1] == 1);
  CHECK(after.ru_maxrss - before.ru_maxrss < 64 * 1024);
  mas_struct_free(series);
  free(json);
}

typedef struct Choice {
  char *name;
  int32_t *limit;
  mas_array tags; /* of char * */
} Choice;
static const mas_field kChoiceFields[] = {
    MAS_FIELD(Choice, name, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL | MAS_FIELD_NULLABLE, .default_json = "\"Bo\""),
    MAS_FIELD(Choice, limit, MAS_TYPE_INT32, MAS_FIELD_OPTIONAL | MAS_FIELD_POINTER | MAS_FIELD_NULLABLE,
              .default_json = "5"),
    MAS_FIELD(Choice, tags, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL | MAS_FIELD_ARRAY | MAS_FIELD_NULLABLE),
};
static const mas_schema kChoice = MAS_SCHEMA(Choice, kChoiceFields);

static void a_nullable_field_tells_null_from_absent(void) {
  Choice *choice = NULL;
  char *json = NULL;
  CHECK_OK(mas_schema_read(&kChoice, "{}", MAS_STRLEN, (void **)&choice));
  CHECK_TEXT(choice->name, "Bo");
  CHECK(*choice->limit == 5 && choice->tags.items == NULL);
  mas_struct_free(choice);
  CHECK_OK(mas_schema_read(&kChoice, "{\"name\":null,\"limit\":null,\"tags\":null}", MAS_STRLEN, (void **)&choice));
  CHECK(choice->name == NULL && choice->limit == NULL && choice->tags.items == NULL);
  CHECK_OK(mas_schema_write(&kChoice, choice, &json, NULL));
  CHECK_TEXT(json, "{\"name\":null,\"limit\":null}"); /* without a default, absent says the same */
  mas_free(json);
  mas_struct_free(choice);
}

static void memory_is_bounded_by_the_text(void) {
  typedef struct Wide {
    char filler[4096];
    bool set;
  } Wide;
  typedef struct Many {
    mas_array wide;
  } Many;
  static const mas_field kWideFields[] = {MAS_FIELD(Wide, set, MAS_TYPE_BOOL, MAS_FIELD_OPTIONAL)};
  static const mas_schema kWide = MAS_SCHEMA(Wide, kWideFields);
  static const mas_field kManyFields[] = {MAS_FIELD(Many, wide, MAS_TYPE_STRUCT, MAS_FIELD_ARRAY, .schema = &kWide)};
  static const mas_schema kMany = MAS_SCHEMA(Many, kManyFields);
  char *json = malloc(400000), *end = json;
  end += sprintf(end, "{\"wide\":[{}");
  for (int i = 1; i < 100000; ++i) end += sprintf(end, ",{}");
  sprintf(end, "]}");
  void *many = NULL;
  CHECK_STATUS(mas_schema_read(&kMany, json, MAS_STRLEN, &many), MAS_TOO_LARGE);
  free(json);
}

static void a_struct_is_written_as_it_would_be_read(void) {
  Place places[] = {{"A", 1.5}, {"B", 0}};
  const char *codes[] = {"x", "\"y\""};
  Visit visit = {.age = 7, .number = -5, .weight = 0.1, .name = "Ada", .ward = "south", .scan = {"\xff\xfe", 2}};
  visit.place = places[0];
  visit.places = (mas_array){places, 2};
  visit.codes = (mas_array){codes, 2};
  char *json = NULL;
  size_t size = 0;
  CHECK_OK(mas_schema_write(&kVisit, &visit, &json, &size));
  CHECK_TEXT(
      json,
      "{\"urgent\":false,\"age\":7,\"number\":-5,\"weight\":0.1,\"full name\":\"Ada\",\"ward\":\"south\","
      "\"scan\":\"//4=\",\"place\":{\"city\":\"A\",\"latitude\":1.5},\"places\":[{\"city\":\"A\",\"latitude\":1.5},"
      "{\"city\":\"B\",\"latitude\":0}],\"codes\":[\"x\",\"\\\"y\\\"\"]}");
  CHECK(size == strlen(json));
  Visit *again = NULL;
  char *second = NULL;
  CHECK_OK(mas_schema_read(&kVisit, json, size, (void **)&again));
  CHECK_OK(mas_schema_write(&kVisit, again, &second, NULL));
  CHECK_TEXT(second, json);
  mas_free(json);
  mas_free(second);
  mas_struct_free(again);
}

typedef struct Reading {
  int32_t *level;
  bool *valid;
  Place *place;
} Reading;

static const mas_field kReadingFields[] = {
    MAS_FIELD(Reading, level, MAS_TYPE_INT32, MAS_FIELD_OPTIONAL | MAS_FIELD_POINTER, .minimum = 0, .maximum = 9),
    MAS_FIELD(Reading, valid, MAS_TYPE_BOOL, MAS_FIELD_OPTIONAL | MAS_FIELD_POINTER, .default_json = "true"),
    MAS_FIELD(Reading, place, MAS_TYPE_STRUCT, MAS_FIELD_OPTIONAL | MAS_FIELD_POINTER, .schema = &kPlace),
};
static const mas_schema kReading = MAS_SCHEMA(Reading, kReadingFields);

static void a_pointer_tells_0_from_absent(void) {
  Reading *reading = NULL;
  char *json = NULL;
  CHECK_OK(mas_schema_read(&kReading, "{\"place\":null}", MAS_STRLEN, (void **)&reading));
  CHECK(reading->level == NULL && *reading->valid && reading->place == NULL);
  mas_struct_free(reading);
  CHECK_OK(mas_schema_read(&kReading, "{\"level\":0,\"valid\":false,\"place\":{\"city\":\"A\"}}", MAS_STRLEN,
                           (void **)&reading));
  CHECK(*reading->level == 0 && !*reading->valid);
  CHECK_TEXT(reading->place->city, "A");
  CHECK_OK(mas_schema_write(&kReading, reading, &json, NULL));
  CHECK_TEXT(json, "{\"level\":0,\"valid\":false,\"place\":{\"city\":\"A\",\"latitude\":0}}");
  mas_free(json);
  reading->level = NULL;
  reading->place = NULL;
  CHECK_OK(mas_schema_write(&kReading, reading, &json, NULL));
  CHECK_TEXT(json, "{\"valid\":false}");
  mas_free(json);
  mas_struct_free(reading);
  CHECK_STATUS(mas_schema_read(&kReading, "{\"level\":10}", MAS_STRLEN, (void **)&reading), MAS_MALFORMED);
  CHECK_TEXT(mas_error_detail(), "level: expected an integer from 0 to 9, not this one");
  CHECK_STATUS(mas_schema_read(&kReading, "{\"place\":{}}", MAS_STRLEN, (void **)&reading), MAS_MALFORMED);
  CHECK_TEXT(mas_error_detail(), "place.city: is missing; expected a string of 1 to 20 bytes");
}

static void a_struct_that_breaks_its_schema_is_not_written(void) {
  char *json = NULL;
  const Place good = {"A", 0};
  Visit visit = {.age = 7, .name = "Ada", .ward = "south", .place = good};
  CHECK_OK(mas_schema_write(&kVisit, &visit, &json, NULL));
  mas_free(json);
  visit.age = -1;
  CHECK_STATUS(mas_schema_write(&kVisit, &visit, &json, NULL), MAS_MALFORMED);
  CHECK_TEXT(mas_error_detail(), "age: expected an integer from 0 to 150, not this one");
  visit.age = 1;
  visit.name = NULL;
  CHECK_STATUS(mas_schema_write(&kVisit, &visit, &json, NULL), MAS_MALFORMED);
  visit.name = "A\xff";
  CHECK_STATUS(mas_schema_write(&kVisit, &visit, &json, NULL), MAS_MALFORMED);
  visit.name = "Ada";
  visit.weight = NAN;
  CHECK_STATUS(mas_schema_write(&kVisit, &visit, &json, NULL), MAS_MALFORMED);
  visit.weight = 0;
  visit.notes = "{\"open\":";
  CHECK_STATUS(mas_schema_write(&kVisit, &visit, &json, NULL), MAS_MALFORMED);
  visit.notes = NULL;
  visit.codes = (mas_array){NULL, 3};
  CHECK_OK(mas_schema_write(&kVisit, &visit, &json, NULL)); /* NULL: absent */
  mas_free(json);
}

static void a_wrong_schema_is_named(void) {
  typedef struct Pair {
    int32_t a;
    char *b;
  } Pair;
  static const struct {
    mas_field field;
    const char *said;
  } wrong[] = {
      {MAS_FIELD(Pair, a, MAS_TYPE_INT64, 0), "schema Pair: field 'a' is a member of 4 bytes; its type has 8"},
      {MAS_FIELD(Pair, a, MAS_TYPE_STRUCT, 0), "schema Pair: field 'a' is a struct without a schema"},
      {MAS_FIELD(Pair, a, (mas_type)99, 0), "schema Pair: field 'a' has an unknown type"},
      {MAS_FIELD(Pair, a, MAS_TYPE_INT32, 0, .max_length = 3), "schema Pair: field 'a' has a length, but"},
      {MAS_FIELD(Pair, a, MAS_TYPE_INT32, 0, .minimum = 3), "schema Pair: field 'a' has a minimum above its maximum"},
      {MAS_FIELD(Pair, a, MAS_TYPE_INT32, 0, .default_json = "1"), "schema Pair: field 'a' has a default, but"},
      {MAS_FIELD(Pair, a, MAS_TYPE_INT32, MAS_FIELD_OPTIONAL, .default_json = "x"),
       "schema Pair: field 'a' has a default that"},
      {MAS_FIELD(Pair, b, MAS_TYPE_STRING, 0, .minimum = 1, .maximum = 2), "schema Pair: field 'b' has a range, but"},
      {MAS_FIELD(Pair, b, MAS_TYPE_STRING, 0, .pattern = "x"),
       "schema Pair: field 'b' has a pattern; max_length must be"},
      {MAS_FIELD(Pair, b, MAS_TYPE_STRING, 0, .pattern = "(", .max_length = 9),
       "schema Pair: field 'b' has a pattern that is no"},
      {MAS_FIELD(Pair, b, MAS_TYPE_STRING, 0, .pattern = "(a*)\\1", .max_length = 9),
       "schema Pair: field 'b' has a pattern with a"},
      {MAS_NAMED_FIELD(Pair, b, "", MAS_TYPE_STRING, 0), "schema Pair: the name of field 0 must have 1 to 128 bytes"},
      {MAS_FIELD(Pair, b, MAS_TYPE_INT32, MAS_FIELD_POINTER),
       "schema Pair: field 'b' is a pointer, but is not optional"},
      {MAS_FIELD(Pair, b, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL | MAS_FIELD_POINTER),
       "schema Pair: field 'b' is a pointer, but is no bool"},
      {MAS_FIELD(Pair, a, MAS_TYPE_INT32, MAS_FIELD_OPTIONAL | MAS_FIELD_NULLABLE),
       "schema Pair: field 'a' is nullable, but is not optional or cannot be NULL"},
      {MAS_FIELD(Pair, b, MAS_TYPE_STRING, MAS_FIELD_NULLABLE),
       "schema Pair: field 'b' is nullable, but is not optional or cannot be NULL"},
      {MAS_FIELD(Pair, b, MAS_TYPE_JSON, MAS_FIELD_OPTIONAL | MAS_FIELD_NULLABLE),
       "schema Pair: field 'b' is nullable, but is not optional or cannot be NULL"},
      {MAS_FIELD(Pair, a, MAS_TYPE_INT32, MAS_FIELD_OPTIONAL | MAS_FIELD_POINTER),
       "schema Pair: field 'a' is a member of 4 bytes; its type has 8"},
      {{"c", 12, 8, MAS_TYPE_STRING, 0, NULL, NULL, 0, 0, 0, 0, NULL, NULL},
       "schema Pair: field 'c' lies outside of its struct"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    const mas_schema schema = {"Pair", sizeof(Pair), &wrong[i].field, 1};
    void *pair = NULL;
    CHECK_STATUS(mas_schema_read(&schema, "{}", MAS_STRLEN, &pair), MAS_INVALID_ARGUMENT);
    if (strncmp(mas_error_detail(), wrong[i].said, strlen(wrong[i].said)) != 0)
      CHECK_TEXT(mas_error_detail(), wrong[i].said);
  }
  static mas_schema loop;
  static const mas_field kLoop[] = {{"loop", 0, sizeof(Pair), MAS_TYPE_STRUCT, 0, &loop, NULL, 0, 0, 0, 0, NULL, NULL}};
  loop = (mas_schema){"Loop", sizeof(Pair), kLoop, 1};
  void *pair = NULL;
  CHECK_STATUS(mas_schema_read(&loop, "{}", MAS_STRLEN, &pair), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_schema_read(NULL, "{}", MAS_STRLEN, &pair), MAS_INVALID_ARGUMENT);
}

/* ---- Handlers. */

typedef struct heard {
  int count;
  int32_t age;
  char city[32];
} heard;

static mas_status on_visit(mas_agent *agent, const mas_message *message, const void *filled, void *user) {
  const Visit *visit = filled;
  heard *h = user;
  (void)agent;
  CHECK_TEXT(mas_message_type(message), "visit");
  ++h->count;
  h->age = visit->age;
  strcpy(h->city, visit->place.city == NULL ? "-" : visit->place.city);
  return MAS_OK;
}

static bool heard_one(void *context) { return ((heard *)context)->count >= 1; }

typedef struct counted {
  mas_agent *agent;
  uint64_t failed;
} counted;
static bool failed_as_often(void *context) {
  counted *c = context;
  mas_stats stats;
  mas_agent_stats(c->agent, &stats, sizeof stats);
  return stats.handler_failed == c->failed;
}

static void a_handler_gets_the_struct(void) {
  mas_agent *a = agent_started("alice", NULL), *b = agent_started("bob", NULL);
  heard h = {0};
  CHECK_OK(mas_agent_on_typed(b, "visit", &kVisit, on_visit, &h));
  CHECK_OK(mas_agent_send(a, "bob", "visit", "{\"age\":41,\"full name\":\"Bo\",\"place\":{\"city\":\"Ulm\"}}",
                          MAS_STRLEN, NULL));
  CHECK(eventually(heard_one, &h, b));
  CHECK(h.age == 41);
  CHECK_TEXT(h.city, "Ulm");

  counted one = {b, 1};
  CHECK_OK(mas_agent_send(a, "bob", "visit", "{\"age\":\"41\",\"full name\":\"Bo\"}", MAS_STRLEN, NULL));
  CHECK(eventually(failed_as_often, &one, b));
  CHECK(h.count == 1);

  CHECK_STATUS(mas_agent_on_typed(b, NULL, &kVisit, on_visit, &h), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_agent_on_typed(b, "visit", NULL, on_visit, &h), MAS_INVALID_ARGUMENT);
  CHECK_OK(mas_agent_on_typed(b, "visit", NULL, NULL, NULL)); /* removed */
  agent_ended(a);
  agent_ended(b);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"an array takes little more than its elements", an_array_takes_little_more_than_its_elements},
      {"every type is read", every_type_is_read},
      {"a number too small for a double is 0", a_number_too_small_for_a_double_is_0},
      {"a nullable field tells null from absent", a_nullable_field_tells_null_from_absent},
      {"what is absent or null gets its default", what_is_absent_or_null_gets_its_default},
      {"what does not fit is named and never quoted", what_does_not_fit_is_named_and_never_quoted},
      {"a range may be open", a_range_may_be_open},
      {"memory is bounded by the text", memory_is_bounded_by_the_text},
      {"a struct is written as it would be read", a_struct_is_written_as_it_would_be_read},
      {"a pointer tells 0 from absent", a_pointer_tells_0_from_absent},
      {"a struct that breaks its schema is not written", a_struct_that_breaks_its_schema_is_not_written},
      {"a wrong schema is named", a_wrong_schema_is_named},
      {"a handler gets the struct", a_handler_gets_the_struct},
  };
  return RUN_TESTS(argc, argv, tests);
}
