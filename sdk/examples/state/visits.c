/* visits: counts how often it was started, and remembers who came last. Typed state keeps both between the starts.
 *
 *   usage: example_visits_c NAME
 */
#include <mas_schema.h>

#include "../example.h"

typedef struct Visits {
  int64_t count;
  char *last;
} Visits;
static const mas_field kVisitsFields[] = {
    MAS_FIELD(Visits, count, MAS_TYPE_INT64, MAS_FIELD_OPTIONAL),
    MAS_FIELD(Visits, last, MAS_TYPE_STRING, MAS_FIELD_OPTIONAL, .default_json = "\"nobody\""),
};
static const mas_schema kVisits = MAS_SCHEMA(Visits, kVisitsFields);

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s NAME\n", argv[0]);
    return 2;
  }
  Visits visits;
  mas_agent *agent = example_new(0, NULL, "visits", NULL, "{}");
  must(mas_state_bind(agent, &kVisits, &visits), "state");
  must(mas_agent_start(agent, 10000), "start"); /* fills the struct */
  const char *before = visits.last;             /* the library keeps it until the struct is filled again */
  visits.count++;
  visits.last = argv[1];
  must(mas_state_save(agent, 2000), "save"); /* writes what was changed */
  printf("visit %lld is by %s, the one before was by %s\n", (long long)visits.count, visits.last, before);
  mas_agent_stop(agent, 2000);
  example_free(agent);
  return 0;
}
