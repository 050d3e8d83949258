#include "tokenize/t5_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/file.h"
#include "tests/support/mutations.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/sentencepiece_model.h"
#include "tokenize/t5_files_internal.h"

namespace lode::tokenize {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kNormal = 1;
constexpr std::uint64_t kUnknown = 2;
constexpr std::uint64_t kControl = 3;

Bytes official_map() {
  return read_file(LODE_SOURCE_DIR "/tests/golden/tokenize/t5/nmt_nfkc.bin", 1U << 20).value();
}

/// 0 <pad>, 1 </s>, 2 <unk>, 3 "▁", 4 "▁a", 5 "a", 6 "cat", 7 "▁red", 8 "s", 9 "fi".
Bytes small_model() {
  Bytes model;
  test::append_piece(model, "<pad>", 0, kControl);
  test::append_piece(model, "</s>", 0, kControl);
  test::append_piece(model, "<unk>", 0, kUnknown);
  float score = -1;
  for (const char* text : {"\u2581", "\u2581a", "a", "cat", "\u2581red", "s", "fi"}) {
    test::append_piece(model, text, score--, kNormal);
  }
  return model;
}

/// The same as a tokenizer.json.
json small_document() {
  json vocabulary = json::array();
  for (const char* text : {"<pad>", "</s>", "<unk>"}) {
    vocabulary.push_back(json::array({text, 0}));
  }
  int score = -1;
  for (const char* text : {"\u2581", "\u2581a", "a", "cat", "\u2581red", "s", "fi"}) {
    vocabulary.push_back(json::array({text, score--}));
  }
  json added = json::array();
  for (const char* text : {"<pad>", "</s>", "<unk>", "<extra_id_0>"}) {
    added.push_back({{"content", text}});
  }
  const json strip = {{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}};
  const json spaces = {
      {"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", "\u2581"}};
  return {{"added_tokens", added},
          {"normalizer", {{"type", "Sequence"}, {"normalizers", {strip, spaces}}}},
          {"pre_tokenizer",
           {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "always"}}},
          {"model", {{"type", "Unigram"}, {"unk_id", 2}, {"vocab", vocabulary}}}};
}

class T5Folder : public testing::Test {
 protected:
  void write(const std::string& name, ByteView bytes) {
    ASSERT_TRUE(write_file(folder_ / name, bytes));
  }
  auto open(const Bytes& model) {
    write("spiece.model", model);
    return T5Tokenizer::open(folder_.path());
  }
  auto open(const json& document) {
    const std::string text = document.dump();
    write("tokenizer.json", as_bytes(text));
    return T5Tokenizer::open(folder_.path());
  }
  std::vector<std::int64_t> ids(const T5Tokenizer& t5, std::string_view text) {
    Tokens tokens = t5.encode(text, 64);
    tokens.ids.resize(tokens.content);
    return tokens.ids;
  }
  template <class Form>
  std::string refusal(const Form& form) {
    const auto opened = open(form);
    return opened ? "opened" : opened.error().message();
  }

  testing_support::ScratchFolder folder_;
};

TEST_F(T5Folder, EndsAndPads) {
  const auto t5 = open(small_model()).value();
  const Tokens tokens = t5.encode("a red cat", 8);
  EXPECT_THAT(tokens.ids, ElementsAre(4, 7, 3, 6, 1, 0, 0, 0));
  EXPECT_EQ(tokens.content, 5U);
  EXPECT_FALSE(tokens.truncated);
  EXPECT_THAT(t5.encode("", 3).ids, ElementsAre(1, 0, 0));
}

TEST_F(T5Folder, KeepsTheBeginningOfALongPrompt) {
  const Tokens tokens = open(small_model()).value().encode("a red cat", 3);
  EXPECT_THAT(tokens.ids, ElementsAre(4, 7, 1));
  EXPECT_TRUE(tokens.truncated);
  EXPECT_EQ(tokens.dropped, 2U);
  EXPECT_THAT(open(small_model()).value().encode("a", 1).ids, ElementsAre(1));
}

TEST_F(T5Folder, ReadsABoundedPart) {
  const auto t5 = open(small_model()).value();
  const Tokens tokens = t5.encode(std::string(kMaxPromptBytes, ' ') + "cat", 8);
  EXPECT_TRUE(tokens.truncated);
  EXPECT_EQ(tokens.content, 1U);
}

