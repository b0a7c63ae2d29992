// Findings as rows, as JSON and as answers.
#include "sdk/masctl/dlp/findings.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "daemons/gatewayd/dlp/rewrite.h"
#include "proto/base/utf8.h"
#include "proto/wire/json.h"
#include "sdk/masctl/cli/json_parts.h"

namespace mas::ctl {

namespace {

std::string two_digits(float score) {
  char text[16];
  std::snprintf(text, sizeof text, "%.2f", static_cast<double>(score));
  return text;
}

std::string_view name_of(dlp::Action action) { return dlp::kActionNames[static_cast<size_t>(action)]; }
std::string_view name_of(dlp::Severity severity) { return dlp::kSeverityNames[static_cast<size_t>(severity)]; }

}  // namespace

Result<std::unique_ptr<Inspection>> Inspection::make(std::shared_ptr<const dlp::Rules> rules) {
  auto scanner = dlp::Scanner::make(std::move(rules));
  if (!scanner.ok()) return scanner.error();
  return std::unique_ptr<Inspection>(new Inspection(std::move(*scanner)));
}

Status Inspection::json(std::string_view value) {
  message_ = value;
  is_json_ = true;
  return scanner_->scan_json(value);
}

Status Inspection::text(std::string_view text) {
  message_ = text;
  is_json_ = false;
  return scanner_->scan_text(text);
}

Status Inspection::anything(std::string_view bytes) {
  auto value = JsonReader::local().check_value(bytes);
  return value.ok() ? json(bytes) : text(bytes);
}

std::string_view Inspection::action() const {
  return report().action == dlp::Action::kOff ? "none" : name_of(report().action);
}

std::vector<std::string> Inspection::types() const {
  std::set<std::string> names;
  for (const auto& finding : report().findings)
    if (finding.acts) names.insert(type_of(finding).name);
  return {names.begin(), names.end()};
}

std::string Inspection::where(const dlp::Finding& finding) const {
  return is_json_ ? scanner_->path(finding) : "byte " + std::to_string(finding.source.begin);
}

Table Inspection::table() const {
  Table table({"TYPE", "DETAIL", "WHERE", "SCORE", "ACTION", "SEVERITY", "MASKED"});
  for (const auto& finding : report().findings) {
    const auto& type = type_of(finding);
    table.add({type.name, finding.detail.empty() ? "-" : std::string(finding.detail), where(finding),
               two_digits(finding.score), std::string(finding.acts ? name_of(finding.action) : "possible"),
               std::string(name_of(type.severity)), dlp::masked(type, scanner_->value(finding))});
  }
  return table;
}

void Inspection::write_json(JsonWriter& json) const {
  json.begin_object().key("action").string(action()).key("findings").begin_array();
  for (const auto& finding : report().findings) {
    const auto& type = type_of(finding);
    json.begin_object().key("type").string(type.name).key("detail");
    if (finding.detail.empty())
      json.null();
    else
      json.string(finding.detail);
    json.key("path");
    if (is_json_)
      json_text_or_lossy(json, scanner_->path(finding));
    else
      json.null();
    json.key("offset").unsigned_integer(finding.source.begin);
    json.key("score").raw(two_digits(finding.score));
    json.key("acts").boolean(finding.acts);
    json.key("action").string(name_of(finding.action));
    json.key("severity").string(name_of(type.severity));
    json_member(json, "masked", dlp::masked(type, scanner_->value(finding)));
    json.end_object();
  }
  json.end_array().key("suppressed").unsigned_integer(report().suppressed).end_object();
}

std::string Inspection::redacted() const {
  std::string out;
  dlp::append_rewritten(*scanner_, message_, nullptr, out);
  return out;
}

// ---- Lines

namespace {

/// The members of a line that count; of members of the same name the last.
struct LineMembers final : JsonVisitor {
  void member(std::string_view key, const JsonValue& value) override {
    if (key == "id") {
      id = value.token;
    } else if (key == "payload") {
      payload = value.token;
    } else if (key == "text") {
      has_text = true;
      is_string = value.kind == JsonKind::kString;
      text = value.text;
    }
  }

  std::string_view id = "null", payload;
  std::string text;
  bool has_text = false, is_string = false;
};

}  // namespace

std::string LineInspector::error_line(uint64_t number, std::string_view problem) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("id").null().key("error");
  json.string("line " + std::to_string(number) + ": " + std::string(problem)).end_object();
  return out;
}

std::string LineInspector::answer(std::string_view line, uint64_t number) {
  auto malformed = [&](std::string_view problem) {
    ++malformed_;
    return error_line(number, problem);
  };
  LineMembers members;
  // A payload may nest as deeply as one in an envelope; the line's object is around it.
  if (auto status = JsonReader::local().visit(line, members, limits::kJsonDepth + 1); !status.ok())
    return malformed(status.error().message);
  bool json = !members.payload.empty();
  if (!json && !members.has_text) return malformed("expected a payload or a text");
  if (!json && !members.is_string) return malformed("text: expected a string");
  Status status = json ? inspection_.json(members.payload) : inspection_.text(members.text);
  if (!status.ok()) return malformed(status.error().message);

  std::string out, redacted = inspection_.redacted();
  JsonWriter writer(out);
  writer.begin_object().key("id").raw(members.id).key("types").begin_array();
  for (const auto& type : inspection_.types()) writer.string(type);
  writer.end_array().key("action").string(inspection_.action()).key("redacted");
  if (json)
    writer.raw(redacted);
  else
    json_text_or_lossy(writer, redacted);
  writer.end_object();
  return out;
}

}  // namespace mas::ctl
