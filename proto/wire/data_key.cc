// Tokens: written, found again and opened.
#include "proto/wire/data_key.h"

#include <algorithm>

#include "proto/base/json_writer.h"
#include "proto/base/secret.h"
#include "proto/wire/json.h"
#include "proto/wire/json_path.h"
#include "proto/wire/json_string.h"

namespace mas {
namespace {

constexpr std::string_view kOpen = "{mas:enc:";
constexpr size_t kLongestId = 64;

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kLongestId && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

std::string context_of(std::string_view path, bool number) {
  return std::string("mas.data.v1\n").append(number ? "n" : "s").append("\n").append(path);
}

/// A token within a text.
struct Token {
  size_t begin = 0, end = 0;
  bool number = false;
  std::string_view id, sealed;
};

/// @return whether there is one at or after `from`.
bool find_token(std::string_view text, size_t from, Token& ret_token) {
  for (size_t at = text.find(kOpen, from); at != std::string_view::npos; at = text.find(kOpen, at + 1)) {
    size_t close = text.find('}', at);
    if (close == std::string_view::npos) return false;
    std::string_view body = text.substr(at + kOpen.size(), close - at - kOpen.size());
    if (body.size() < 4 || (body[0] != 's' && body[0] != 'n') || body[1] != ':') continue;
    size_t colon = body.find(':', 2);
    if (colon == std::string_view::npos || !is_id(body.substr(2, colon - 2))) continue;
    ret_token = {at, close + 1, body[0] == 'n', body.substr(2, colon - 2), body.substr(colon + 1)};
    return true;
  }
  return false;
}

/// Walks a valid JSON value, copies it, and opens tokens in its strings.
class Opener {
 public:
  Opener(std::string_view json, std::span<const DataKey> keys, Decrypted& into)
      : json_(json), keys_(keys), into_(into) {}

  Status run(std::string_view root) {
    std::string path(root);
    if (auto status = value(path); !status) return status;
    into_.json.append(json_.substr(copied_));
    return {};
  }

 private:
  char at() const { return at_ < json_.size() ? json_[at_] : '\0'; }
  void skip_space() {
    while (at() == ' ' || at() == '\n' || at() == '\t' || at() == '\r') ++at_;
  }
  /// @return the body of the string that begins here.
  std::string_view string_body() {
    size_t begin = ++at_;
    while (at_ < json_.size() && json_[at_] != '"') at_ += json_[at_] == '\\' ? 2 : 1;
    return json_.substr(begin, at_++ - begin);
  }

  Status value(std::string& path) {
    skip_space();
    if (at() == '{' || at() == '[') return inside(path, at() == '{');
    if (at() != '"') {
      while (at_ < json_.size() && std::string_view(",]} \n\t\r").find(json_[at_]) == std::string_view::npos) ++at_;
      return {};
    }
    size_t begin = at_;
    std::string_view body = string_body();
    return open_string(begin, body, path, false);
  }

  Status inside(std::string& path, bool object) {
    ++at_;
    char close = object ? '}' : ']';
    for (size_t index = 0;; ++index) {
      skip_space();
      if (at() == close || at() == '\0') break;
      size_t size = path.size();
      if (object) {
        size_t begin = at_;
        std::string_view body = string_body();
        if (auto status = open_string(begin, body, path, true); !status) return status;
        std::string key;
        append_unescaped(key, body);
        append_key_step(path, key);
        skip_space();
        ++at_;  // the colon
      } else {
        append_index_step(path, index);
      }
      if (auto status = value(path); !status) return status;
      path.resize(size);
      skip_space();
      if (at() == ',') ++at_;
    }
    ++at_;
    return {};
  }

  /// @param begin where the string's quote stands.
  Status open_string(size_t begin, std::string_view body, std::string_view path, bool key) {
    Token token;
    for (size_t from = 0; find_token(body, from, token); from = token.end) {
      auto holder = std::find_if(keys_.begin(), keys_.end(), [&](const DataKey& one) { return one.id() == token.id; });
      if (holder == keys_.end()) {
        ++into_.locked;
        continue;
      }
      auto plain = holder->decrypt(token.sealed, path.empty() ? "$" : path, token.number);
      if (!plain) return plain.error().in(std::string(path));
      ++into_.opened;
      bool alone = token.begin == 0 && token.end == body.size();
      if (token.number && alone && !key && JsonReader::local().check_value(*plain).ok()) {
        put(begin, *plain);
        copied_ = begin + body.size() + 2;
        return {};
      }
      std::string escaped;
      append_json_string(escaped, *plain);
      put(begin + 1 + token.begin, std::string_view(escaped).substr(1, escaped.size() - 2));
      copied_ = begin + 1 + token.end;
      wipe(escaped);
      wipe(*plain);
    }
    return {};
  }

  void put(size_t where, std::string_view text) {
    into_.json.append(json_.substr(copied_, where - copied_)).append(text);
  }

  const std::string_view json_;
  const std::span<const DataKey> keys_;
  Decrypted& into_;
  size_t at_ = 0, copied_ = 0;
};

}  // namespace

Result<DataKey> DataKey::read(std::string_view id, const std::string& file) {
  if (!is_id(id)) return Error{Errc::kInvalidArgument, "a data key's id is 1 to 64 of [A-Za-z0-9._-]"};
  auto key = MasterKey::read(file);
  if (!key) return key.error();
  return DataKey(id, std::move(*key));
}

Result<DataKey> DataKey::of(std::string_view id, std::string_view bytes) {
  if (!is_id(id)) return Error{Errc::kInvalidArgument, "a data key's id is 1 to 64 of [A-Za-z0-9._-]"};
  auto key = MasterKey::of(bytes);
  if (!key) return key.error();
  return DataKey(id, std::move(*key));
}

void DataKey::append_encrypted(std::string& out, std::string_view value, std::string_view path, bool number) const {
  out.append(kOpen).append(number ? "n:" : "s:").append(id_).append(":");
  out.append(key_.seal(value, context_of(path, number))).append("}");
}

Result<std::string> DataKey::decrypt(std::string_view sealed, std::string_view path, bool number) const {
  auto plain = key_.unseal(sealed, context_of(path, number));
  if (!plain)
    return Error{Errc::kAuthFailed,
                 "an encrypted value cannot be decrypted: it was encrypted under another key or for another place, or "
                 "was changed"};
  return plain;
}

Result<Decrypted> decrypt_values(std::string_view json, std::string_view root, std::span<const DataKey> keys) {
  Decrypted result;
  if (auto valid = JsonReader::local().check_value(json); !valid) return valid.error();
  result.json.reserve(json.size());
  if (auto status = Opener(json, keys, result).run(root == "$" ? "" : root); !status) return status.error();
  return result;
}

}  // namespace mas
