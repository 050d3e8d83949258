#include "tokenize/tokens.h"

#include "tokenize/tokens_internal.h"

namespace lode::tokenize {

void finish(Tokens& tokens, std::size_t max_length, std::int64_t end_id, std::int64_t pad_id,
            bool is_cut) {
  if (tokens.ids.size() > max_length - 1) {
    tokens.dropped = tokens.ids.size() - (max_length - 1);
    tokens.ids.resize(max_length - 1);
  }
  tokens.truncated = tokens.dropped > 0 || is_cut;
  tokens.ids.push_back(end_id);
  tokens.content = tokens.ids.size();
  tokens.ids.resize(max_length, pad_id);
}

}  // namespace lode::tokenize
