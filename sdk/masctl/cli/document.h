// What a command hands back: its answer in two forms, for programs (JSON) and for people, and the exit code.
//
// Happy path: a command makes a document of what it found; Cli shows the form that the command line asked for.
// A command that prints as it goes (a stream, or a list too long to be held) returns Document::printed().
// Threading: none. Ownership: a document owns its answer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "proto/base/json_writer.h"
#include "proto/base/result.h"
#include "sdk/masctl/cli/exit_code.h"
#include "sdk/masctl/cli/output.h"

namespace mas::ctl {

class Document {
 public:
  /// @param json called as json(JsonWriter&, const Answer&); writes one JSON value.
  /// @param people called as people(Output&, const Answer&); writes lines, tables and remarks.
  template <typename Answer, typename Json, typename People>
  static Document of(Answer answer, Json json, People people) {
    auto kept = std::make_shared<const Answer>(std::move(answer));
    Document document;
    document.json_ = [kept, json](JsonWriter& writer) { json(writer, *kept); };
    document.people_ = [kept, people](Output& out) { people(out, *kept); };
    return document;
  }
  /// One line in either form. @param json one JSON value, on one line.
  static Document line(std::string json, std::string people);
  /// Bytes that are an answer as they are. @param json shown with --json instead.
  static Document foreign(std::string json, std::string people);
  /// Everything has been printed already.
  static Document printed(ExitCode code = ExitCode::kOk);

  /// Exits with this code instead of kOk.
  Document exits_with(ExitCode code) &&;
  /// Shows the answer, then reports this failure.
  Document fails_with(Error error) &&;

  /// @return the exit code.
  ExitCode show(Output& out) const;

 private:
  std::function<void(JsonWriter&)> json_;
  std::function<void(Output&)> people_;
  ExitCode code_ = ExitCode::kOk;
  std::optional<Error> failure_;
};

}  // namespace mas::ctl
