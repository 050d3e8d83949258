// Any bytes as a prompt: ids of the length asked for, with one start and one end.
#include <algorithm>
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "tests/support/sentencepiece_model.h"
#include "tokenize/clip_tokenizer.h"
#include "tokenize/t5_files_internal.h"

namespace {

using namespace lode;
using namespace lode::tokenize;

const std::filesystem::path kGolden = LODE_SOURCE_DIR "/tests/golden/tokenize";
constexpr std::size_t kLength = 77;

T5Files open_t5() {
  Bytes model = read_file(kGolden / "t5/spiece.model", 1U << 20).value();
  test::append_charsmap(model, read_file(kGolden / "t5/nmt_nfkc.bin", 1U << 20).value());
  return parse_sentencepiece(model, "spiece.model").value();
}

void check_clip(const ClipTokenizer& clip, std::string_view text) {
  const Tokens tokens = clip.encode(text, kLength);
  LODE_ASSERT(tokens.ids.size() == kLength && tokens.content <= kLength, "padded to the length");
  LODE_ASSERT(tokens.ids[0] == clip.start_id(), "the start is first");
  LODE_ASSERT(tokens.ids[tokens.content - 1] == clip.end_id(), "the end is last");
  for (std::size_t i = 1; i + 1 < tokens.content; ++i) {
    LODE_ASSERT(tokens.ids[i] >= 0 && tokens.ids[i] < clip.start_id(), "no special from text");
  }
  LODE_ASSERT(tokens.dropped == 0 || tokens.content == kLength, "only the overflow is dropped");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ClipTokenizer plain = ClipTokenizer::open(kGolden / "clip").value();
  static const ClipTokenizer open_clip =
      ClipTokenizer::open(kGolden / "clip", ClipStyle::open_clip).value();
  static const T5Files t5 = open_t5();
  const std::string_view text = as_text({data, size});
  check_clip(plain, text);
  check_clip(open_clip, text);
  std::vector<std::int64_t> ids;
  encode_text(t5, text, ids);
  for (const std::int64_t id : ids) {
    LODE_ASSERT(id != t5.end_id && id != t5.pad_id && id >= 0 && id < 1000, "no special from text");
  }
  return 0;
}
