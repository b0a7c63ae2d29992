// The one place where --json is decided.
#include "sdk/masctl/cli/document.h"

namespace mas::ctl {

namespace {

void write_raw(JsonWriter& json, const std::pair<std::string, std::string>& forms) { json.raw(forms.first); }

}  // namespace

Document Document::line(std::string json, std::string people) {
  return of(std::pair(std::move(json), std::move(people)), write_raw,
            [](Output& out, const auto& forms) { out.line(forms.second); });
}

Document Document::foreign(std::string json, std::string people) {
  return of(std::pair(std::move(json), std::move(people)), write_raw,
            [](Output& out, const auto& forms) { out.foreign(forms.second); });
}

Document Document::printed(ExitCode code) { return Document().exits_with(code); }

Document Document::exits_with(ExitCode code) && {
  code_ = code;
  return std::move(*this);
}

Document Document::fails_with(Error error) && {
  failure_ = std::move(error);
  return std::move(*this);
}

ExitCode Document::show(Output& out) const {
  if (out.json() && json_) {
    std::string text;
    JsonWriter json(text);
    json_(json);
    out.foreign(text);
  } else if (!out.json() && people_) {
    people_(out);
  }
  return failure_ ? out.fail(*failure_) : code_;
}

}  // namespace mas::ctl
