// The option table of a daemon: every setting once, with its type, default, range and help.
//
// A settings struct describes itself into a table (`describe(OptionTable&)`); each option is bound to the
// member that it sets, whose initial value is its default. From that one list come the TOML file, the
// environment, --print-config, config/<daemon>.toml, docs/CONFIGURATION.md and the comparison that a reload
// makes.
//
//   struct ScanSettings { Duration period = 30s; int64_t batch = 500; };
//   table.section("scan", "How the registry is walked.");
//   table.duration("period", scan.period, {1s, 1h}, Apply::kReload, "Time between two walks.");
//
// Values as text: durations "500ms" "30s" "5m" "1h"; sizes "16MiB" "64KiB" or bytes; booleans true and false; lists of
// tables as one line of TOML (option_rows.h).
// Ownership: the table points into the settings and keys, names and help texts must be string literals.
// Threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "daemons/common/option_rows.h"
#include "daemons/common/option_units.h"
#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace mas::common {

/// When a changed value takes effect: at SIGHUP, or only at the next start (a reload that changes it is
/// refused).
enum class Apply : uint8_t { kRestart, kReload };

enum class OptionType : uint8_t { kBool, kInteger, kText, kUrl, kSecret, kDuration, kSize, kChoice, kTables };

struct DurationRange {
  Duration min, max;
};
struct IntegerRange {
  int64_t min, max;
};
struct SizeRange {
  uint64_t min, max;
};

inline constexpr size_t kMaxOptionTextBytes = 4096;

struct Option {
  std::string_view section, key, help;
  OptionType type;
  Apply apply;
  std::variant<bool*, int64_t*, uint64_t*, std::string*, Duration*, uint8_t*, OptionRows*> field;
  std::variant<std::monostate, IntegerRange, SizeRange, DurationRange> range{};
  std::span<const std::string_view> choices{};  ///< kChoice: the names, by value; kTables: the keys
  std::string default_text{};                   ///< as text(), before anything was set
  std::string source = "default";               ///< where the value came from, for people

  /// "section.key".
  std::string name() const;
  /// The value as it would be written without quotes; secrets included, so never for people.
  std::string text() const;
  /// The same for people: a secret, or the password in a URL, is "***".
  std::string shown() const;
  /// Sets the value. @return what is wrong with `value` and what was expected; never repeats a secret.
  Status set(std::string_view value);
  /// What a value looks like, with its article: "a duration from 1s to 1h".
  std::string expectation() const;
  /// Whether the value is quoted in TOML.
  bool quoted() const;
};

struct OptionSection {
  std::string_view name, help;
};

class OptionTable {
 public:
  /// The options that follow belong to section `name`.
  void section(std::string_view name, std::string_view help);

  void flag(std::string_view key, bool& field, Apply apply, std::string_view help);
  void integer(std::string_view key, int64_t& field, IntegerRange range, Apply apply, std::string_view help);
  void size(std::string_view key, uint64_t& field, SizeRange range, Apply apply, std::string_view help);
  void duration(std::string_view key, Duration& field, DurationRange range, Apply apply, std::string_view help);
  void text(std::string_view key, std::string& field, Apply apply, std::string_view help);
  void url(std::string_view key, std::string& field, Apply apply, std::string_view help);
  void secret(std::string_view key, std::string& field, Apply apply, std::string_view help);
  /// @param names the texts of the enumerators from 0 on; a static array.
  template <typename Enum>
  void choice(std::string_view key, Enum& field, std::span<const std::string_view> names, Apply apply,
              std::string_view help) {
    static_assert(std::is_same_v<std::underlying_type_t<Enum>, uint8_t>, "an enum of uint8_t");
    auto* value = reinterpret_cast<uint8_t*>(&field);  // an unsigned char may alias any object
    add({.section = {},
         .key = key,
         .help = help,
         .type = OptionType::kChoice,
         .apply = apply,
         .field = value,
         .choices = names});
  }

  /// @param keys that each table may have; a static array.
  void tables(std::string_view key, OptionRows& field, std::span<const std::string_view> keys, Apply apply,
              std::string_view help);

  /// A former key of the section: using it is an error that names the new key.
  void renamed(std::string_view former, std::string_view key) {
    renamed_.push_back({sections_.back().name, former, key});
  }

  struct Renamed {
    std::string_view section, former, key;
  };
  std::span<const Renamed> renamed() const { return renamed_; }
  std::span<Option> options() { return options_; }
  std::span<const Option> options() const { return options_; }
  std::span<const OptionSection> sections() const { return sections_; }
  Option* find(std::string_view section, std::string_view key);

 private:
  void add(Option option);

  std::vector<OptionSection> sections_;
  std::vector<Option> options_;
  std::vector<Renamed> renamed_;
};

}  // namespace mas::common
