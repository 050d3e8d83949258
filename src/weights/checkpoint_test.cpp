#include "weights/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "base/file.h"
#include "tests/support/scratch_folder.h"
#include "weights/safetensors.h"

namespace lode::weights {
namespace {

namespace fs = std::filesystem;
using testing_support::ScratchFolder;

/// A file whose tensors of four bytes have these names; each byte is the name's first letter.
void write_tensors(const fs::path& path, const std::vector<std::string>& names) {
  std::vector<Bytes> values;
  for (const std::string& name : names) {
    values.emplace_back(4, static_cast<std::uint8_t>(name.front()));
  }
  std::vector<TensorToWrite> tensors;
  for (std::size_t i = 0; i < names.size(); ++i) {
    tensors.push_back({names[i], DType::u8, {4}, values[i]});
  }
  const auto written = write_safetensors(path, tensors);
  ASSERT_TRUE(written) << written.error().message();
}

void write_text(const fs::path& path, std::string_view text) {
  ASSERT_TRUE(write_file(path, as_bytes(text)));
}

std::vector<std::string> names_of(const Result<Checkpoint>& checkpoint) {
  EXPECT_TRUE(checkpoint) << checkpoint.error().message();
  std::vector<std::string> names;
  for (const StoredTensor& tensor : checkpoint->tensors()) {
    names.emplace_back(tensor.name);
  }
  return names;
}

/// Expects a refusal of that kind whose text holds all parts.
void expect_refused(const fs::path& path, Errc code, const std::vector<std::string>& parts) {
  const auto checkpoint = Checkpoint::open(path);
  ASSERT_FALSE(checkpoint);
  EXPECT_EQ(checkpoint.error().code, code) << checkpoint.error().message();
  for (const std::string& part : parts) {
    EXPECT_NE(checkpoint.error().context.find(part), std::string::npos)
        << part << " in " << checkpoint.error().message();
  }
}

using Names = std::vector<std::string>;

TEST(Checkpoint, FindsTensorsByName) {
  const ScratchFolder folder;
  write_tensors(folder / "any.safetensors", {"b", "a", "c.x"});
  const auto checkpoint = Checkpoint::open(folder / "any.safetensors");
  EXPECT_EQ(names_of(checkpoint), (Names{"a", "b", "c.x"}));
  EXPECT_EQ(checkpoint->total_bytes(), 12U);
  EXPECT_EQ(checkpoint->files(), std::vector<fs::path>{folder / "any.safetensors"});
  const auto b = checkpoint->find("b");
  ASSERT_TRUE(b);
  EXPECT_EQ(Bytes(b->bytes.begin(), b->bytes.end()), Bytes(4, 'b'));
  for (const char* absent : {"", "A", "bb", "c", "zz"}) {
    EXPECT_FALSE(checkpoint->find(absent)) << absent;
  }
}

TEST(Checkpoint, BytesOutliveAllButOneCopyAndTheFile) {
  const ScratchFolder folder;
  write_tensors(folder / "any.safetensors", {"a"});
  std::shared_ptr<const void> owner;
  ByteView bytes;
  {
    const auto checkpoint = Checkpoint::open(folder / "any.safetensors");
    ASSERT_TRUE(checkpoint);
    const Checkpoint copy = *checkpoint;
    bytes = copy.find("a")->bytes;
    owner = copy.owner();
  }
  fs::remove(folder / "any.safetensors");
  EXPECT_TRUE(std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 'a'; }));
}

TEST(Checkpoint, FindsTheWeightsOfAFolderBestFirst) {
  // From last choice to first: each that is added wins over those before it.
  const Names order = {"other.safetensors", "diffusion_pytorch_model.fp16.safetensors",
                       "model.fp16.safetensors", "diffusion_pytorch_model.safetensors",
                       "model.safetensors"};
  const ScratchFolder folder;
  for (std::size_t i = 0; i < order.size(); ++i) {
    write_tensors(folder / order[i], {"from " + order[i]});
    write_text(folder / "config.json", "{}");
    EXPECT_EQ(names_of(Checkpoint::open(folder.path())), Names{"from " + order[i]});
  }
}

