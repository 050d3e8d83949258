// The steps from a prompt to T5's ids: normaliser, spaces to marks, unigram model.
#include <algorithm>

#include "tokenize/t5_files_internal.h"
#include "tokenize/unicode_internal.h"

namespace lode::tokenize {
namespace {

std::string replace_all(std::string_view text, std::string_view what, std::string_view by) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t found = std::min(text.find(what, at), text.size());
    result += text.substr(at, found - at);
    if (found == text.size()) {
      break;
    }
    result += by;
    at = found + what.size();
  }
  return result;
}

struct Apply {
  std::string_view text;

  std::string operator()(const Charsmap& map) const { return map.normalise(text); }

  std::string operator()(const StripStep& step) const {
    std::u32string rest = decode_utf8(text);
    if (step.right) {
      rest.erase(std::find_if_not(rest.rbegin(), rest.rend(), is_white_space).base(), rest.end());
    }
    if (step.left) {
      rest.erase(rest.begin(), std::find_if_not(rest.begin(), rest.end(), is_white_space));
    }
    return encode_utf8(rest);
  }

  std::string operator()(const ReplaceStep& step) const {
    return replace_all(text, step.text, step.by);
  }

  std::string operator()(const ReplaceSpacesStep& step) const {
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find_first_not_of(' ', at), text.size());
      if (end - at >= 2) {
        result += step.by;
      } else {
        result += text.substr(at, end - at);
      }
      at = std::min(text.find(' ', end), text.size());
      result += text.substr(end, at - end);
    }
    return result;
  }
};

/// The parts between white space, or the whole.
std::vector<std::string> split_parts(std::string text, bool at_white_space) {
  if (!at_white_space) {
    return {std::move(text)};
  }
  const std::u32string characters = decode_utf8(text);
  std::vector<std::string> parts;
  for (auto at = characters.begin(); at != characters.end();) {
    at = std::find_if_not(at, characters.end(), is_white_space);
    const auto end = std::find_if(at, characters.end(), is_white_space);
    if (at != end) {
      parts.push_back(encode_utf8({at, end}));
    }
    at = end;
  }
  return parts;
}

std::string normalise(std::string_view text, const std::vector<NormaliserStep>& steps) {
  std::string result = encode_utf8(decode_utf8(text));
  for (const NormaliserStep& step : steps) {
    const std::string changed = std::visit(Apply{result}, step);
    result = bound_text(changed, kMaxNormalBytes);
  }
  return result;
}

/// One part: spaces become marks, and the model sees what is between those.
void encode_part(const T5Files& files, std::string_view part, std::vector<std::int64_t>& ids) {
  std::string marked = replace_all(part, " ", kSpaceMark);
  if (files.add_prefix && !marked.empty() && !marked.starts_with(kSpaceMark)) {
    marked.insert(0, kSpaceMark);
  }
  for (std::size_t at = 0; at < marked.size();) {
    const std::size_t next = files.split_marks ? marked.find(kSpaceMark, at + 1) : marked.npos;
    const std::size_t end = std::min(next, marked.size());
    files.model.encode(std::string_view(marked).substr(at, end - at), ids);
    at = end;
  }
}

}  // namespace

void encode_text(const T5Files& files, std::string_view text, std::vector<std::int64_t>& ids) {
  const std::string normal = normalise(text, files.normaliser);
  for (const std::string& part : split_parts(normal, files.split_white_space)) {
    encode_part(files, part, ids);
  }
}

}  // namespace lode::tokenize