TEST_F(T5Folder, GivesTheSameIdsInEveryForm) {
  const auto model = open(small_model()).value();
  const auto document = open(small_document()).value();
  json old = small_document();
  old["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", "\u2581"}, {"add_prefix_space", true}};
  const auto old_document = open(old).value();
  for (const char* text : {"a red cat", "cats", "  a  cat  ", "x", "</s>", "\u2581\u2581a"}) {
    EXPECT_EQ(ids(model, text), ids(document, text)) << text;
    EXPECT_EQ(ids(model, text), ids(old_document, text)) << text;
  }
}

TEST_F(T5Folder, TakesSpecialTokensInAPromptForText) {
  const auto t5 = open(small_document()).value();
  EXPECT_THAT(ids(t5, "a </s> s"), ElementsAre(4, 3, 2, 8, 2, 3, 8, 1));
  EXPECT_THAT(ids(t5, "<pad><extra_id_0>"), ElementsAre(3, 2, 5, 2, 5, 2, 1));
}

TEST_F(T5Folder, NormalisesByTheMap) {
  Bytes model = small_model();
  test::append_charsmap(model, official_map());
  const auto t5 = open(model).value();
  EXPECT_EQ(ids(t5, "\ufb01\t\uff43\uff41\uff54\n"), ids(t5, "fi cat"));
  EXPECT_EQ(ids(t5, "c\u0001at"), ids(t5, "cat")) << "controls are dropped";
  EXPECT_EQ(ids(t5, "c\xff"), ids(t5, "c\ufffd"));
  // Of a short grapheme the first that is in the map stands for all of it.
  EXPECT_EQ(ids(t5, "\ufb01\u0301"), ids(t5, "fi"));
}

TEST_F(T5Folder, SurvivesAnyDamageToTheMap) {
  const Bytes map = official_map();
  const std::string text = "\ufb01 \uff43 caf\u00e9 e\u0301 \ufdfa \u3000 \u00bd";
  test::for_each_bit_flip(
      map,
      [&](const Bytes& damaged, std::size_t) {
        if (const auto read = Charsmap::parse(damaged, "map")) {
          (void)read->normalise(text);
        }
      },
      64, 4999);
  const auto refuse = [&](std::size_t size) {
    const auto read = Charsmap::parse(ByteView(map).first(size), "map");
    return read ? "read" : read.error().context;
  };
  EXPECT_THAT(refuse(0), HasSubstr("map: size of the trie"));
  EXPECT_THAT(refuse(100), HasSubstr("map: trie"));
  Bytes odd = {3, 0, 0, 0, 1, 2, 3};
  EXPECT_THAT(Charsmap::parse(odd, "map").error().context, HasSubstr("multiple of 4"));
  odd = {4, 0, 0, 0, 1, 2, 3, 4, 0xff};
  EXPECT_THAT(Charsmap::parse(odd, "map").error().context, HasSubstr("no UTF-8"));
}

TEST_F(T5Folder, RefusesABrokenModelFile) {
  const Bytes model = small_model();
  int opened = 0;
  test::for_each_truncation(model, [&](const Bytes& cut, std::size_t) {
    const auto read = parse_sentencepiece(cut, "cut.model");
    opened += read ? 1 : 0;
    if (!read) {
      EXPECT_THAT(read.error().context, testing::StartsWith("cut.model"));
    }
  });
  EXPECT_EQ(opened, 7) << "only cuts between pieces after the special ones read";
  EXPECT_THAT(refusal(Bytes()), HasSubstr("spiece.model: no \"</s>\""));
  Bytes changed = model;
  test::append_piece(changed, "x", -1, 4);
  EXPECT_THAT(refusal(changed), HasSubstr("piece 10 is of type 4"));
  changed = model;
  test::append_field(changed, 2, Bytes{3U << 3U, 2});
  EXPECT_THAT(refusal(changed), HasSubstr("model_type is 2, not 1"));
  changed = model;
  test::append_charsmap(changed, Bytes{9, 0, 0, 0, 1});
  EXPECT_THAT(refusal(changed), HasSubstr("normalizer_spec.charsmap: trie"));
  changed = Bytes(11, 0xff);
  EXPECT_THAT(refusal(changed), HasSubstr("varint"));
  changed = {0x0b};
  EXPECT_THAT(refusal(changed), HasSubstr("wire type 3"));
}

