// The HTTP request to a language model and what its answer must be: see chat.h.
#include "chat.h"

#include <curl/curl.h>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <mas.hpp>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

namespace {

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Text = std::unique_ptr<char, decltype(&curl_free)>;

// ---- The JSON of a request and of an answer

struct Said {
  std::string role;
  std::string content;
};
MAS_STRUCT(Said, role, content)

struct Asked {
  std::string model;
  std::vector<Said> messages;
};
MAS_STRUCT(Asked, model, messages)

struct AnswerText {
  std::optional<std::string> content;
};
MAS_STRUCT(AnswerText, content)

struct Choice {
  AnswerText message;
};
MAS_STRUCT(Choice, message)

struct Answer {
  std::vector<Choice> choices;
};
MAS_STRUCT_WITH(Answer, MAS_MEMBER(choices).length(1, 100))

// ---- The environment

std::string variable(const char *name, const char *otherwise) {
  const char *value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

[[noreturn]] void not_configured(const char *sentence) {
  std::cerr << sentence << std::endl;
  std::exit(2);
}

/// Whether a text can be part of an HTTP header, or of a URL as it is sent.
bool printable(const std::string &text) {
  for (char c : text)
    if (c <= ' ' || c > '~') return false;
  return true;
}

/// A part of a URL; "" if it has none.
std::string part_of(CURLU *url, CURLUPart which) {
  char *part = nullptr;
  if (curl_url_get(url, which, &part, 0) != CURLUE_OK) return "";
  return Text(part, &curl_free).get();
}

/// The host of an http or https URL without user and password; "" of anything else.
std::string host_of(const std::string &url) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  if (!printable(url) || !parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "";
  std::string scheme = part_of(parsed.get(), CURLUPART_SCHEME);
  bool has_user = !part_of(parsed.get(), CURLUPART_USER).empty() || !part_of(parsed.get(), CURLUPART_PASSWORD).empty();
  if ((scheme != "http" && scheme != "https") || has_user) return "";
  return part_of(parsed.get(), CURLUPART_HOST);
}

/// A positive number of seconds as milliseconds, at least one: to libcurl, none means no time-out. Nothing if the text
/// is anything else, or more than an hour.
std::optional<std::chrono::milliseconds> milliseconds_of(std::string_view text) {
  double seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !(seconds > 0 && seconds <= 3600)) return {};
  return std::chrono::milliseconds(static_cast<int64_t>(std::ceil(seconds * 1000)));
}

// ---- What can go wrong

std::string refusal(long status) {
  const char *because = status >= 500 ? "failed; try again later" : "refused the request";
  if (status == 401) because = "refused the key; is OPENAI_API_KEY right?";
  if (status == 403) because = "refused the key; is OPENAI_API_KEY right, and may it use this model?";
  if (status == 404) because = "knows no such model or address; are OPENAI_MODEL and OPENAI_BASE_URL right?";
  if (status == 429) because = "gets too many requests, or the account's quota is used up; try again later";
  return because + std::string(" (HTTP ") + std::to_string(status) + ")";
}

/// libcurl's callback: takes a part of the answer. Returning less than it got ends the transfer.
size_t take(const char *part, size_t, size_t size, void *body) {
  auto *text = static_cast<std::string *>(body);
  if (text->size() + size > Chat::kMaxBody) return 0;
  text->append(part, size);
  return size;
}

/// 0.2 for 200 milliseconds.
std::string shown(std::chrono::milliseconds time) {
  std::ostringstream text;
  text << std::chrono::duration<double>(time).count();
  return text.str();
}

std::string trimmed(const std::string &text) {
  size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

Chat Chat::from_environment() {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  Chat chat;
  std::string base = variable("OPENAI_BASE_URL", "https://api.openai.com/v1");
  chat.host_ = host_of(base);
  if (chat.host_.empty())
    not_configured(
        "OPENAI_BASE_URL must be an address such as https://api.openai.com/v1, without a user and password.");
  while (base.back() == '/') base.pop_back();
  chat.url_ = base + "/chat/completions";
  chat.model_ = variable("OPENAI_MODEL", "gpt-4o-mini");
  chat.key_ = variable("OPENAI_API_KEY", "");
  if (chat.key_.empty())
    not_configured(
        "No key for a language model: set OPENAI_API_KEY, and for another server than OpenAI's OPENAI_BASE_URL and "
        "OPENAI_MODEL.");
  if (!printable(chat.key_)) not_configured("OPENAI_API_KEY must be printable ASCII without spaces and line breaks.");
  auto timeout = milliseconds_of(variable("OPENAI_TIMEOUT_SECONDS", "60"));
  if (!timeout) not_configured("OPENAI_TIMEOUT_SECONDS must be a number of seconds, at most 3600.");
  chat.timeout_ = *timeout;
  return chat;
}

std::string Chat::ask(const std::string &instructions, const std::string &text) const {
  auto request = mas::to_json(Asked{model_, {{"system", instructions}, {"user", text}}});
  if (!request) throw error(std::string("cannot be asked: ") + request.error().what());
  auto answer = mas::from_json<Answer>(post(*request));
  if (!answer) throw error("sent an answer that is not a chat completion");
  std::string said = trimmed(answer->choices[0].message.content.value_or(""));
  if (said.empty()) throw error("sent an answer without text");
  if (said.size() > kMaxText) throw error("sent a text of more than " + std::to_string(kMaxText) + " bytes");
  return said;
}

std::string Chat::post(const std::string &body) const {
  Curl curl(curl_easy_init(), &curl_easy_cleanup);
  if (!curl) throw error("cannot be asked: no memory");
  curl_slist *list = curl_slist_append(nullptr, "Content-Type: application/json");
  list = curl_slist_append(list, ("Authorization: Bearer " + key_).c_str());
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(list, &curl_slist_free_all);
  std::string answer;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url_.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_.count()));
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);  // for programs with threads
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &take);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer);
  // Redirects are not followed, which is libcurl's default: an error is better than a key at an unknown host.

  CURLcode code = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OPERATION_TIMEDOUT) throw error("did not answer within " + shown(timeout_) + " seconds");
  if (code == CURLE_WRITE_ERROR) throw error("sent an answer of more than " + std::to_string(kMaxBody) + " bytes");
  if (code != CURLE_OK) throw error(std::string("cannot be reached: ") + curl_easy_strerror(code));
  if (status != 200) throw error(refusal(status));
  return answer;
}

ChatError Chat::error(const std::string &what) const {
  return ChatError("The language model at " + host_ + " " + what + ".");
}
