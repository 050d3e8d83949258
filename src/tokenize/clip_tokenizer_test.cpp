#include "tokenize/clip_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/support/scratch_folder.h"
#include "tokenize/byte_pairs_internal.h"

namespace lode::tokenize {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

const std::filesystem::path kOfficial = LODE_SOURCE_DIR "/tests/golden/tokenize/clip";

std::vector<std::int64_t> content(const Tokens& tokens) {
  return {tokens.ids.begin(), tokens.ids.begin() + static_cast<std::ptrdiff_t>(tokens.content)};
}

const ClipTokenizer& official(ClipStyle style = ClipStyle::hugging_face) {
  static const ClipTokenizer hugging_face = ClipTokenizer::open(kOfficial).value();
  static const ClipTokenizer open_clip =
      ClipTokenizer::open(kOfficial, ClipStyle::open_clip).value();
  return style == ClipStyle::hugging_face ? hugging_face : open_clip;
}

/// A folder with a vocabulary of the bytes and the merges "c a" and "ca t</w>".
class ClipFolder : public testing::Test {
 protected:
  ClipFolder() {
    for (const std::string end : {"", "</w>"}) {
      for (const std::uint8_t byte : byte_symbols().order) {
        add(byte_symbols().symbol[byte] + end);
      }
    }
    for (const char* symbol : {"ca", "cat</w>", "<|startoftext|>", "<|endoftext|>"}) {
      add(symbol);
    }
    write("vocab.json", vocabulary_.dump());
    write("merges.txt", "#version: 0.2\nc a\nca t</w>\n");
  }

  void add(const std::string& symbol) {
    const std::size_t id = vocabulary_.size();
    vocabulary_[symbol] = id;
  }
  void write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(write_file(folder_.path() / name, as_bytes(text)));
  }
  void remove(const std::string& name) { std::filesystem::remove(folder_.path() / name); }
  auto open() const { return ClipTokenizer::open(folder_.path()); }
  std::string refusal() const {
    const auto opened = open();
    return opened ? "opened" : opened.error().message();
  }

  json vocabulary_ = json::object();
  testing_support::ScratchFolder folder_;
};

TEST(ClipTokenizer, GivesThePublishedIds) {
  EXPECT_EQ(official().vocabulary_size(), 49408U);
  EXPECT_THAT(content(official().encode("a photo of a cat")),
              ElementsAre(49406, 320, 1125, 539, 320, 2368, 49407));
  EXPECT_THAT(content(official().encode("A cat holding a sign that says hello world")),
              ElementsAre(49406, 320, 2368, 5050, 320, 2292, 682, 1563, 3306, 1002, 49407));
  EXPECT_THAT(content(official().encode("a 3d render of a red dragon, v2.0!")),
              ElementsAre(49406, 320, 274, 323, 13024, 539, 320, 736, 5471, 267, 341, 273, 269, 271,
                          256, 49407));
}

TEST(ClipTokenizer, PadsAnEmptyPrompt) {
  const Tokens tokens = official().encode("", 4);
  EXPECT_THAT(tokens.ids, ElementsAre(49406, 49407, 49407, 49407));
  EXPECT_EQ(tokens.content, 2U);
  EXPECT_FALSE(tokens.truncated);
  EXPECT_THAT(official(ClipStyle::open_clip).encode("", 4).ids, ElementsAre(49406, 49407, 0, 0));
}

TEST(ClipTokenizer, KeepsTheBeginningOfALongPrompt) {
  const Tokens tokens = official().encode("a photo of a cat", 5);
  EXPECT_THAT(tokens.ids, ElementsAre(49406, 320, 1125, 539, 49407));
  EXPECT_EQ(tokens.content, 5U);
  EXPECT_TRUE(tokens.truncated);
  EXPECT_EQ(tokens.dropped, 2U);
  EXPECT_FALSE(official().encode("a photo of a cat", 7).truncated);
  EXPECT_THAT(official().encode("a photo", 2).ids, ElementsAre(49406, 49407));
}