TEST(Checkpoint, OpensEverySpellingOfAnIndex) {
  for (const std::string index :
       {"model.safetensors.index.json", "diffusion_pytorch_model.safetensors.index.json",
        "model.fp16.safetensors.index.json", "model.safetensors.index.fp16.json",
        "diffusion_pytorch_model.safetensors.index.fp16.json"}) {
    const ScratchFolder folder;
    write_tensors(folder / "s1.safetensors", {"a", "c"});
    write_tensors(folder / "s2.safetensors", {"b"});
    write_text(folder / index,
               R"({"metadata":{"total_size":12,"deep":[[{"x":null}],true,-1,1.5]},)"
               R"("weight_map":{"c":"s1.safetensors","b":"s2.safetensors","a":"s1.safetensors"}})");
    const auto in_folder = Checkpoint::open(folder.path());
    EXPECT_EQ(names_of(in_folder), (Names{"a", "b", "c"})) << index;
    EXPECT_EQ(in_folder->files().size(), 2U);
    EXPECT_EQ(in_folder->find("b")->bytes[0], 'b');
    EXPECT_EQ(names_of(Checkpoint::open(folder / index)), (Names{"a", "b", "c"}));
  }
}

TEST(Checkpoint, FollowsTheLinksOfADownloadCache) {
  const ScratchFolder folder;
  fs::create_directories(folder / "blobs");
  fs::create_directories(folder / "snapshot");
  write_tensors(folder / "blobs/0123abcd", {"a"});
  fs::create_symlink("../blobs/0123abcd", folder / "snapshot/model.safetensors");
  EXPECT_EQ(names_of(Checkpoint::open(folder / "snapshot")), Names{"a"});
}

TEST(Checkpoint, SaysWhatAWrongFolderHolds) {
  const ScratchFolder folder;
  expect_refused(folder.path(), Errc::not_found,
                 {folder.path().string(), "model.safetensors", "there is nothing"});
  write_text(folder / "pytorch_model.bin", "x");
  expect_refused(folder.path(), Errc::not_found,
                 {"diffusion_pytorch_model.fp16.safetensors", "there is \"pytorch_model.bin\""});
  write_tensors(folder / "one.safetensors", {"a"});
  write_tensors(folder / "two.safetensors", {"a"});
  expect_refused(folder.path(), Errc::not_found, {"\"one.safetensors\", \"pytorch_model.bin\""});
  for (int i = 0; i < 300; ++i) {
    write_text(folder / ("file" + std::to_string(i)), "");
  }
  expect_refused(folder.path(), Errc::not_found, {"and 283 more"});
  EXPECT_LT(Checkpoint::open(folder.path()).error().context.size(), 2000U);
}

TEST(Checkpoint, NamesAFileThatIsAbsentEmptyOrNone) {
  const ScratchFolder folder;
  expect_refused(folder / "model.safetensors", Errc::not_found, {"/model.safetensors"});
  write_text(folder / "model.safetensors", "");
  expect_refused(folder.path(), Errc::invalid_input, {"/model.safetensors"});
  write_text(folder / "model.safetensors",
             "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n");
  expect_refused(folder.path(), Errc::invalid_input, {"/model.safetensors", "Git LFS pointer"});
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_refused(folder / "pipe", Errc::invalid_input, {"/pipe", "regular file"});
}

/// A folder with two shards and an index of the test's own.
class CheckpointIndex : public testing::Test {
 protected:
  CheckpointIndex() {
    write_tensors(folder_ / "s1", {"a", "b"});
    write_tensors(folder_ / "s2", {"c"});
  }
  void expect_index_refused(const std::string& text, const std::vector<std::string>& parts,
                            Errc code = Errc::invalid_input) {
    write_text(folder_ / "model.safetensors.index.json", text);
    std::vector<std::string> all = parts;
    all.push_back("/model.safetensors.index.json: ");
    expect_refused(folder_.path(), code, all);
  }
  ScratchFolder folder_;
};

TEST_F(CheckpointIndex, NamesATensorThatItsShardDoesNotHold) {
  expect_index_refused(R"({"weight_map":{"a":"s1","b":"s1","c":"s2","d":"s2"}})",
                       {"\"d\"", "not in the file it names, \"s2\""});
}

TEST_F(CheckpointIndex, NamesATensorThatIsInAShardButNotListed) {
  expect_index_refused(R"({"weight_map":{"a":"s1","c":"s2"}})",
                       {"\"b\" is in \"s1\", but not in weight_map"});
}

TEST_F(CheckpointIndex, NamesATensorThatIsInTwoShards) {
  write_tensors(folder_ / "s2", {"c", "b"});
  expect_index_refused(R"({"weight_map":{"a":"s1","b":"s1","c":"s2"}})",
                       {"\"b\" is in \"s2\", weight_map says \"s1\""});
}

TEST_F(CheckpointIndex, NamesAMissingOrBrokenShard) {
  expect_index_refused(R"({"weight_map":{"a":"s1","b":"s1","c":"s3"}})",
                       {"weight_map names \"s3\"", "/s3: open"}, Errc::not_found);
  write_text(folder_ / "s3", "broken");
  expect_index_refused(R"({"weight_map":{"a":"s1","b":"s1","c":"s3"}})",
                       {"/s3: ", "header length"});
}

