// An operator's request to replay records of one entry of the archive, as an element of `mas.replay`:
//
//     archive:{partition}:{entry id}:{records}        records: numbers from 0, single or as ranges: 0-3,7
//
// Every other element of that list is the id of a dead letter. Failure: parse_request() refuses what is not of this
// form; is_archive_request() only says which of the two it means to be. Threading: none; pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace mas::gateway::archive {

struct Request {
  uint32_t partition = 0;
  std::string entry;              ///< its id in the stream
  std::vector<uint32_t> records;  ///< rising
};

bool is_archive_request(std::string_view text);
std::string request_text(const Request& request);
/// @return kMalformed that says what was expected.
Result<Request> parse_request(std::string_view text);

/// @return whether `text` is the id of a stream's entry: "1795350096000-0".
bool is_entry_id(std::string_view text);

}  // namespace mas::gateway::archive
