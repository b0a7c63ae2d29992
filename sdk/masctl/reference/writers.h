// The command tree written out: shell completion, man page, Markdown. Pure: a CommandDoc in, text out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sdk/masctl/reference/command_doc.h"

namespace mas::ctl {

std::string bash_completion(const CommandDoc& root);
std::string zsh_completion(const CommandDoc& root);
std::string fish_completion(const CommandDoc& root);

/// masctl(1) in man(7) macros.
std::string man_page(const CommandDoc& root, std::string_view version);

/// The reference part of docs/MASCTL.md.
std::string markdown_reference(const CommandDoc& root);

/// Environment variables that masctl reads: name and meaning.
struct EnvironmentDoc {
  std::string_view name, text;
};
inline constexpr EnvironmentDoc kEnvironmentDocs[] = {
    {"MAS_REDIS_URL", "URL of Redis, when --redis is not given."},
    {"MAS_NAMESPACE", "The namespace, when --namespace is not given."},
    {"MAS_MASTER_KEY_FILE", "File of the gateways' master key, when --master-key is not given."},
    {"NO_COLOR", "When set and not empty, output has no colours."},
};

}  // namespace mas::ctl
