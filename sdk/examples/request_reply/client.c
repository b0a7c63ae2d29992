/* client: asks the server to convert some temperatures, one after the other, and prints what came of each request.
 *
 *   usage: example_convert_client_c CELSIUS...
 *   exit code: 0 all were converted; 1 some were not, with a sentence for each
 */
#include <mas_schema.h>

#include "../example.h"

#define ANSWER_MS 2000

typedef struct Converted {
  double fahrenheit;
} Converted;
static const mas_field kConvertedFields[] = {MAS_FIELD(Converted, fahrenheit, MAS_TYPE_DOUBLE, 0)};
static const mas_schema kConverted = MAS_SCHEMA(Converted, kConvertedFields);

static mas_status convert(mas_agent *agent, double celsius) {
  char request[64];
  mas_message *reply;
  void *converted;
  size_t size;
  snprintf(request, sizeof request, "{\"celsius\":%.17g}", celsius);
  mas_status status = mas_agent_request(agent, "converter", "convert", request, MAS_STRLEN, ANSWER_MS, &reply);
  if (status != MAS_OK) return status;
  const char *data = mas_message_data(reply, &size);
  status = mas_schema_read(&kConverted, data, size, &converted);
  if (status == MAS_OK) printf("%g °C are %g °F\n", celsius, ((Converted *)converted)->fahrenheit);
  if (status == MAS_OK) mas_struct_free(converted);
  mas_message_unref(reply);
  return status;
}

int main(int argc, char **argv) {
  int failed = 0;
  mas_agent *agent = example_new(0, NULL, "client", NULL, "{}");
  must(mas_agent_start(agent, 10000), "start");
  for (int i = 1; i < argc; ++i) {
    double celsius = atof(argv[i]);
    mas_status status = convert(agent, celsius);
    if (status == MAS_OK) continue;
    failed = 1;
    if (status == MAS_NO_RECEIVER) /* at once: nobody listens */
      fprintf(stderr, "%g °C: the server does not run\n", celsius);
    else if (status == MAS_TIMEOUT) /* it may have done the work all the same */
      fprintf(stderr, "%g °C: no answer within %d seconds\n", celsius, ANSWER_MS / 1000);
    else
      fprintf(stderr, "%g °C: %s\n", celsius, mas_error_detail());
  }
  mas_agent_stop(agent, 2000);
  example_free(agent);
  return failed;
}
