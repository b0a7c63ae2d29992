// Who may ask a daemon over HTTP: by the name that the request is for, and by a bearer token.
//
// A web page can make a browser ask any name, and make that name lead here (DNS rebinding). It cannot choose an address
// or `localhost` as its name, nor a name that it does not own: so those and the names of `hosts` are served, no others.
// Threading: none; pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace mas::common {

struct HttpAccess {
  std::vector<std::string> hosts;  ///< in lower case
  std::string token;               ///< empty: none is asked for
};

/// @param text names, separated by spaces or commas. @return kInvalidArgument that names the one that is no host name.
Result<std::vector<std::string>> parse_hosts(std::string_view text);

/// @return the first line of a file that only its owner and group can read: 16 to 512 characters of a token (RFC 6750).
Result<std::string> read_token(const std::string& path_or_credential);

/// @param host the value of the header, with a port or without.
bool is_host_served(const HttpAccess& access, std::string_view host);

enum class Bearer : unsigned char { kNone, kWrong, kRight };

/// @param authorization the value of the header; empty: there is none. The token is compared in constant time.
Bearer check_bearer(const HttpAccess& access, std::string_view authorization);

}  // namespace mas::common
