#include "miner/artifact_store.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/scratch_folder.h"

namespace lode::miner {
namespace {

namespace fs = std::filesystem;
using testing_support::ScratchFolder;

TEST(ArtifactStore, NamesBytesByTheirHash) {
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(artifact_hash(as_bytes("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const ScratchFolder folder;
  const ArtifactStore store(folder / "a");
  const auto hash = store.put(as_bytes("abc"), ArtifactKind::picture);
  ASSERT_TRUE(hash);
  EXPECT_TRUE(fs::exists(folder / ("a/ba/" + *hash + ".img")));
  EXPECT_EQ(as_text(*store.get(*hash, ArtifactKind::picture)), "abc");
  EXPECT_EQ(store.get(*hash, ArtifactKind::splat).error().code, Errc::not_found);
}

TEST(ArtifactStore, FindsDamageAndMendsItWhenGivenTheBytesAgain) {
  const ScratchFolder folder;
  const ArtifactStore store(folder.path());
  const std::string hash = *store.put(as_bytes("abc"), ArtifactKind::splat);
  ASSERT_TRUE(write_file(store.path_of(hash, ArtifactKind::splat), as_bytes("abd")));
  const auto damaged = store.get(hash, ArtifactKind::splat);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Errc::invalid_input);
  EXPECT_NE(damaged.error().context.find(hash), std::string::npos);
  ASSERT_TRUE(store.put(as_bytes("abc"), ArtifactKind::splat));
  EXPECT_TRUE(store.get(hash, ArtifactKind::splat));
}

TEST(ArtifactStore, RefusesNamesThatAreNoHashes) {
  const ScratchFolder folder;
  const ArtifactStore store(folder.path());
  for (const std::string& name : {std::string(), std::string("../../etc/passwd"),
                                  std::string(63, 'a'), std::string(64, 'A')}) {
    EXPECT_EQ(store.get(name, ArtifactKind::splat).error().code, Errc::invalid_input) << name;
  }
}

TEST(ArtifactStore, ListsWholeFilesAndClearsLeftOvers) {
  const ScratchFolder folder;
  const ArtifactStore store(folder.path());
  const std::string hash = *store.put(as_bytes("abc"), ArtifactKind::splat);
  const fs::path part = folder / (hash.substr(0, 2) + "/" + hash + ".spz.part123");
  ASSERT_TRUE(write_file(part, as_bytes("ab")));
  const Time now = SystemClock().now();
  EXPECT_EQ(store.list(now).size(), 1U);
  EXPECT_TRUE(fs::exists(part)) << "it may be being written";
  EXPECT_EQ(store.list(now + std::chrono::hours(2)).size(), 1U);
  EXPECT_FALSE(fs::exists(part));
  EXPECT_EQ(store.list(now)[0].bytes, 3);
  EXPECT_TRUE(store.remove(hash, ArtifactKind::splat));
  EXPECT_TRUE(store.list(now).empty());
}

TEST(ArtifactStore, SaysWhenThereIsNoRoomAndLeavesNothing) {
  const ScratchFolder folder;
  const ArtifactStore store(folder.path());
  const auto put = [&] {
    const testing_support::FileSizeLimit limit(1000);
    return store.put(Bytes(2000, 7), ArtifactKind::splat);
  }();
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, Errc::out_of_resource) << put.error().message();
  EXPECT_TRUE(store.list(SystemClock().now()).empty());
  EXPECT_TRUE(store.put(Bytes(2000, 7), ArtifactKind::splat)) << "with room again";
}

}  // namespace
}  // namespace lode::miner
