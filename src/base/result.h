// Result<T>: a value or an Error, for functions that meet untrusted or absent data.
#pragma once

#include <boost/system/result.hpp>
#include <boost/throw_exception.hpp>
#include <stdexcept>
#include <utility>

#include "base/error.h"

namespace lode {

/// Found by Boost.System when value() is called on a failed result: a bug in the caller.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
  throw std::logic_error("value() of a failed result: " + error.message());
}

/// A T or an Error. `[[nodiscard]]` on the type, so that no call can drop a failure.
///
///   Result<Image> image = decode(bytes);
///   if (!image) return image.error();
///   use(*image);
template <class T>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
  using Base = boost::system::result<T, Error>;

 public:
  using Base::Base;
  // NOLINTBEGIN: implicit, so that `return value;` and `return error;` work. Both are spelt out
  // because a T that converts to anything (JSON, say) would make Base's own choice ambiguous.
  Result(T value) : Base(boost::system::in_place_value, std::move(value)) {}
  Result(Error error) : Base(boost::system::in_place_error, std::move(error)) {}
  // NOLINTEND
};

template <>
class [[nodiscard]] Result<void> : public boost::system::result<void, Error> {
  using Base = boost::system::result<void, Error>;

 public:
  using Base::Base;
  Result(Error error) : Base(std::move(error)) {}  // NOLINT: implicit, so `return error;` works
};

/// Shorthand for `return fail(Errc::invalid_input, "...")`.
inline Error fail(Errc code, std::string context) { return Error{code, std::move(context)}; }

}  // namespace lode

#define LODE_CONCAT_INNER(a, b) a##b
#define LODE_CONCAT(a, b) LODE_CONCAT_INNER(a, b)

/// `LODE_TRY(auto x, f());` declares x from a successful result or returns its error.
#define LODE_TRY(declaration, expression) \
  LODE_TRY_IMPL(LODE_CONCAT(lode_try_, __LINE__), declaration, expression)
#define LODE_TRY_IMPL(tmp, declaration, expression) \
  auto tmp = (expression);                          \
  if (!tmp)                                         \
    return ::lode::Error(std::move(tmp).error());   \
  declaration = *std::move(tmp)

/// `LODE_CHECK(f());` returns the error of a Result<void>, if any.
#define LODE_CHECK(expression)                             \
  do {                                                     \
    if (auto lode_check = (expression); !lode_check)       \
      return ::lode::Error(std::move(lode_check).error()); \
  } while (false)
