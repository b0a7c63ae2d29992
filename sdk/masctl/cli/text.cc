// Escaping and alignment.
#include "sdk/masctl/cli/text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "proto/base/utf8.h"

namespace mas::ctl {

namespace {

/// @return the length of the UTF-8 sequence that `lead` opens; 1 for what opens none.
size_t sequence_length(unsigned char lead) {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  if (lead >= 0xc0) return 2;
  return 1;
}

char32_t code_point(std::string_view sequence) {
  auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first;
  char32_t value = first & (0xffu >> (sequence.size() + 1));
  for (char c : sequence.substr(1)) value = value << 6 | (static_cast<unsigned char>(c) & 0x3fu);
  return value;
}

bool is_harmful(char32_t c) {
  bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
  bool direction = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return control || direction;
}

void append_escape(std::string& out, char32_t c) {
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += "\\t";
  } else {
    char text[16];
    std::snprintf(text, sizeof text, c < 0x20 ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(c));
    out += text;
  }
}

void append_byte_escape(std::string& out, char byte) {
  char text[8];
  std::snprintf(text, sizeof text, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  out += text;
}

/// @return how many code points `text` (valid UTF-8) has.
size_t width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string visible(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::string_view sequence = text.substr(0, sequence_length(static_cast<unsigned char>(text[0])));
    if (!is_valid_utf8(sequence)) {
      append_byte_escape(out, text[0]);
      text.remove_prefix(1);
      continue;
    }
    char32_t c = code_point(sequence);
    if (is_harmful(c)) {
      append_escape(out, c);
    } else {
      out += sequence;
    }
    text.remove_prefix(sequence.size());
  }
  return out;
}

std::string one_line(std::string_view json) {
  std::string out(json);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return out;
}

std::string brief_duration(double seconds) {
  auto whole = static_cast<long long>(std::clamp(seconds, 0.0, 1e12));
  if (whole < 120) return std::to_string(whole) + "s";
  if (whole < 120 * 60) return std::to_string(whole / 60) + "m";
  if (whole < 48 * 3600) return std::to_string(whole / 3600) + "h";
  return std::to_string(whole / 86400) + "d";
}

std::string grouped(double number) {
  std::string digits = std::to_string(static_cast<long long>(std::llround(number)));
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), 1, ',');
  }
  return digits;
}

void Table::add(std::vector<std::string> cells) {
  for (auto& cell : cells) cell = visible(cell);
  cells.resize(headings_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::aligned() const {
  std::vector<size_t> widths;
  for (const auto& heading : headings_) widths.push_back(width(heading));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  auto append_row = [&](const std::vector<std::string>& row) {
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - width(row[i]) + 2, ' ');
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    out += '\n';
  };
  append_row(headings_);
  for (const auto& row : rows_) append_row(row);
  return out;
}

std::string Table::tab_separated() const {
  std::string out;
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += '\t';
      out += row[i];
    }
    out += '\n';
  }
  return out;
}

}  // namespace mas::ctl
