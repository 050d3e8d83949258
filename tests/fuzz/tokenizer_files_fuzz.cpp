// Any bytes as a tokenizer's file, the first byte saying which: a refusal, or ids of the
// vocabulary.
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"
#include "tokenize/clip_files_internal.h"
#include "tokenize/t5_files_internal.h"

namespace {

using namespace lode;
using namespace lode::tokenize;

constexpr std::string_view kText =
    "A cat's \ufb01sh,  e\u0301 \u00bd \u3000\U0001F409 \uff21 <pad>";

void check_t5(const Result<T5Files>& files) {
  if (!files) {
    return;
  }
  std::vector<std::int64_t> ids;
  encode_text(*files, kText, ids);
  for (const std::int64_t id : ids) {
    LODE_ASSERT(id >= 0 && id < 1 << 19, "an id is a piece's");
  }
}

void check_clip(const Result<PairTable>& table) {
  if (!table) {
    return;
  }
  const auto files = make_clip_files(*table, {});
  if (!files) {
    return;
  }
  std::vector<std::int64_t> ids;
  files->pairs.encode(kText, ids);
  for (const std::int64_t id : ids) {
    LODE_ASSERT(id >= 0 && static_cast<std::size_t>(id) < files->size, "an id is a symbol's");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const ByteView file(data + 1, size - 1);
  switch (data[0]) {
    case 'j':
      check_t5(parse_tokenizer_json(as_text(file), "tokenizer.json"));
      break;
    case 's':
      check_t5(parse_sentencepiece(file, "spiece.model"));
      break;
    case 'b':
      check_clip(parse_pair_json(as_text(file), "tokenizer.json"));
      break;
    default: {
      auto table = parse_merges(as_text(file), "merges.txt");
      if (table && derive_ids(*table, {})) {
        check_clip(table);
      }
    }
  }
  return 0;
}
