// The check digits that vendors put at the end of their tokens. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mas::dlp {

/// CRC-32 as in ISO 3309 and PKZIP: polynomial 0xEDB88320, reflected.
uint32_t crc32(std::string_view bytes);
/// The CRC-32 of `bytes` in six digits of base 62 (0-9, A-Z, a-z).
std::string crc62(std::string_view bytes);
/// The CRC-32 of `bytes` in seven digits of base 36 (0-9, a-z).
std::string crc36(std::string_view bytes);

/// GitHub ("Behind GitHub's new authentication token formats", 2021), npm, Vercel: the last six characters of the body
/// are the check of those before them.
bool ends_in_crc62(std::string_view body);
/// GitLab's routable tokens: `glpat-PAYLOAD.01.LLCCCCCCC`, length of the payload and check of all before it.
bool ends_in_gitlab_crc(std::string_view token);

}  // namespace mas::dlp
