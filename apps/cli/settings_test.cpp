#include "cli/settings.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "base/file.h"

namespace lode::cli {
namespace {

const std::vector<std::string> kKnown = {"netuid", "wallet.name", "wallet.hotkey",
                                         "generation.endpoints", "neuron.sync_interval"};

/// A program with one command of some settings, given arguments, variables and a file.
struct Program {
  int netuid = 17;
  std::string name = "default";
  std::vector<std::string> endpoints;
  bool debug = false;
  int sync = 60;
  double min_stake = 1000;
  Settings settings;
  Result<void> applied{};

  Program(const std::string& arguments, std::map<std::string, std::string> environment,
          const std::string& file) {
    CLI::App app;
    app.add_flag("--logging.debug", debug);
    CLI::App* command = app.add_subcommand("mine")->fallthrough()->configurable();
    command->add_option("--netuid", netuid)->capture_default_str();
    command->add_option("--wallet.name", name)->capture_default_str();
    command->add_option("--generation.endpoints", endpoints);
    command->add_option("--neuron.sync_interval", sync)->check(CLI::Range(1, 100));
    command->add_option("--min_stake", min_stake);
    CLI::App* other = app.add_subcommand("signer")->configurable();
    std::string socket;
    other->add_option("--socket", socket);
    app.parse("mine " + arguments);
    const std::filesystem::path folder =
        std::filesystem::path(testing::TempDir()) /
        (std::string("lode_settings_") +
         testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder);
    const std::string path = folder / "lode_settings_test.toml";
    EXPECT_TRUE(write_file(path, as_bytes(file)));
    applied = settings.apply(app, path, [&](const char* wanted) -> const char* {
      const auto found = environment.find(wanted);
      return found == environment.end() ? nullptr : found->second.c_str();
    });
    for (const auto& entry : settings.entries()) {
      origins[entry.key] = entry.origin;
    }
    std::filesystem::remove_all(folder);
  }
  std::map<std::string, std::string> origins;
};

TEST(Settings, TakesFlagBeforeEnvironmentBeforeFileBeforeDefault) {
  const std::string file = "netuid = 1\n[wallet]\nname = \"file\"\n";
  const std::map<std::string, std::string> environment = {{"LODE_WALLET_NAME", "environment"}};
  EXPECT_EQ(Program("", {}, "").name, "default");
  EXPECT_EQ(Program("", {}, file).name, "file");
  EXPECT_EQ(Program("", environment, file).name, "environment");
  const Program program("--wallet.name flag", environment, file);
  EXPECT_EQ(program.name, "flag");
  EXPECT_EQ(program.netuid, 1);
  EXPECT_EQ(program.origins.at("wallet.name"), "flag");
  EXPECT_TRUE(program.origins.at("netuid").ends_with("lode_settings_test.toml line 1"));
  EXPECT_EQ(program.origins.at("generation.endpoints"), "default");
  EXPECT_EQ(Program("", environment, file).origins.at("wallet.name"),
            "environment LODE_WALLET_NAME");
}

TEST(Settings, TakesTheSdksVariablesAfterItsOwn) {
  EXPECT_EQ(Program("", {{"BT_WALLET_NAME", "sdk"}}, "").name, "sdk");
  EXPECT_EQ(Program("", {{"BT_WALLET_NAME", "sdk"}, {"LODE_WALLET_NAME", "own"}}, "").name, "own");
  EXPECT_EQ(Program("", {{"BT_NETUID", "3"}}, "").netuid, 17);
  EXPECT_EQ(Program("", {{"LODE_WALLET_NAME", ""}}, "").name, "default");
}

TEST(Settings, TakesListsAndFlagsFromAnywhere) {
  const std::vector<std::string> two = {"http://a", "http://b"};
  EXPECT_EQ(Program("", {}, "generation.endpoints = ['http://a', 'http://b']").endpoints, two);
  EXPECT_EQ(Program("", {{"LODE_GENERATION_ENDPOINTS", "http://a,http://b"}}, "").endpoints, two);
  EXPECT_TRUE(Program("", {}, "logging.debug = true").debug);
  EXPECT_FALSE(Program("", {}, "logging.debug = false").debug);
  EXPECT_TRUE(Program("", {{"LODE_LOGGING_DEBUG", "true"}}, "").debug);
}

TEST(Settings, KnowsTheKeysOfOtherCommands) {
  EXPECT_TRUE(Program("", {}, "socket = 'x'").applied);
}

TEST(Settings, NamesTheOriginOfABadValue) {
  const Program in_file("", {}, "\nneuron.sync_interval = 101\n");
  ASSERT_FALSE(in_file.applied);
  EXPECT_NE(in_file.applied.error().context.find("lode_settings_test.toml line 2"),
            std::string::npos);
  EXPECT_NE(in_file.applied.error().context.find("neuron.sync_interval"), std::string::npos);
  const Program in_environment("", {{"LODE_NETUID", "many"}}, "");
  ASSERT_FALSE(in_environment.applied);
  EXPECT_NE(in_environment.applied.error().context.find("LODE_NETUID"), std::string::npos);
  EXPECT_FALSE(Program("", {}, "wallet.name = ['a', 'b']").applied);
}

std::string error_of(std::string_view text) {
  const auto found = parse_settings(text, "lode.toml", kKnown);
  return found ? "none" : found.error().context;
}

TEST(Settings, RefusesUnknownKeysNamingLineAndNearestKey) {
  EXPECT_EQ(error_of("netuid = 17\n\n[wallet]\nnmae = 'x'\n"),
            "lode.toml line 4: unknown key wallet.nmae; the nearest known one is wallet.name");
  EXPECT_EQ(
      error_of("neuron.sync = 5"),
      "lode.toml line 1: unknown key neuron.sync; the nearest known one is neuron.sync_interval");
}

TEST(Settings, RefusesBadTomlAndValuesOfOtherTypes) {
  EXPECT_TRUE(error_of("netuid = 17\nwallet.name = \n").starts_with("lode.toml line 2: "));
  EXPECT_TRUE(error_of("netuid = 1979-05-27").starts_with("lode.toml line 1: netuid: "));
  EXPECT_TRUE(error_of("[[generation.endpoints]]\na = 1").starts_with("lode.toml line 1: "));
  EXPECT_EQ(error_of("netuid = 17\nwallet = { name = 'x', hotkey = 'y' }"), "none");
}

TEST(Settings, KeepsEveryDigitOfANumber) {
  Program program("", {}, "neuron.sync_interval = 5\nmin_stake = 0.0000001\n");
  EXPECT_TRUE(program.applied);
  EXPECT_EQ(program.min_stake, 0.0000001);
}

TEST(Settings, PassesOverWhatIsAnotherProgramsAndRefusesTheRest) {
  const auto is_foreign = [](std::string_view key) { return key.starts_with("worker."); };
  const auto found =
      parse_settings("netuid = 3\n[worker]\njobs = 2\n", "lode.toml", kKnown, is_foreign);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_TRUE(found->contains("netuid"));
  EXPECT_FALSE(found->contains("worker.jobs"));
  EXPECT_FALSE(parse_settings("worker = 2", "lode.toml", kKnown, is_foreign));
  EXPECT_FALSE(parse_settings("[worker]\njobs = 2", "lode.toml", kKnown));
}

}  // namespace
}  // namespace lode::cli