TEST_F(CheckpointIndex, RefusesFileNamesThatLeadElsewhere) {
  for (const std::string name : {"", ".", "..", "../s1", "/etc/passwd", "sub/s1", "s1\\u0000"}) {
    expect_index_refused(R"({"weight_map":{"a":")" + name + "\"}}", {"\"a\"", "plain file name"});
  }
  expect_index_refused(R"({"weight_map":{"a":")" + std::string(256, 'x') + "\"}}",
                       {"plain file name"});
}

TEST_F(CheckpointIndex, RefusesWhatIsNoIndex) {
  const std::string deep(100, '[');
  expect_index_refused("", {"not JSON"});
  expect_index_refused("[]", {"expected an object"});
  expect_index_refused("1", {"expected an object"});
  expect_index_refused("{}", {"needs a weight_map"});
  expect_index_refused(R"({"x":{"weight_map":{"a":"s1"}}})", {"needs a weight_map"});
  expect_index_refused(R"({"weight_map":[]})", {"expected an object"});
  expect_index_refused(R"({"weight_map":"s1"})", {"expected an object"});
  expect_index_refused(R"({"weight_map":{"a":1}})", {"\"a\": expected a file name"});
  expect_index_refused(R"({"weight_map":{"a":{}}})", {"\"a\": expected a file name"});
  expect_index_refused(R"({"weight_map":{"a":["s1"]}})", {"\"a\": expected a file name"});
  expect_index_refused(R"({"weight_map":{"a":"s1","a":"s1"}})", {"\"a\" comes twice"});
  expect_index_refused(R"({"weight_map":{},"weight_map":{}})", {"weight_map comes twice"});
  expect_index_refused(std::string("{\"weight_map\":{}}\0", 18), {"not JSON"});
  expect_index_refused("{\"x\":" + deep, {"nested deeper"}, Errc::limit_exceeded);
  expect_index_refused(R"({"weight_map":{")" + std::string(2000, 'n') + R"(":"s1"}})",
                       {"1024 bytes"}, Errc::limit_exceeded);
}

TEST_F(CheckpointIndex, MayBeEmpty) {
  write_text(folder_ / "model.safetensors.index.json", R"({"weight_map":{}})");
  EXPECT_TRUE(names_of(Checkpoint::open(folder_.path())).empty());
}

/// KiB in memory of the mapping that starts at `address`, by the kernel's own account.
std::size_t resident_kib(const std::uint8_t* address) {
  std::ifstream maps("/proc/self/smaps");
  char start[32];
  std::snprintf(start, sizeof(start), "%lx-", reinterpret_cast<unsigned long>(address));
  bool is_ours = false;
  for (std::string line; std::getline(maps, line);) {
    is_ours = is_ours || line.starts_with(start);
    if (is_ours && line.starts_with("Rss:")) {
      return std::stoul(line.substr(4));
    }
  }
  return 0;
}

TEST(Checkpoint, ReleasesPagesAndReadsThemAgain) {
  const ScratchFolder folder;
  const auto path = folder / "big.safetensors";
  Bytes big(4U << 20U);
  for (std::size_t i = 0; i < big.size(); ++i) {
    big[i] = static_cast<std::uint8_t>(i % 251);
  }
  const std::vector<TensorToWrite> tensors = {
      {"big", DType::u8, {static_cast<std::int64_t>(big.size())}, big},
      {"none", DType::u8, {0}, {}}};
  ASSERT_TRUE(write_safetensors(path, tensors));
  const auto checkpoint = Checkpoint::open(path);
  ASSERT_TRUE(checkpoint);
  const ByteView bytes = checkpoint->find("big")->bytes;
  const auto* map = reinterpret_cast<const std::uint8_t*>(
      reinterpret_cast<std::uintptr_t>(bytes.data()) / 4096 * 4096);
  EXPECT_TRUE(std::ranges::equal(bytes, big));
  const std::size_t before = resident_kib(map);
  EXPECT_GE(before, 4096U);
  checkpoint->release_pages(bytes.first(2U << 20U));
  EXPECT_LE(resident_kib(map), before - 2000);
  EXPECT_TRUE(std::ranges::equal(bytes, big));
  checkpoint->release_pages(bytes.first(1));  // no whole page
  checkpoint->release_pages(checkpoint->find("none")->bytes);
}

TEST(CheckpointDeathTest, RefusesAdviceOnForeignBytes) {
  const ScratchFolder folder;
  write_tensors(folder / "any.safetensors", {"a"});
  const auto checkpoint = Checkpoint::open(folder / "any.safetensors");
  const Bytes foreign(100'000);
  EXPECT_DEATH(checkpoint->release_pages(foreign), "this checkpoint only");
}

}  // namespace
}  // namespace lode::weights
