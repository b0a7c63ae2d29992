// Secrets by the kind of their document.
#include "daemons/gatewayd/dlp/detect/manifests.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "daemons/gatewayd/dlp/detect/base64.h"
#include "daemons/gatewayd/dlp/detect/looks.h"
#include "daemons/gatewayd/dlp/detect/stand_ins.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

constexpr float kOfManifest = 0.8F;

/// What stands beside the secrets: names and places.
bool is_harmless_name(std::string_view key) {
  constexpr std::array<std::string_view, 18> kNames = {
      "username", "user",    "host",   "hostname", "port",  "database", "dbname", "db",   "namespace",
      "ca.crt",   "tls.crt", "region", "endpoint", "email", "url",      "type",   "name", "ssh-publickey"};
  return equals_any(key, kNames);
}

bool is_secret_text(std::string_view value) {
  constexpr size_t kShortest = 4;
  value = trim(value);
  return value.size() >= kShortest && !is_stand_in(value, As::kPassword) && !is_plain_number(value) &&
         !is_reference(value) && !is_path(value) && !value.starts_with("-----BEGIN CERT");
}

/// @param encoded the value stands in base64.
void see_entry(Sight& sight, std::string_view key, Span span, bool encoded) {
  std::string_view value = sight.view(span);
  if (is_harmless_name(key)) return;
  if (encoded) {
    std::string plain;
    if (value.size() < 4 || !decode_base64(value, plain) || !is_secret_text(plain)) return;
  } else if (!is_secret_text(value)) {
    return;
  }
  sight.see(Type::password, span, {kOfManifest, 0, false, false, "kubernetes secret"});
}

// ---- JSON

/// Objects of a kind, by the number of their container.
struct Objects {
  std::vector<uint32_t> secrets, random;
  bool any() const { return !secrets.empty() || !random.empty(); }
  void sort() {
    std::sort(secrets.begin(), secrets.end());
    std::sort(random.begin(), random.end());
  }
};

bool holds(const std::vector<uint32_t>& list, uint32_t container) {
  return container != kNowhere && std::binary_search(list.begin(), list.end(), container);
}

std::string_view key_of(const Document& document, uint32_t key) {
  return key == kNowhere ? std::string_view() : document.text_of(document.nodes()[key]);
}

Objects objects_of(const Document& document) {
  Objects found;
  for (const Node& node : document.nodes()) {
    if (node.kind != Node::Kind::kString || node.key == kNowhere) continue;
    uint32_t size = node.text.size();
    if (size == 6 && document.text_of(node) == "Secret" && key_of(document, node.key) == "kind")
      found.secrets.push_back(node.container);
    else if ((size == 15 || size == 13) && document.text_of(node).starts_with("random_") &&
             key_of(document, node.key) == "type")
      found.random.push_back(node.container);
  }
  found.sort();
  return found;
}

void see_in_secret(Sight& sight, const Objects& objects, const Node& node) {
  const Document& document = sight.document();
  const Container& within = document.containers()[node.container];
  if (!holds(objects.secrets, within.parent)) return;
  std::string_view part = key_of(document, within.key);
  if (part == "data" || part == "stringData") see_entry(sight, key_of(document, node.key), node.text, part == "data");
}

void see_in_state(Sight& sight, const Objects& objects, const Node& node) {
  const Document& document = sight.document();
  std::string_view key = key_of(document, node.key);
  if (key != "result" && key != "bcrypt_hash") return;
  constexpr int kMaxLevels = 4;
  uint32_t at = node.container;
  for (int level = 0; level < kMaxLevels && at != kNowhere; ++level) {
    if (holds(objects.random, at)) {
      if (is_secret_text(document.text_of(node)))
        sight.see(Type::password, node.text, {kOfManifest, 0, false, false, "terraform"});
      return;
    }
    at = document.containers()[at].parent;
  }
}

// ---- YAML

constexpr uint32_t kLongestDocument = 16 * 1024;

struct Line {
  Span all;
  uint32_t indent = 0;
  uint32_t next = 0;
};

Line line_at(std::string_view text, uint32_t begin, uint32_t stop) {
  Line line;
  uint32_t end = begin;
  while (end < stop && text[end] != '\n' && text[end] != '\0') ++end;
  uint32_t from = begin;
  while (from < end && text[from] == ' ') ++from;
  line.indent = from - begin;
  line.all = {from, end};
  while (line.all.end > from && is_space(text[line.all.end - 1])) --line.all.end;
  line.next = end + 1;
  return line;
}

/// Reads the document [begin, end) for its data.
void see_document(Sight& sight, uint32_t begin, uint32_t end) {
  std::string_view text = sight.text();
  bool within = false, encoded = false;
  uint32_t outer = 0;
  for (uint32_t at = begin; at < end;) {
    Line line = line_at(text, at, end);
    at = line.next;
    std::string_view said = sight.view(line.all);
    if (said.empty() || said[0] == '#') continue;
    if (said == "data:" || said == "stringData:") {
      within = true;
      encoded = said == "data:";
      outer = line.indent;
      continue;
    }
    if (within && line.indent <= outer) within = false;
    size_t colon = said.find(": ");
    if (!within || colon == std::string_view::npos) continue;
    Span value{line.all.begin + static_cast<uint32_t>(colon) + 2, line.all.end};
    while (value.begin < value.end && text[value.begin] == ' ') ++value.begin;
    if (value.size() >= 2 && (text[value.begin] == '"' || text[value.begin] == '\'') &&
        text[value.end - 1] == text[value.begin])
      ++value.begin, --value.end;
    if (value.size() > 0 && text[value.begin] != '|' && text[value.begin] != '>')
      see_entry(sight, said.substr(0, colon), value, encoded);
  }
}

}  // namespace

void detect_in_objects(Sight& sight) {
  Objects objects = objects_of(sight.document());
  if (!objects.any()) return;
  for (const Node& node : sight.document().nodes()) {
    if (sight.is_spent()) return;
    if (node.kind != Node::Kind::kString || node.key == kNowhere || node.text.size() == 0) continue;
    see_in_secret(sight, objects, node);
    see_in_state(sight, objects, node);
  }
}

void detect_in_yaml(Sight& sight) {
  std::string_view text = sight.text();
  uint32_t read = 0;  // no byte is read twice
  for (const Word& word : sight.words()) {
    if (sight.is_spent()) return;
    if (word.context != Context::kManifest || word.span.begin < read) continue;
    char next = sight.at(word.span.end);
    if (next != '\n' && next != '\r' && next != ' ' && next != '\0') continue;
    uint32_t begin = word.span.begin, least = std::max(read, begin - std::min(begin, kLongestDocument));
    while (begin > least && text[begin - 1] != '\0' && text.substr(begin, 4) != "---\n") --begin;
    uint32_t end = word.span.end, most = std::min<uint32_t>(end + kLongestDocument, static_cast<uint32_t>(text.size()));
    while (end < most && text[end] != '\0' && text.substr(end, 5) != "\n---\n") ++end;
    sight.spend(end - begin);
    see_document(sight, begin, end);
    read = end;
  }
}

}  // namespace mas::dlp
