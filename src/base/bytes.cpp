#include "base/bytes.h"

namespace lode {

Result<ByteView> ByteReader::take(std::size_t count, std::string_view field) {
  if (count > remaining()) {
    return fail(Errc::invalid_input, std::string(field) + ": " + std::to_string(count) +
                                         " bytes expected at offset " + std::to_string(offset_) +
                                         ", " + std::to_string(remaining()) + " left");
  }
  const ByteView view = bytes_.subspan(offset_, count);
  offset_ += count;
  return view;
}

}  // namespace lode