TEST_F(T5Folder, RefusesMalformedDocuments) {
  const auto with = [this](const json& patch) {
    json document = small_document();
    document.merge_patch(patch);
    return refusal(document);
  };
  EXPECT_EQ(with(json::object()), "opened");
  EXPECT_EQ(with({{"normalizer", nullptr}}), "opened");
  EXPECT_THAT(with({{"model", nullptr}}), HasSubstr("tokenizer.json: no \"model\""));
  EXPECT_THAT(with({{"model", {{"type", "BPE"}}}}), HasSubstr("model: type is \"BPE\""));
  EXPECT_THAT(with({{"model", {{"byte_fallback", true}}}}), HasSubstr("byte_fallback"));
  EXPECT_THAT(with({{"model", {{"unk_id", -1}}}}), HasSubstr("unk_id is no id"));
  EXPECT_THAT(with({{"model", {{"unk_id", 10}}}}), HasSubstr("unknown piece's id is 10"));
  EXPECT_THAT(with({{"model", {{"vocab", "x"}}}}), HasSubstr("model.vocab: not a list"));
  EXPECT_THAT(
      with({{"model",
             {{"vocab", json::array({json::array({"</s>", 0}), json::array({"a", "b"})})}}}}),
      HasSubstr("model.vocab piece 1: not a text and a score"));
  EXPECT_THAT(with({{"model", {{"vocab", json::array({json::array({"</s>", 0})})}}}}),
              HasSubstr("no \"<pad>\""));
  EXPECT_THAT(with({{"added_tokens", {{{"content", 3}}}}}), HasSubstr("added_tokens: \"content\""));
  EXPECT_THAT(with({{"pre_tokenizer", {{"type", "ByteLevel"}}}}), HasSubstr("\"ByteLevel\""));
  EXPECT_THAT(with({{"pre_tokenizer", {{"replacement", "_"}}}}), HasSubstr("replacement \"_\""));
  EXPECT_THAT(with({{"pre_tokenizer", {{"prepend_scheme", "x"}}}}), HasSubstr("prepend_scheme"));
}

TEST_F(T5Folder, RefusesMalformedNormalisers) {
  const auto with = [this](const json& step) {
    json document = small_document();
    document["normalizer"] = step;
    return refusal(document);
  };
  EXPECT_THAT(with({{"type", "NFKC"}}), HasSubstr("normalizer: the type \"NFKC\""));
  EXPECT_THAT(with({{"type", "Strip"}, {"strip_left", 1}}), HasSubstr("\"strip_left\""));
  EXPECT_THAT(with({{"type", "Precompiled"}, {"precompiled_charsmap", "*"}}),
              HasSubstr("normalizer: precompiled_charsmap"));
  EXPECT_THAT(with({{"type", "Precompiled"}, {"precompiled_charsmap", "AAAA"}}),
              HasSubstr("precompiled_charsmap: size of the trie"));
  const auto replace = [&](const json& pattern, const std::string& by) {
    return with({{"type", "Replace"}, {"pattern", pattern}, {"content", by}});
  };
  EXPECT_THAT(replace({{"Regex", "a+"}}, ""), HasSubstr("the expression \"a+\""));
  EXPECT_THAT(replace({{"String", ""}}, ""), HasSubstr("the pattern is empty"));
  EXPECT_THAT(replace({{"String", "a"}}, std::string(65, 'x')), HasSubstr("more than 64 bytes"));
  EXPECT_EQ(replace({{"String", "a"}}, "b"), "opened");
  const json sequence = {{"type", "Sequence"}, {"normalizers", json(17, {{"type", "NFKC"}})}};
  EXPECT_THAT(with(sequence), HasSubstr("not a list of at most 16"));
}

TEST_F(T5Folder, NamesTheFolderWithoutAVocabulary) {
  const auto opened = T5Tokenizer::open(folder_.path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::not_found);
  EXPECT_THAT(opened.error().context, HasSubstr(folder_.path().string()));
}

}  // namespace
}  // namespace lode::tokenize
