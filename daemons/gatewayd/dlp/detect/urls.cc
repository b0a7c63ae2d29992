// Credentials in URLs and connection strings.
#include <algorithm>

#include "daemons/gatewayd/dlp/detect/literal_detectors.h"
#include "daemons/gatewayd/dlp/detect/stand_ins.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr uint32_t kLongestUrl = 512;

bool ends_url(char c) {
  return c == '\0' || is_space(c) || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`' || c == '\\';
}

bool is_web(std::string_view scheme) {
  return equals_any(scheme, {"http", "https", "ftp", "ftps", "git+https", "git+http", "ws", "wss"});
}

/// The signs of a URL from behind its "://".
struct Authority {
  uint32_t colon = 0;    ///< the first, of a port or a password; 0: none
  uint32_t path = 0;     ///< the first '/', '?' or '#'; or the end
  uint32_t last_at = 0;  ///< the last @ before that; 0: none
  uint32_t end = 0;      ///< of the URL
};

Authority read_authority(const Sight& sight, uint32_t from) {
  Authority found;
  uint32_t at = from;
  for (; at - from < kLongestUrl && !ends_url(sight.at(at)); ++at) {
    char c = sight.at(at);
    if (c == ':' && sight.at(at + 1) == '/' && sight.at(at + 2) == '/') break;  // the next URL looks at the rest
    if (found.path == 0 && (c == '/' || c == '?' || c == '#')) found.path = at;
    if (found.path != 0) continue;
    if (c == ':' && found.colon == 0 && found.last_at == 0) found.colon = at;
    if (c == '@') found.last_at = at;
  }
  found.end = at;
  if (found.path == 0) found.path = at;
  return found;
}

/// docker://name:tag@sha256:…, oci://…: the digest of an image (OCI image specification, "Digests").
bool is_digest(std::string_view text) {
  return text.starts_with("sha256:") || text.starts_with("sha512:") || text.starts_with("sha384:");
}

/// @return the end of the host that begins at `from`; 0 where none does.
uint32_t host_end(const Sight& sight, uint32_t from, uint32_t limit) {
  uint32_t end =
      run_while(sight, from, limit - from, [](char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; });
  char next = end < limit ? sight.at(end) : '\0';
  bool ends = next == '\0' || next == '/' || next == '?' || next == ',' || next == ')' || next == ';';
  if (next == ':') ends = is_digit(sight.at(end + 1));
  return end > from && ends ? end : 0;
}

/// A password with '/', '?' or '#' as it is, which RFC 3986 would have encoded: @return its @; 0 where there is none.
uint32_t at_of_raw_password(const Sight& sight, uint32_t from, const Authority& url, bool web) {
  if (url.colon == 0 || url.last_at != 0 || url.path == url.colon + 1) return 0;
  std::string_view user = sight.view({from, url.colon}), head = sight.view({url.colon + 1, url.path});
  bool plain = std::all_of(user.begin(), user.end(),
                           [](char c) { return is_url_safe(c) || c == '.' || c == '%' || c == '+' || c == '~'; });
  bool port = is_digit(head[0]) && (count_digits(head) == head.size() || head.find(',') != std::string_view::npos);
  if (!plain || port || (web && user.find('.') != std::string_view::npos)) return 0;
  for (uint32_t at = url.path; at < url.end; ++at) {
    if (sight.at(at) != '@' || host_end(sight, at + 1, url.end) == 0) continue;
    std::string_view password = sight.view({url.colon + 1, at});
    constexpr size_t kShortest = 8;
    return count_digits(password) > 0 && password.size() >= kShortest ? at : 0;
  }
  return 0;
}

uint32_t without_punctuation(const Sight& sight, uint32_t begin, uint32_t end) {
  while (end > begin && std::string_view(",.);]").find(sight.at(end - 1)) != std::string_view::npos) --end;
  return end;
}

}  // namespace

/// scheme://user:password@host (RFC 3986 §3.2.1).
void url_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongestScheme = 24;
  uint32_t begin = literal.begin;
  while (begin > 0 && literal.begin - begin < kLongestScheme &&
         (is_alnum(sight.at(begin - 1)) || sight.at(begin - 1) == '+' || sight.at(begin - 1) == '-' ||
          sight.at(begin - 1) == '.'))
    --begin;
  if (begin == literal.begin) return;
  bool web = is_web(sight.view({begin, literal.begin}));
  Authority url = read_authority(sight, literal.end);
  uint32_t end = url.path, at = url.last_at;
  if (at == 0) {
    at = at_of_raw_password(sight, literal.end, url, web);
    end = at == 0 ? 0 : host_end(sight, at + 1, url.end);
  }
  if (at == 0 || url.colon == 0 || at <= url.colon + 1 || is_digest(sight.view({at + 1, end}))) return;
  std::string_view user = sight.view({literal.end, url.colon}), password = sight.view({url.colon + 1, at});
  if (is_stand_in(password, As::kLogin) || is_token(password) || is_token(user)) return;
  bool sample = is_sample_login(user, password);
  sight.see(web ? Type::basic_auth : Type::connection_string, {begin, without_punctuation(sight, at, end)},
            {sample ? 0.5F : 0.9F, 0, !sample, false});
}

namespace {

constexpr uint32_t kLongestLogin = 128;

/// Oracle: user/password before an @. @param begin where the user may begin at the earliest.
void see_oracle_login(Sight& sight, uint32_t begin, uint32_t at) {
  std::string_view login = sight.view({begin, at});
  size_t slash = login.find('/');
  if (slash == std::string_view::npos) return;
  size_t colon = login.substr(0, slash).rfind(':');
  if (colon != std::string_view::npos) {  // jdbc:oracle:thin:
    begin += static_cast<uint32_t>(colon) + 1;
    login.remove_prefix(colon + 1);
    slash -= colon + 1;
  }
  std::string_view user = login.substr(0, slash), password = login.substr(slash + 1);
  bool named = !user.empty() && is_letter(user[0]) && std::all_of(user.begin(), user.end(), [](char c) {
    return is_alnum(c) || c == '_' || c == '$' || c == '#';
  });
  if (!named || password.empty() || password[0] == '/' || is_stand_in(password, As::kLogin)) return;
  bool sample = is_sample_login(user, password);
  uint32_t end = run_while(sight, at, kLongestLogin, [](char c) { return !ends_url(c) && c != ',' && c != ')'; });
  sight.see(Type::connection_string, {begin, end}, {sample ? 0.5F : 0.9F, 0, !sample, false, "oracle"});
}

}  // namespace

/// jdbc:oracle:thin:user/password@host (Oracle JDBC Developer's Guide, "Oracle Database URLs").
void jdbc_at(Sight& sight, Span literal) {
  uint32_t end = run_while(sight, literal.end, kLongestLogin, [](char c) { return !ends_url(c) && c != '@'; });
  if (sight.at(end) == '@') see_oracle_login(sight, literal.end, end);
}

/// user/password@//host:port/service (Oracle Net, "Easy Connect").
void easy_connect_at(Sight& sight, Span literal) {
  uint32_t begin = literal.begin;
  while (begin > 0 && literal.begin - begin < kLongestLogin && !ends_url(sight.at(begin - 1)) &&
         sight.at(begin - 1) != '=' && sight.at(begin - 1) != '@')
    --begin;
  see_oracle_login(sight, begin, literal.begin);
}

namespace {

/// A parameter of a URL's query that holds a credential.
struct Parameter {
  std::string_view first, further;  ///< as it stands behind a URL and behind another parameter
  uint16_t shortest;
};
constexpr Parameter kParameters[] = {
    {"?sig=", "&sig=", 43},  // Azure Storage and Logic Apps: an HMAC-SHA256 in base64
    {"?key=", "&key=", 20},
    {"?token=", "&token=", 16},
    {"?auth=", "&auth=", 16},
    {"?api_key=", "&api_key=", 12},
    {"?apikey=", "&apikey=", 12},
    {"?api-key=", "&api-key=", 12},
    {"?access_token=", "&access_token=", 12},
    {"?auth_token=", "&auth_token=", 12},
    {"?client_secret=", "&client_secret=", 12},
    {"?secret=", "&secret=", 12},
};

/// Whether the query around a signature is that of a shared access signature: version, permissions or end beside it.
bool is_shared_access(const Sight& sight, Span value) {
  constexpr uint32_t kFarthest = 256;
  uint32_t begin = value.begin, end = value.end;
  while (begin > 0 && value.begin - begin < kFarthest && !ends_url(sight.at(begin - 1))) --begin;
  while (end - value.end < kFarthest && !ends_url(sight.at(end))) ++end;
  std::string_view query = sight.view({begin, end});
  for (std::string_view sibling : {"sv=", "se=", "sp="})
    for (char sign : {'?', '&'})
      if (query.find(std::string(1, sign).append(sibling)) != std::string_view::npos) return true;
  return false;
}

}  // namespace

void url_parameter_at(Sight& sight, uint16_t parameter, Span literal) {
  constexpr uint32_t kLongest = 512;
  constexpr uint16_t kSignature = 0;
  uint32_t end = run_while(sight, literal.end, kLongest, is_token_character);
  while (end > literal.end && sight.at(end - 1) == '.') --end;
  Span value{literal.end, end};
  std::string_view text = sight.view(value);
  if (text.size() < kParameters[parameter].shortest || is_token(text)) return;
  if (parameter == kSignature) {
    if (!is_stand_in(text, As::kKey) && is_shared_access(sight, value))
      sight.see(Type::api_key, value, {0.9F, bit(kApiKey), false, false, "shared access signature"});
  } else if (is_random(text, kParameters[parameter].shortest)) {
    sight.see(Type::api_key, value, {0.7F, bit(kApiKey), false, false, "in a URL"});
  }
}

namespace {

/// A key of a connection string as ADO.NET, ODBC and JDBC have them, which says where to and as whom.
bool names_server(std::string_view key) {
  return equals_any(key, {"server", "data source", "datasource", "host", "hostname", "addr", "address", "endpoint",
                          "user id", "userid", "uid", "user", "username", "user name", "database", "initial catalog",
                          "databasename", "driver", "dsn"});
}

bool ends_connection_string(char c) {
  return c == '\0' || c == '\n' || c == '\r' || c == '"' || c == '\'' || c == '`' || c == '<' || c == '>';
}

}  // namespace

