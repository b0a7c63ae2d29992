// The log: one event per line, a name and key/value pairs.
//
//   log.info("redis_up", {{"address", address}, {"version", version}});
//
// Written to standard error, by a thread that waits for its reader (LogWriter): for people on a terminal, as JSON
// otherwise. Event names and keys are snake_case literals and stable: tests and alerts rely on them. Values are data
// from anywhere: control characters and invalid UTF-8 are escaped and the text is cut, so that no value forges a line
// or moves a terminal's cursor. Never pass a payload or a secret. Threading: one thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "daemons/common/log_writer.h"
#include "proto/base/clock.h"

namespace mas::common {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };
inline constexpr std::string_view kLogLevelNames[] = {"debug", "info", "warn", "error"};

enum class LogFormat : uint8_t { kAuto, kHuman, kJson };
inline constexpr std::string_view kLogFormatNames[] = {"auto", "human", "json"};

inline constexpr size_t kMaxLogValueBytes = 1024;

/// A key and its value; views are used during the call only.
struct LogField {
  template <typename T>
  LogField(std::string_view k, const T& v) : key(k) {
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, double>)
      value = v;
    else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
      value = static_cast<int64_t>(v);
    else if constexpr (std::is_integral_v<T>)
      value = static_cast<uint64_t>(v);
    else
      value = std::string_view(v);
  }
  std::string_view key;
  std::variant<std::string_view, bool, int64_t, uint64_t, double> value;
};

class Log {
 public:
  /// @param daemon "registryd"; stands in every JSON line.
  explicit Log(std::string_view daemon, LogLevel level = LogLevel::kInfo, LogFormat format = LogFormat::kAuto);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kDebug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kInfo, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kWarn, event, fields);
  }
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kError, event, fields);
  }
  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);

  void set_level(LogLevel level) { level_ = level; }
  bool enabled(LogLevel level) const { return level >= level_; }
  /// @return lines that were dropped, since nobody read them in time.
  uint64_t dropped() const { return writer_.dropped(); }

 private:
  std::string daemon_;
  LogLevel level_;
  bool json_;
  std::string line_;
  LogWriter writer_;
};

/// One line without its newline, pure: {"ts":…,"level":…,"daemon":…,"event":…, fields…}.
void append_json_line(std::string& out, WallMicros now, LogLevel level, std::string_view daemon, std::string_view event,
                      std::span<const LogField> fields);

/// One line without its newline, pure: "2026-…Z info  event key=value …".
void append_human_line(std::string& out, WallMicros now, LogLevel level, std::string_view event,
                       std::span<const LogField> fields);

/// Says whether a condition that is reported again and again should be logged: the first time, when its text
/// changes, and then every `period`. Pure.
class RepeatFilter {
 public:
  explicit RepeatFilter(Duration period = std::chrono::seconds(30)) : period_(period) {}
  bool should_log(std::string_view text, MonoTime now);
  /// The condition is over: the next report is logged.
  void reset() { text_.clear(); }

 private:
  Duration period_;
  std::string text_;
  MonoTime logged_{};
};

}  // namespace mas::common
