#include "tokenize/clip_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lode::tokenize {
namespace {

using testing::ElementsAre;

const std::filesystem::path kOfficial = LODE_SOURCE_DIR "/tests/golden/tokenize/clip";

std::vector<std::int64_t> content(const Tokens& tokens) {
  return {tokens.ids.begin(), tokens.ids.begin() + static_cast<std::ptrdiff_t>(tokens.content)};
}

TEST(ClipTokenizer, GivesThePublishedIds) {
  const auto clip = ClipTokenizer::open(kOfficial);
  ASSERT_TRUE(clip) << clip.error().message();
  EXPECT_EQ(clip->vocabulary_size(), 49408U);
  EXPECT_THAT(content(clip->encode("a photo of a cat")),
              ElementsAre(49406, 320, 1125, 539, 320, 2368, 49407));
  EXPECT_THAT(content(clip->encode("A cat holding a sign that says hello world")),
              ElementsAre(49406, 320, 2368, 5050, 320, 2292, 682, 1563, 3306, 1002, 49407));
  EXPECT_THAT(content(clip->encode("a 3d render of a red dragon, v2.0!")),
              ElementsAre(49406, 320, 274, 323, 13024, 539, 320, 736, 5471, 267, 341, 273, 269, 271,
                          256, 49407));
}

}  // namespace
}  // namespace lode::tokenize
