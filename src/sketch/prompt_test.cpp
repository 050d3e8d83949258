#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sketch/lexicon.h"
#include "sketch/sketch.h"

namespace lode::sketch {
namespace {

using Colours = std::vector<std::string>;

ObjectSpec object(std::string noun, Colours colours = {}, std::string material = {}) {
  ObjectSpec spec;
  spec.noun = std::move(noun);
  spec.colours = std::move(colours);
  spec.material = std::move(material);
  return spec;
}

TEST(Prompt, ReadsNounColourMaterialAndSize) {
  const Understanding read = parse_prompt("A small dark green ceramic mug");
  ObjectSpec expected = object("mug", {"dark green"}, "ceramic");
  expected.size = 0.75;
  EXPECT_EQ(read.scene.subject, expected);
  EXPECT_EQ(read.scene.relation, Relation::none);
  EXPECT_EQ(read.confidence, 1.0);
  EXPECT_TRUE(read.unknown_words.empty());
}

TEST(Prompt, MapsSynonymsAndPhrasesToCanonicalWords) {
  EXPECT_EQ(parse_prompt("automobile").scene.subject, object("car"));
  EXPECT_EQ(parse_prompt("a coffee cup").scene.subject, object("mug"));
  EXPECT_EQ(parse_prompt("christmas tree").scene.subject, object("pine tree"));
  EXPECT_EQ(parse_prompt("a golden doughnut").scene.subject, object("donut", {}, "gold"));
  EXPECT_EQ(parse_prompt("a gray couch").scene.subject, object("sofa", {"grey"}));
  EXPECT_EQ(parse_prompt("pale blue vase").scene.subject, object("vase", {"light blue"}));
}

TEST(Prompt, ReadsTwoColoursInOrder) {
  EXPECT_EQ(parse_prompt("a red and white mushroom").scene.subject,
            object("mushroom", {"red", "white"}));
  EXPECT_EQ(parse_prompt("blue-yellow boat").scene.subject, object("boat", {"blue", "yellow"}));
}

TEST(Prompt, ReadsMaterialAfterTheNoun) {
  EXPECT_EQ(parse_prompt("a chair made of wood").scene.subject, object("chair", {}, "wood"));
  EXPECT_EQ(parse_prompt("a vase of blue glass").scene.subject, object("vase", {"blue"}, "glass"));
}

TEST(Prompt, ReadsCountsFromWordsDigitsAndPlurals) {
  EXPECT_EQ(parse_prompt("two apples").scene.subject.count, 2);
  EXPECT_EQ(parse_prompt("5 books").scene.subject.count, 5);
  EXPECT_EQ(parse_prompt("12 candles").scene.subject.count, 6);
  EXPECT_EQ(parse_prompt("a pair of dice").scene.subject.count, 2);
  EXPECT_EQ(parse_prompt("green pears").scene.subject.count, 3);
  EXPECT_EQ(parse_prompt("bookshelves").scene.subject, [] {
    ObjectSpec spec = object("bookshelf");
    spec.count = 3;
    return spec;
  }());
  EXPECT_EQ(parse_prompt("a fish").scene.subject.count, 1);
}

TEST(Prompt, ReadsProportions) {
  EXPECT_EQ(parse_prompt("a tall vase").scene.subject.proportion, Proportion::tall);
  EXPECT_EQ(parse_prompt("a squat barrel").scene.subject.proportion, Proportion::wide);
}

TEST(Prompt, ReadsRelations) {
  const SceneSpec on = parse_prompt("a black cat sitting on top of a wooden table").scene;
  EXPECT_EQ(on.subject, object("cat", {"black"}));
  EXPECT_EQ(on.relation, Relation::on);
  EXPECT_EQ(on.other, object("table", {}, "wood"));
  EXPECT_EQ(parse_prompt("three apples in a blue bowl").scene.relation, Relation::on);
  for (const char* words : {"with", "next to", "beside", "and", ", a"}) {
    const SceneSpec with = parse_prompt("a red house " + std::string(words) + " green tree").scene;
    EXPECT_EQ(with.subject, object("house", {"red"})) << words;
    EXPECT_EQ(with.relation, Relation::with) << words;
    EXPECT_EQ(with.other, object("tree", {"green"})) << words;
  }
}

TEST(Prompt, TakesTheLastOfNounsInARow) {
  EXPECT_EQ(parse_prompt("an apple cake").scene.subject.noun, "cake");
  EXPECT_EQ(parse_prompt("a car truck").scene.subject.noun, "truck");
}

TEST(Prompt, UnknownWordsLowerTheConfidenceAndAreListed) {
  const Understanding read = parse_prompt("a feathered mug with a dragon");
  EXPECT_EQ(read.scene.subject.noun, "mug");
  EXPECT_EQ(read.unknown_words, (std::vector<std::string>{"feathered", "dragon"}));
  EXPECT_DOUBLE_EQ(read.confidence, 0.5);  // mug weighs 2 of 4
}

TEST(Prompt, UnknownSubjectHasNoConfidence) {
  EXPECT_EQ(parse_prompt("a dragon").confidence, 0.0);
  EXPECT_EQ(parse_prompt("a fierce dragon on a wooden table").confidence, 0.0);
  EXPECT_EQ(parse_prompt("a wizard holding a sword").confidence, 0.0);
  EXPECT_EQ(parse_prompt("").confidence, 0.0);
  EXPECT_EQ(parse_prompt("the of and 3 , ;").confidence, 0.0);
}

TEST(Prompt, IgnoresCaseArticlesPunctuationAndPraise) {
  EXPECT_EQ(parse_prompt("  The BEAUTIFUL, old-fashioned... CAT's!").scene.subject.noun, "cat");
  EXPECT_EQ(parse_prompt("a highly detailed 3d model of a shiny red car").scene.subject,
            object("car", {"red"}));
}

TEST(Prompt, DrawsNoThirdObject) {
  const Understanding read = parse_prompt("a cat and a dog-free chair and a red car");
  EXPECT_EQ(read.scene.subject.noun, "cat");
  EXPECT_EQ(read.scene.other.noun, "chair");
  EXPECT_LT(read.confidence, 1.0);
}

TEST(Prompt, ReadsNoMoreThanItsLimitOfAHugePrompt) {
  std::string prompt = "a red mug ";
  while (prompt.size() < (1U << 20)) {
    prompt += "zzz ";
  }
  prompt += "and a blue car";
  const Understanding read = parse_prompt(prompt);
  EXPECT_EQ(read.scene.subject, object("mug", {"red"}));
  EXPECT_EQ(read.scene.relation, Relation::none);
  EXPECT_LE(read.unknown_words.size(), kMaxPromptBytes / 4);
}

TEST(Prompt, SurvivesArbitraryBytes) {
  Rng rng(11);
  for (int i = 0; i < 500; ++i) {
    std::string prompt(rng.below(200), ' ');
    for (char& c : prompt) {
      c = static_cast<char>(rng.below(256));
    }
    const Understanding read = parse_prompt(prompt);
    EXPECT_GE(read.confidence, 0.0);
    EXPECT_LE(read.confidence, 1.0);
  }
}

TEST(Describe, IsReadBackAsTheSameSceneWithFullConfidence) {
  Rng rng(2024);
  for (int i = 0; i < 20000; ++i) {
    const SceneSpec scene = random_scene(rng);
    const std::string prompt = describe(scene, rng);
    const Understanding read = parse_prompt(prompt);
    ASSERT_EQ(read.scene, scene) << prompt;
    ASSERT_EQ(read.confidence, 1.0) << prompt;
  }
}

TEST(Describe, VariesItsWording) {
  Rng rng(5);
  SceneSpec scene;
  scene.subject = object("car", {"red"});
  std::vector<std::string> prompts;
  for (int i = 0; i < 50; ++i) {
    prompts.push_back(describe(scene, rng));
  }
  std::ranges::sort(prompts);
  prompts.erase(std::ranges::unique(prompts).begin(), prompts.end());
  EXPECT_GT(prompts.size(), 5U);
}

TEST(Lexicon, EveryWordOfEveryNounMeansThatNounInBothNumbers) {
  for (const NounEntry& entry : noun_words()) {
    for (const std::string_view word : entry.words) {
      for (const std::string& form : {std::string(word), "two " + plural(word)}) {
        const Understanding read = parse_prompt(form);
        EXPECT_EQ(read.scene.subject.noun, entry.words.front()) << form;
        EXPECT_EQ(read.confidence, 1.0) << form;
      }
    }
  }
}

TEST(Lexicon, EveryMaterialWordMeansThatMaterial) {
  for (const MaterialEntry& entry : materials()) {
    for (const std::string_view word : entry.words) {
      EXPECT_EQ(parse_prompt("a " + std::string(word) + " teapot").scene.subject.material,
                entry.name);
    }
  }
}

TEST(Lexicon, HoldsTheVocabularyPromised) {
  EXPECT_GE(colours().size(), 20U);
  EXPECT_GE(nouns().size(), 24U);
  EXPECT_TRUE(std::ranges::is_sorted(nouns()));
  for (const ColourEntry& colour : colours()) {
    EXPECT_EQ(parse_prompt(std::string(colour.name) + " ball").scene.subject.colours,
              Colours{std::string(colour.name)});
  }
}

}  // namespace
}  // namespace lode::sketch
