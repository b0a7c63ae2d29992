// Arrays of agent ids, read by their quotes.
#include "proto/wire/chain.h"

#include "proto/base/ids.h"
#include "proto/wire/limits.h"

namespace mas {
namespace {

/// Skips white space and one of `expected`. @return whether it stood there.
bool take(std::string_view& text, char expected) {
  size_t at = text.find_first_not_of(" \t\r\n");
  if (at == std::string_view::npos || text[at] != expected) return false;
  text.remove_prefix(at + 1);
  return true;
}

bool take_id(std::string_view& text) {
  if (!take(text, '"')) return false;
  size_t end = text.find('"');
  if (end == std::string_view::npos || !check_agent_id(text.substr(0, end)).ok()) return false;
  text.remove_prefix(end + 1);
  return true;
}

}  // namespace

bool is_chain(std::string_view array) {
  if (!take(array, '[')) return false;
  if (take(array, ']')) return array.empty();
  for (size_t ids = 1; ids <= limits::kChainAgents; ++ids) {
    if (!take_id(array)) return false;
    if (take(array, ']')) return array.empty();
    if (!take(array, ',')) return false;
  }
  return false;
}

bool ChainReader::next(std::string_view& ret_id) {
  size_t begin = rest_.find('"');
  if (begin == std::string_view::npos) return false;
  rest_.remove_prefix(begin + 1);
  size_t size = rest_.find('"');
  ret_id = rest_.substr(0, size);
  rest_.remove_prefix(size + 1);
  return true;
}

size_t chain_length(std::string_view array) {
  size_t ids = 0;
  std::string_view id;
  for (ChainReader reader(array); reader.next(id);) ++ids;
  return ids;
}

void extend_chain(std::string& out, std::string_view array, std::string_view id) {
  const size_t before = chain_length(array);
  const size_t left_out = before < limits::kChainAgents ? 0 : before + 1 - limits::kChainAgents;
  out.push_back('[');
  ChainReader reader(array);
  std::string_view earlier;
  for (size_t i = 0; reader.next(earlier); ++i)
    if (i >= left_out) out.append("\"").append(earlier).append("\",");
  out.append("\"").append(id).append("\"]");
}

}  // namespace mas
