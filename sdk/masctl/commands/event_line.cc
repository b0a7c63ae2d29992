// Time, type, whom it is about, and the rest.
#include "sdk/masctl/commands/event_line.h"

#include <algorithm>
#include <ctime>

#include "sdk/masctl/cli/text.h"

namespace mas::ctl {

std::string utc_seconds(double seconds) {
  // Years 1970 to 9999: what a foreign program says need not be a time at all, nor a number.
  auto whole = static_cast<time_t>(seconds > 0 ? std::min(seconds, 253402300799.0) : 0.0);
  std::tm tm{};
  gmtime_r(&whole, &tm);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
  return text;
}

std::string event_line(const Event& event, WallMicros now) {
  double seconds = event.timestamp > 0 ? event.timestamp : static_cast<double>(now) / 1e6;
  std::string line = utc_seconds(seconds) + "  " + visible(event.type_text);
  std::string subject = event.agent_id.empty() ? event.daemon : event.agent_id;
  if (!subject.empty()) line += "  " + visible(subject);
  if (!event.instance.empty()) line += "  instance " + visible(event.instance);
  std::string list;
  for (const auto& capability : event.capabilities) list += (list.empty() ? "" : ", ") + visible(capability);
  if (!list.empty()) line += "  " + list;
  if (!event.text.empty()) line += "  " + visible(event.text);
  return line;
}

}  // namespace mas::ctl
