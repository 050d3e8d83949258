// Ids of a thousand prompts against those of transformers and open_clip, and texts against ftfy's
// (tools/golden/tokenizer_ids.py and ftfy_texts.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/sentencepiece_model.h"
#include "tokenize/clip_tokenizer.h"
#include "tokenize/fix_text.h"
#include "tokenize/t5_tokenizer.h"
#include "tokenize/unicode_internal.h"

namespace lode::tokenize {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kClipLength = 77;
constexpr std::size_t kT5Length = 512;
const fs::path kGolden = LODE_SOURCE_DIR "/tests/golden/tokenize";

Bytes bytes_of(const fs::path& path) { return read_file(path, 1U << 20).value(); }

struct Row {
  std::string text;
  std::vector<std::int64_t> clip, open_clip, t5;
  std::size_t dropped = 0;
};

std::vector<Row> read_rows() {
  std::istringstream lines{std::string(as_text(bytes_of(kGolden / "prompts.jsonl")))};
  std::vector<Row> rows;
  for (std::string line; std::getline(lines, line);) {
    const auto json = parse_json(line).value();
    Row row;
    row.text = json["text"].get<std::string>();
    row.clip = json["clip"].get<std::vector<std::int64_t>>();
    row.open_clip = json.value("open_clip", row.clip);
    row.t5 = json["t5"].get<std::vector<std::int64_t>>();
    row.dropped = json["dropped"].get<std::size_t>();
    rows.push_back(row);
  }
  return rows;
}

/// The folder of the trained T5 model: its two forms are kept without the character map, which
/// both share, and get it back here.
class T5Folder {
 public:
  explicit T5Folder(const std::string& form) {
    const Bytes map = bytes_of(kGolden / "t5/nmt_nfkc.bin");
    Bytes model = bytes_of(kGolden / "t5" / form);
    if (form == "spiece.model") {
      test::append_charsmap(model, map);
    } else {
      auto json = parse_json(as_text(model)).value();
      json["normalizer"]["normalizers"][0]["precompiled_charsmap"] = base64_encode(map);
      const std::string text = json.dump();
      model.assign(text.begin(), text.end());
    }
    EXPECT_TRUE(write_file(folder_ / form, model));
  }
  const fs::path& path() const { return folder_.path(); }

 private:
  testing_support::ScratchFolder folder_;
};

std::vector<std::int64_t> content(const Tokens& tokens) {
  return {tokens.ids.begin(), tokens.ids.begin() + static_cast<std::ptrdiff_t>(tokens.content)};
}

bool is_padded(const Tokens& tokens, std::size_t length, std::int64_t pad) {
  return tokens.ids.size() == length &&
         std::all_of(tokens.ids.begin() + static_cast<std::ptrdiff_t>(tokens.content),
                     tokens.ids.end(), [pad](std::int64_t id) { return id == pad; });
}

TEST(TokenizerIds, ClipEqualsTransformers) {
  const auto clip = ClipTokenizer::open(kGolden / "clip");
  ASSERT_TRUE(clip) << clip.error().message();
  const auto rows = read_rows();
  ASSERT_EQ(rows.size(), 1000U);
  for (const Row& row : rows) {
    const Tokens tokens = clip->encode(row.text, kClipLength);
    EXPECT_EQ(content(tokens), row.clip) << testing::PrintToString(row.text);
    EXPECT_EQ(tokens.dropped, row.dropped);
    EXPECT_EQ(tokens.truncated, row.dropped > 0);
    EXPECT_TRUE(is_padded(tokens, kClipLength, 49407));
  }
}

TEST(TokenizerIds, ClipEqualsOpenClip) {
  const auto clip = ClipTokenizer::open(kGolden / "clip", ClipStyle::open_clip);
  ASSERT_TRUE(clip) << clip.error().message();
  for (const Row& row : read_rows()) {
    const Tokens tokens = clip->encode(row.text, kClipLength);
    EXPECT_EQ(content(tokens), row.open_clip) << testing::PrintToString(row.text);
    EXPECT_TRUE(is_padded(tokens, kClipLength, 0));
  }
}

TEST(TokenizerIds, TextIsFixedAsByFtfyAndStaysFixed) {
  std::istringstream lines{std::string(as_text(bytes_of(kGolden / "ftfy.jsonl")))};
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto json = parse_json(line).value();
    const std::u32string text = decode_utf8(json["text"].get<std::string>());
    const auto fixed = json["fixed"].get<std::string>();
    EXPECT_EQ(encode_utf8(fix_text(text)), fixed) << line;
    EXPECT_EQ(encode_utf8(fix_text(decode_utf8(fixed))), fixed) << line;
  }
  EXPECT_GE(count, 2500U);
}

void expect_t5_equals(const std::string& form) {
  const T5Folder folder(form);
  const auto t5 = T5Tokenizer::open(folder.path());
  ASSERT_TRUE(t5) << t5.error().message();
  for (const Row& row : read_rows()) {
    const Tokens tokens = t5->encode(row.text, kT5Length);
    EXPECT_EQ(content(tokens), row.t5) << testing::PrintToString(row.text);
    EXPECT_TRUE(is_padded(tokens, kT5Length, 0));
    EXPECT_EQ(tokens.truncated, tokens.dropped > 0);
  }
}

TEST(TokenizerIds, T5FromTokenizerJsonEqualsTransformers) { expect_t5_equals("tokenizer.json"); }
TEST(TokenizerIds, T5FromSpieceModelEqualsTransformers) { expect_t5_equals("spiece.model"); }

}  // namespace
}  // namespace lode::tokenize
