/* server: converts degrees for whoever asks. The table of fields says what a request must hold; the rest never reaches
 * the handler.
 *
 *   usage: example_convert_server_c [ID]
 */
#include <mas_schema.h>

#include "../example.h"

typedef struct Convert {
  double celsius;
} Convert;
static const mas_field kConvertFields[] = {MAS_FIELD(Convert, celsius, MAS_TYPE_DOUBLE, 0)};
static const mas_schema kConvert = MAS_SCHEMA(Convert, kConvertFields);

static mas_status on_convert(mas_agent *agent, const mas_message *message, const void *filled, void *user) {
  const Convert *request = filled;
  char answer[64];
  (void)agent, (void)user;
  snprintf(answer, sizeof answer, "{\"fahrenheit\":%.17g}", request->celsius * 9 / 5 + 32);
  return mas_message_reply(message, "converted", answer, MAS_STRLEN);
}

int main(int argc, char **argv) {
  mas_agent *agent = example_new(argc, argv, "converter", NULL, "{}");
  must(mas_agent_on_typed(agent, "convert", &kConvert, on_convert, NULL), "handler");
  must(mas_agent_start(agent, 10000), "start");
  say(agent, "server: ready");
  must(mas_agent_run(agent), "run");
  return example_end(agent);
}
