// Device names, and exceptions that become values.
#include "nn/device.h"

#include <ATen/Context.h>
#include <gmock/gmock.h>
#include <torch/types.h>

#include "nn/pass.h"

namespace lode::nn {
namespace {

using testing::HasSubstr;

TEST(Device, NamesAreRead) {
  EXPECT_EQ(*parse_device("cpu"), c10::Device(c10::kCPU));
  EXPECT_EQ(parse_device("auto")->is_cpu(), !at::hasCUDA() || at::getNumGPUs() == 0);
  for (const char* name :
       {"", "gpu", "CPU", "cuda:", "cuda:x", "cuda:1x", "cuda:-1", "cudas", "cpu:0", "auto:1"}) {
    EXPECT_EQ(parse_device(name).error().code, Errc::invalid_input) << name;
  }
}

TEST(Device, AGpuThatIsNotThereIsNamed) {
  const auto gpu = parse_device("cuda:99");
  EXPECT_EQ(gpu.error().code, Errc::unsupported);
  EXPECT_THAT(gpu.error().context, HasSubstr("cuda:99"));
}

TEST(Device, GuardHandsOnValues) {
  EXPECT_EQ(*guard("adding", [] { return 3; }), 3);
  EXPECT_TRUE(guard("nothing", [] {}));
}

TEST(Device, LackOfMemoryIsAnErrorWithAdvice) {
  const auto result = guard("decoding", [] { return torch::empty({std::int64_t{1} << 50U}); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::out_of_resource);
  EXPECT_THAT(result.error().context, HasSubstr("decoding: not enough memory"));
  EXPECT_EQ(guard("x", [] { throw std::bad_alloc(); }).error().code, Errc::out_of_resource);
}

TEST(Device, OtherExceptionsKeepTheirFirstLine) {
  const auto result = guard("adding", [] { return torch::ones({2}) + torch::ones({3}); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::internal);
  EXPECT_THAT(result.error().context, HasSubstr("must match"));
  EXPECT_THAT(result.error().context, testing::Not(HasSubstr("\n")));
  EXPECT_EQ(guard("x", [] { throw Cancelled(); }).error().code, Errc::cancelled);
  const auto failed = guard("x", [] { throw LoadFailed(fail(Errc::invalid_input, "tensor t")); });
  EXPECT_EQ(failed.error().code, Errc::invalid_input);
  EXPECT_EQ(failed.error().context, "x: tensor t");
}

}  // namespace
}  // namespace lode::nn
