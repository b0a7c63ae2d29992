// Log lines as text, and their way to standard error.
#include "daemons/common/log.h"

#include <unistd.h>

#include <charconv>

#include "proto/base/json_writer.h"
#include "proto/base/utf8.h"

namespace mas::common {
namespace {

/// @return `text` without what could break a line apart, cut to the limit between characters; invalid UTF-8
/// as '?'.
std::string cut(std::string_view text) {
  size_t end = text.size();
  bool shortened = end > kMaxLogValueBytes;
  if (shortened) {
    end = kMaxLogValueBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  }
  std::string out(text.substr(0, end));
  if (!is_valid_utf8(out))
    for (char& c : out)
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  if (shortened) out += "…";
  return out;
}

void append_hex(std::string& out, std::string_view head, unsigned value) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += head;
  out.push_back(kDigits[value >> 4]);
  out.push_back(kDigits[value & 15]);
}

/// Whether a C1 control character (U+0080–U+009F, which terminals obey) starts at `i`.
bool is_c1(std::string_view text, size_t i) {
  return text[i] == '\xc2' && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
}

void append_json_text(std::string& out, std::string_view text) {
  std::string value = cut(text);
  std::string quoted;
  append_json_string(quoted, value);
  for (size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] == '\x7f')
      out += "\\u007f";
    else if (is_c1(quoted, i))
      append_hex(out, "\\u00", static_cast<unsigned char>(quoted[++i]));
    else
      out.push_back(quoted[i]);
  }
}

void append_human_text(std::string& out, std::string_view text) {
  std::string value = cut(text);
  bool quote = value.empty() || value.find_first_of(" \"=\\") != std::string::npos;
  if (quote) out.push_back('"');
  for (size_t i = 0; i < value.size(); ++i) {
    auto c = static_cast<unsigned char>(value[i]);
    if (c == '\n')
      out += "\\n";
    else if (c < 0x20 || c == 0x7f)
      append_hex(out, "\\x", c);
    else if (is_c1(value, i))
      append_hex(out, "\\x", static_cast<unsigned char>(value[++i]));
    else if (c == '"' || c == '\\')
      out += {'\\', static_cast<char>(c)};
    else
      out.push_back(value[i]);
  }
  if (quote) out.push_back('"');
}

template <typename Number>
void append_number(std::string& out, Number value) {
  char text[32];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void append_value(std::string& out, const LogField& field, bool json) {
  if (const auto* text = std::get_if<std::string_view>(&field.value))
    json ? append_json_text(out, *text) : append_human_text(out, *text);
  else if (const auto* flag = std::get_if<bool>(&field.value))
    out += *flag ? "true" : "false";
  else if (const auto* integer = std::get_if<int64_t>(&field.value))
    append_number(out, *integer);
  else if (const auto* natural = std::get_if<uint64_t>(&field.value))
    append_number(out, *natural);
  else
    JsonWriter(out).number(std::get<double>(field.value));
}

void append_line(std::string& out, bool json, LogLevel level, std::string_view daemon, std::string_view event,
                 std::span<const LogField> fields) {
  if (json)
    append_json_line(out, wall_now(), level, daemon, event, fields);
  else
    append_human_line(out, wall_now(), level, event, fields);
}

}  // namespace

void append_json_line(std::string& out, WallMicros now, LogLevel level, std::string_view daemon, std::string_view event,
                      std::span<const LogField> fields) {
  out += "{\"ts\":\"";
  append_rfc3339(out, now);
  out += "\",\"level\":\"";
  out += kLogLevelNames[static_cast<size_t>(level)];
  out += "\",\"daemon\":";
  append_json_text(out, daemon);
  out += ",\"event\":";
  append_json_text(out, event);
  for (const auto& field : fields) {
    out.push_back(',');
    append_json_text(out, field.key);
    out.push_back(':');
    append_value(out, field, true);
  }
  out.push_back('}');
}

void append_human_line(std::string& out, WallMicros now, LogLevel level, std::string_view event,
                       std::span<const LogField> fields) {
  append_rfc3339(out, now);
  out.push_back(' ');
  auto name = kLogLevelNames[static_cast<size_t>(level)];
  out += name;
  out.append(6 - name.size(), ' ');
  append_human_text(out, event);
  for (const auto& field : fields) {
    out.push_back(' ');
    out += field.key;
    out.push_back('=');
    append_value(out, field, false);
  }
}

Log::Log(std::string_view daemon, LogLevel level, LogFormat format)
    : daemon_(daemon),
      level_(level),
      json_(format == LogFormat::kJson || (format == LogFormat::kAuto && isatty(STDERR_FILENO) == 0)),
      writer_(STDERR_FILENO, [json = json_, daemon = daemon_](uint64_t lines) {
        const LogField fields[] = {{"lines", lines}};
        std::string line;
        append_line(line, json, LogLevel::kWarn, daemon, "log_lines_dropped", fields);
        return line;
      }) {}

void Log::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!enabled(level)) return;
  line_.clear();
  append_line(line_, json_, level, daemon_, event, {fields.begin(), fields.size()});
  writer_.write(line_);
}

bool RepeatFilter::should_log(std::string_view text, MonoTime now) {
  if (text_ == text && now - logged_ < period_) return false;
  text_ = text;
  logged_ = now;
  return true;
}

}  // namespace mas::common
