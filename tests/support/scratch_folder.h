// A folder of its own for each test, gone with it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace lode::testing_support {

class ScratchFolder {
 public:
  ScratchFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    // In memory where there is such a file system: hundreds of small files are flushed.
    const std::filesystem::path memory = "/dev/shm";
    std::error_code ec;
    path_ =
        (std::filesystem::is_directory(memory, ec) && ::access(memory.c_str(), W_OK) == 0
             ? memory
             : std::filesystem::path(testing::TempDir())) /
        ("lode_" + std::to_string(::getpid()) + "_" + test->test_suite_name() + "_" + test->name());
    std::filesystem::create_directories(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace lode::testing_support