TEST(ClipTokenizer, TakesSpecialTokensInAPromptForText) {
  for (const char* name : {"<|endoftext|>", "<|STARTOFTEXT|>", "<end_of_text>"}) {
    for (const ClipStyle style : {ClipStyle::hugging_face, ClipStyle::open_clip}) {
      auto ids = content(official(style).encode(std::string("a ") + name + " cat"));
      EXPECT_GT(ids.size(), 6U);
      EXPECT_EQ(std::count(ids.begin(), ids.end(), 49407), 1) << name;
      EXPECT_EQ(std::count(ids.begin(), ids.end(), 49406), 1) << name;
    }
  }
}

TEST(ClipTokenizer, ReadsBrokenUtf8AsReplacementCharacters) {
  // Python: b"a\xffb".decode(errors="replace"); cleaning then drops U+FFFD, or keeps it.
  EXPECT_EQ(official()
                .encode("a\xff"
                        "b")
                .ids,
            official().encode("ab").ids);
  const ClipTokenizer& open_clip = official(ClipStyle::open_clip);
  EXPECT_EQ(open_clip
                .encode("a\xff"
                        "b")
                .ids,
            open_clip.encode("a\uFFFDb").ids);
  EXPECT_EQ(open_clip.encode("\xe2\x82z").ids, open_clip.encode("\uFFFDz").ids);
  EXPECT_EQ(open_clip.encode("\xed\xa0\x80").ids, open_clip.encode("\uFFFD\uFFFD\uFFFD").ids);
  EXPECT_EQ(open_clip.encode("\xf0\x9f").ids, open_clip.encode("\uFFFD").ids);
}

TEST(ClipTokenizer, ReadsABoundedPart) {
  const std::string words(kMaxPromptBytes, ' ');
  EXPECT_FALSE(official().encode(words).truncated);
  const Tokens tokens = official().encode(words + "cat");
  EXPECT_TRUE(tokens.truncated);
  EXPECT_EQ(tokens.content, 2U);
  // A character across the limit is not read as a broken one.
  const std::string cut = std::string(kMaxPromptBytes - 1, ' ') + "é";
  EXPECT_EQ(official(ClipStyle::open_clip).encode(cut).content, 2U);
  EXPECT_EQ(official().encode(std::string(kMaxPromptBytes, 'x')).ids.size(), 77U);
}

TEST_F(ClipFolder, GivesTheSameIdsInEveryForm) {
  const auto expected = open().value().encode("Cat, cats é", 20);
  EXPECT_THAT(expected.ids, Contains(513)) << "cat</w>";
  const json model = {
      {"type", "BPE"}, {"vocab", vocabulary_}, {"merges", json::array({"c a", "ca t</w>"})}};
  const json pairs = {
      {"type", "BPE"},
      {"vocab", vocabulary_},
      {"merges", json::array({json::array({"c", "a"}), json::array({"ca", "t</w>"})})}};
  remove("vocab.json");
  EXPECT_EQ(open().value().encode("Cat, cats é", 20).ids, expected.ids) << "derived ids";
  remove("merges.txt");
  EXPECT_THAT(refusal(), HasSubstr("neither merges.txt nor tokenizer.json"));
  for (const json& form : {model, pairs}) {
    write("tokenizer.json", json{{"model", form}}.dump());
    EXPECT_EQ(open().value().encode("Cat, cats é", 20).ids, expected.ids);
  }
}

TEST_F(ClipFolder, TakesThePadTokenThatTransformersTakes) {
  EXPECT_EQ(open().value().pad_id(), 515);
  write("tokenizer_config.json", R"({"pad_token": {"content": "b</w>"}})");
  EXPECT_EQ(open().value().pad_id(), vocabulary_["b</w>"].get<std::int64_t>());
  write("special_tokens_map.json", R"({"pad_token": "!"})");  // as SD 2's folder
  EXPECT_EQ(open().value().pad_id(), 0);
  write("tokenizer_config.json", R"({"pad_token": "a", "added_tokens_decoder": {}})");
  EXPECT_EQ(open().value().pad_id(), vocabulary_["a"].get<std::int64_t>());
  write("tokenizer_config.json", R"({"eos_token": "<end>", "added_tokens_decoder": {}})");
  EXPECT_THAT(refusal(), HasSubstr("vocab.json: no \"<end>\", the end token"));
}

