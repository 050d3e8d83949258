#include "chain/metagraph_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"

namespace lode::chain {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::vector<std::string> kNodes = {"wss://a:443", "wss://b:443"};

class MetagraphCache : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("lode_cache_" + std::to_string(::getpid()) +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
    path_ = metagraph_cache_path(folder_, "finney", 17);
    Neuron neuron;
    neuron.uid = 5;
    neuron.hotkey = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    neuron.ip = "198.51.100.4";
    neuron.port = 8091;
    neuron.stake = 1234.5;
    neuron.validator_permit = true;
    cached_ = {
        {17, {neuron}, 6'700'000}, "finney", "wss://b:443", from_unix_seconds(1'760'000'000)};
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string error_of(std::string_view network, int netuid,
                       const std::vector<std::string>& nodes) {
    const auto read = read_metagraph_cache(path_, network, netuid, nodes);
    return read ? "read" : read.error().context;
  }

  fs::path folder_, path_;
  CachedMetagraph cached_;
};

TEST_F(MetagraphCache, GivesBackWhatWasKept) {
  ASSERT_TRUE(write_metagraph_cache(path_, cached_));
  const auto read = read_metagraph_cache(path_, "finney", 17, kNodes);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->read_at, cached_.read_at);
  EXPECT_EQ(read->endpoint, "wss://b:443");
  EXPECT_EQ(read->metagraph.block, 6'700'000U);
  ASSERT_EQ(read->metagraph.neurons.size(), 1U);
  EXPECT_EQ(read->metagraph.neurons[0].stake, 1234.5);
  EXPECT_EQ(read->metagraph.neurons[0].ip, "198.51.100.4");
}

TEST_F(MetagraphCache, IsAMetagraphFileToo) {
  ASSERT_TRUE(write_metagraph_cache(path_, cached_));
  const auto read = read_metagraph_file(path_);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->neurons[0].hotkey, cached_.metagraph.neurons[0].hotkey);
}

TEST_F(MetagraphCache, IsRefusedForAnotherNetworkSubnetOrNode) {
  ASSERT_TRUE(write_metagraph_cache(path_, cached_));
  EXPECT_THAT(error_of("test", 17, kNodes), HasSubstr("network: 'finney', not 'test'"));
  EXPECT_THAT(error_of("finney", 29, kNodes), HasSubstr("netuid: 17, not 29"));
  EXPECT_THAT(error_of("finney", 17, {"ws://127.0.0.1:9944"}), HasSubstr("endpoint: wss://b:443"));
  EXPECT_THAT(error_of("finney", 29, kNodes), HasSubstr(path_.string()));
}

TEST_F(MetagraphCache, IsRefusedWhenDamagedNamingFileAndField) {
  EXPECT_EQ(read_metagraph_cache(path_, "finney", 17, kNodes).error().code, Errc::not_found);
  ASSERT_TRUE(write_metagraph_cache(path_, cached_));
  const std::string whole(as_text(*read_file(path_, 1 << 20)));
  const auto damaged = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    text.replace(text.find(from), from.size(), to);
    EXPECT_TRUE(write_file(path_, as_bytes(text)));
    return error_of("finney", 17, kNodes);
  };
  for (const auto& [from, to, field] :
       {std::tuple("\"read_at\": 1760000000", "\"read_at\": -1", "read_at"),
        {"\"read_at\": 1760000000", "\"read_at\": 99999999999", "read_at"},
        {"\"read_at\"", "\"read\"", "read_at"},
        {"\"network\": \"finney\"", "\"network\": 5", "network"},
        {"\"wss://b:443\"", "null", "endpoint"},
        {"8091", "80910", "neurons[0].port"},
        {"{", "[", ""}}) {
    EXPECT_THAT(damaged(from, to), HasSubstr(path_.string() + ": " + field)) << to;
  }
  for (std::size_t size = 0; size < whole.size() - 2; size += 7) {
    ASSERT_TRUE(write_file(path_, as_bytes(whole.substr(0, size))));
    EXPECT_NE(error_of("finney", 17, kNodes), "read") << size;
  }
}

TEST_F(MetagraphCache, NamesItsFileAfterTheNetwork) {
  EXPECT_EQ(path_.filename(), "metagraph-finney-17.json");
  EXPECT_EQ(metagraph_cache_path("", "ws://[::1]:9944", 3), "metagraph-ws______1__9944-3.json");
  EXPECT_EQ(metagraph_cache_path("d", "../../etc", 3).parent_path(), "d");
  EXPECT_LT(metagraph_cache_path("", std::string(4000, 'x'), 17).string().size(), 200U);
}

}  // namespace
}  // namespace lode::chain