/// Server=…;User Id=…;Password=…; (ADO.NET and ODBC connection strings, jdbc:sqlserver).
void connection_pair_at(Sight& sight, Span literal) {
  constexpr uint32_t kFarthest = 256, kLongestPassword = 128;
  uint32_t before = literal.begin;
  if (sight.before(before) == ' ') --before;
  if (sight.before(before) != ';') return;
  uint32_t end = run_while(sight, literal.end, kLongestPassword,
                           [](char c) { return !ends_connection_string(c) && c != ';' && !is_space(c); });
  if (is_stand_in(sight.view({literal.end, end}), As::kLogin)) return;
  // Pair by pair back to the beginning, or to the password before this one, which has looked at the rest.
  uint32_t pair_end = before - 1, at = pair_end;
  bool server = false;
  for (; before - at < kFarthest; --at) {
    bool begins = at == 0 || ends_connection_string(sight.at(at - 1)) || sight.at(at - 1) == ';';
    if (!begins) continue;
    std::string_view pair = sight.view({at, pair_end});
    std::string_view key = trim(pair.substr(0, std::min(pair.find('='), pair.size())));
    if (equals_word(key, "password") || equals_word(key, "pwd")) return;
    size_t from = key.find_last_of(" :(,");  // what stands before the string on its line
    server |= names_server(key) || (from != std::string_view::npos && names_server(key.substr(from + 1))) ||
              key.starts_with("jdbc:");
    if (at == 0 || sight.at(at - 1) != ';') break;
    pair_end = at - 1;
  }
  if (!server) return;
  sight.see(Type::connection_string, {at, end}, {0.9F, bit(kPassword), true, false});
}

void append_url_literals(std::vector<Literal>& all) {
  all.push_back({"://", false, Trigger::kUrl});
  all.push_back({"jdbc:oracle:", true, Trigger::kJdbc});
  all.push_back({"@//", false, Trigger::kEasyConnect});
  for (size_t i = 0; i < std::size(kParameters); ++i)
    for (std::string_view text : {kParameters[i].first, kParameters[i].further})
      all.push_back({text, true, Trigger::kUrlParameter, static_cast<uint16_t>(i)});
  for (std::string_view key : {"password=", "pwd="}) all.push_back({key, true, Trigger::kConnectionPair});
}

}  // namespace mas::dlp
