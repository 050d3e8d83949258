// Walks SentencePiece's character map.
#include "tokenize/charsmap_internal.h"

#include "tokenize/unicode_internal.h"

namespace lode::tokenize {
namespace {

/// Graphemes of this size and more are looked up character by character.
constexpr std::size_t kLongGrapheme = 6;

// The fields of a unit of darts-clone's double array (darts.h, DoubleArrayUnit).
bool has_leaf(std::uint32_t unit) { return (unit >> 8U & 1U) != 0; }
std::uint32_t value_of(std::uint32_t unit) { return unit & 0x7FFFFFFFU; }
std::uint32_t label_of(std::uint32_t unit) { return unit & 0x800000FFU; }
std::uint32_t offset_of(std::uint32_t unit) { return unit >> 10U << ((unit & 0x200U) >> 6U); }

}  // namespace

Result<Charsmap> Charsmap::parse(ByteView blob, const std::string& where) {
  ByteReader reader(blob);
  const auto size = reader.read<std::uint32_t>("size of the trie");
  if (!size) {
    return annotate(size.error(), where);
  }
  const auto trie = reader.take(*size, "trie");
  if (!trie) {
    return annotate(trie.error(), where);
  }
  if (trie->empty() || trie->size() % sizeof(std::uint32_t) != 0) {
    return fail(Errc::invalid_input, where + ": the trie has " + std::to_string(trie->size()) +
                                         " bytes, expected a positive multiple of 4");
  }
  Charsmap map;
  map.units_.resize(trie->size() / sizeof(std::uint32_t));
  std::memcpy(map.units_.data(), trie->data(), trie->size());
  map.replacements_ = as_text(blob.subspan(sizeof(std::uint32_t) + trie->size()));
  if (!is_utf8(map.replacements_)) {
    return fail(Errc::invalid_input, where + ": the replacements are no UTF-8");
  }
  return map;
}

std::optional<std::string_view> Charsmap::find(std::string_view key) const {
  std::uint32_t at = offset_of(units_[0]);
  for (const char c : key) {
    const auto byte = static_cast<std::uint8_t>(c);
    at ^= byte;
    if (byte == 0 || at >= units_.size() || label_of(units_[at]) != byte) {
      return std::nullopt;
    }
    const bool is_key = has_leaf(units_[at]);
    at ^= offset_of(units_[at]);
    if (!is_key) {
      continue;
    }
    if (at >= units_.size() || value_of(units_[at]) >= replacements_.size()) {
      return std::nullopt;
    }
    const std::string_view rest = std::string_view(replacements_).substr(value_of(units_[at]));
    if (is_inside_character(rest.front())) {
      return std::nullopt;
    }
    return rest.substr(0, rest.find('\0'));
  }
  return std::nullopt;
}

std::string Charsmap::normalise(std::string_view text) const {
  std::string result;
  result.reserve(text.size());
  for (const std::string_view grapheme : split_graphemes(text)) {
    const auto whole = grapheme.size() < kLongGrapheme ? find(grapheme) : std::nullopt;
    if (whole) {
      result += *whole;
    }
    for (std::size_t i = 0; !whole && i < grapheme.size();) {
      const std::string_view character = grapheme.substr(i, character_size(grapheme.substr(i)));
      result += find(character).value_or(character);
      i += character.size();
    }
    if (result.size() > kMaxNormalBytes) {
      break;  // the caller cuts it
    }
  }
  return result;
}

}  // namespace lode::tokenize
