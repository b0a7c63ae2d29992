// The literals' database.
#include "daemons/gatewayd/dlp/matcher.h"

#include <hs/hs.h>

#include <algorithm>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

/// Whether another phrase of the same context stands within, so that this one is found wherever it matters.
bool is_covered(const Phrase& phrase) {
  std::string spaced = " " + std::string(phrase.words) + " ";
  for (const Phrase& other : phrases()) {
    if (!other.in_text || other.context != phrase.context || other.words.size() >= phrase.words.size()) continue;
    if (spaced.find(" " + std::string(other.words) + " ") != std::string::npos) return true;
  }
  return false;
}

std::string without_spaces(std::string_view words) {
  std::string joined(words);
  std::erase(joined, ' ');
  return joined;
}

/// Whether `joined`, as in memberId, is to be looked for: the vocabulary does not have it, and it names data.
bool is_name_alone(const Phrase& phrase, const std::string& joined) {
  if ((bit(phrase.context) & kDataContexts) == 0 || joined.size() < 6 || joined.find('.') != std::string::npos)
    return false;
  return std::none_of(phrases().begin(), phrases().end(), [&](const Phrase& other) {
    return other.in_text && other.context == phrase.context && other.words == joined;
  });
}

std::string_view without_digits(std::string_view text) {
  while (!text.empty() && is_digit(text.back())) text.remove_suffix(1);
  return text;
}

int on_match(unsigned id, unsigned long long, unsigned long long end, unsigned, void* context) {
  static_cast<std::vector<Match>*>(context)->push_back({id, static_cast<uint32_t>(end)});
  return 0;
}

}  // namespace

void DatabaseDeleter::operator()(hs_database* database) const { hs_free_database(database); }
void ScratchDeleter::operator()(hs_scratch* scratch) const { hs_free_scratch(scratch); }

Error vectorscan_error(std::string_view what, int code) {
  return {Errc::kInternal, "vectorscan: " + std::string(what) + " (error " + std::to_string(code) + ")"};
}

Result<Matcher> Matcher::make() {
  Matcher made;
  std::vector<Literal> found;
  for (const Phrase& phrase : phrases()) {
    if (!phrase.in_text || is_covered(phrase)) continue;
    std::vector<std::string> spelled = {std::string(phrase.words)};
    if (phrase.words.find(' ') != std::string_view::npos) {
      for (char joint : {'_', '-'}) {
        spelled.push_back(spelled[0]);
        std::replace(spelled.back().begin(), spelled.back().end(), ' ', joint);
      }
      if (std::string joined = without_spaces(phrase.words); is_name_alone(phrase, joined)) spelled.push_back(joined);
    }
    for (auto& one : spelled) {
      made.spellings_.push_back(std::move(one));
      made.literals_.push_back({{}, true, Trigger::kPhrase, static_cast<uint16_t>(phrase.context)});
    }
  }
  for (const Literal& literal : secret_literals()) {
    made.spellings_.emplace_back(literal.text);
    made.literals_.push_back(literal);
  }
  std::vector<const char*> texts;
  std::vector<unsigned> flags, ids;
  std::vector<size_t> sizes;
  for (size_t i = 0; i < made.literals_.size(); ++i) {
    made.literals_[i].text = made.spellings_[i];
    texts.push_back(made.spellings_[i].data());
    sizes.push_back(made.spellings_[i].size());
    flags.push_back(made.literals_[i].any_case ? HS_FLAG_CASELESS : 0);
    ids.push_back(static_cast<unsigned>(i));
    std::string_view stem = without_digits(made.literals_[i].text);
    if (!stem.empty() && stem.size() < sizes[i]) made.before_digits_.push_back(stem);
  }
  hs_compile_error_t* problem = nullptr;
  hs_database_t* database = nullptr;
  hs_error_t code =
      hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(), static_cast<unsigned>(texts.size()),
                           HS_MODE_BLOCK, nullptr, &database, &problem);
  if (code != HS_SUCCESS) {
    std::string text = problem != nullptr ? problem->message : "no database";
    hs_free_compile_error(problem);
    return vectorscan_error(text, code);
  }
  made.database_.reset(database);
  return made;
}

Status Matcher::prepare(Scratch& scratch) const {
  hs_scratch_t* raw = scratch.release();
  hs_error_t code = hs_alloc_scratch(database_.get(), &raw);
  scratch.reset(raw);
  if (code != HS_SUCCESS) return vectorscan_error("no scratch space", code);
  return {};
}

Status Matcher::scan(std::string_view text, hs_scratch* scratch, std::vector<Match>& ret_matches) const {
  ret_matches.clear();
  hs_error_t code =
      hs_scan(database_.get(), text.data(), static_cast<unsigned>(text.size()), 0, scratch, on_match, &ret_matches);
  if (code != HS_SUCCESS) return vectorscan_error("the scan failed", code);
  return {};
}

bool Matcher::scan_key(std::string_view key, hs_scratch* scratch, std::vector<Match>& ret_matches) const {
  bool before_digits = std::ranges::any_of(before_digits_, [key](std::string_view stem) {
    return key.size() >= stem.size() &&
           std::ranges::equal(key.substr(key.size() - stem.size()), stem, {}, to_lower, to_lower);
  });
  return !before_digits && scan(key, scratch, ret_matches).ok();
}

}  // namespace mas::dlp
