#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace lode {
namespace {

Result<int> parse_digit(char c) {
  if (c < '0' || c > '9') {
    return fail(Errc::invalid_input, "digit expected");
  }
  return c - '0';
}

Result<int> sum_of_digits(char a, char b) {
  LODE_TRY(const int left, parse_digit(a));
  LODE_TRY(const int right, parse_digit(b));
  return left + right;
}

Result<void> require_digit(char c) {
  LODE_CHECK(parse_digit(c));
  return {};
}

TEST(Result, TryPassesValuesOn) { EXPECT_EQ(*sum_of_digits('3', '4'), 7); }

TEST(Result, TryReturnsTheFirstError) {
  const auto sum = sum_of_digits('3', 'x');
  ASSERT_FALSE(sum);
  EXPECT_EQ(sum.error().code, Errc::invalid_input);
  EXPECT_EQ(sum.error().message(), "digit expected (invalid input)");
}

TEST(Result, CheckReturnsTheError) {
  EXPECT_TRUE(require_digit('1'));
  EXPECT_FALSE(require_digit('?'));
}

TEST(Result, CarriesMoveOnlyValues) {
  auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(5); };
  auto pointer = make();
  ASSERT_TRUE(pointer);
  EXPECT_EQ(**pointer, 5);
}

TEST(Result, ValueOfAFailureThrowsWithTheContext) {
  const auto bad = parse_digit('x');
  EXPECT_THROW((void)bad.value(), std::logic_error);
}

TEST(Error, AnnotatePutsThePlaceFirst) {
  EXPECT_EQ(annotate({Errc::not_found, "no such key"}, "wallet.json").context,
            "wallet.json: no such key");
}

}  // namespace
}  // namespace lode