TEST_F(ClipFolder, RefusesMalformedIds) {
  const auto with = [this](const std::string& symbol, const json& id) {
    json changed = vocabulary_;
    changed[symbol] = id;
    write("vocab.json", changed.dump());
    return refusal();
  };
  EXPECT_THAT(with("ca", 3), HasSubstr("is another symbol's, too"));
  EXPECT_THAT(with("ca", 516), HasSubstr("vocab.json: the id of \"ca\" is not one of 0 to 515"));
  EXPECT_THAT(with("ca", -1), HasSubstr("the id of \"ca\""));
  EXPECT_THAT(with("ca", "512"), HasSubstr("the id of \"ca\""));
  EXPECT_THAT(with("ca", 1.5), HasSubstr("the id of \"ca\""));
  write("vocab.json", "[]");
  EXPECT_THAT(refusal(), HasSubstr("vocab.json: not an object"));
  write("vocab.json", "{");
  EXPECT_THAT(refusal(), HasSubstr("vocab.json: not JSON"));
  vocabulary_.erase("<|endoftext|>");
  write("vocab.json", vocabulary_.dump());
  EXPECT_THAT(refusal(), HasSubstr("no \"<|endoftext|>\""));
}

TEST_F(ClipFolder, RefusesMergesThatTheVocabularyLacks) {
  const auto with = [this](const std::string& merges) {
    write("merges.txt", "#version\n" + merges);
    return refusal();
  };
  EXPECT_THAT(with("c a\nc x\n"), HasSubstr("merges.txt merge 2: "));
  EXPECT_THAT(with("c a\nc x\n"), HasSubstr("vocab.json: no \"cx\""));
  EXPECT_THAT(with("dog s\n"), HasSubstr("no \"dog\""));
  EXPECT_THAT(with("c a\nc a\n"), HasSubstr("merge 2: \"c a\" came before"));
  EXPECT_THAT(with("c a b\n"), HasSubstr("merge 1: not two symbols"));
  EXPECT_THAT(with("c\n"), HasSubstr("merge 1: not two symbols"));
  EXPECT_THAT(with("c a\n\nca t</w>"), HasSubstr("merge 2: not two symbols"));
  EXPECT_EQ(with("c a\r\nca t</w>\r\n\n"), "opened");
  EXPECT_EQ(with(""), "opened");
  write("merges.txt", "");
  EXPECT_EQ(refusal(), "opened");
  remove("vocab.json");
  EXPECT_THAT(with("c a\nca t\nc at\na t\n"), HasSubstr("\"cat\" is made by two merges"));
}

TEST_F(ClipFolder, RefusesOtherModels) {
  remove("merges.txt");
  const auto with = [this](const json& document) {
    write("tokenizer.json", document.dump());
    return refusal();
  };
  EXPECT_THAT(with(json::object()), HasSubstr("tokenizer.json: no \"model\""));
  EXPECT_THAT(with({{"model", {{"type", "Unigram"}}}}), HasSubstr("type is \"Unigram\""));
  EXPECT_THAT(with({{"model", {{"type", 3}}}}), HasSubstr("\"type\" is no text"));
  EXPECT_THAT(with({{"model", {{"type", "BPE"}}}}), HasSubstr("model: no \"vocab\""));
  const auto merges = [&](const json& list) {
    return with({{"model", {{"type", "BPE"}, {"vocab", vocabulary_}, {"merges", list}}}});
  };
  EXPECT_THAT(merges("c a"), HasSubstr("model.merges: not a list"));
  EXPECT_THAT(merges(json::array({json::array({"c", "a", "t"})})),
              HasSubstr("model.merges merge 1: not two symbols"));
  EXPECT_THAT(merges(json::array({"c a", 7})), HasSubstr("model.merges merge 2: not two symbols"));
}

}  // namespace
}  // namespace lode::tokenize
