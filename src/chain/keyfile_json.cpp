#include <algorithm>
#include <utility>

#include "chain/keyfile_json_internal.h"

namespace lode::chain {
namespace {

struct NamedField {
  std::string_view name;
  std::optional<std::string_view> KeyFields::*member;
};

constexpr std::array<NamedField, 6> kFields = {{{"accountId", &KeyFields::account_id},
                                                {"publicKey", &KeyFields::public_key},
                                                {"privateKey", &KeyFields::private_key},
                                                {"secretPhrase", &KeyFields::secret_phrase},
                                                {"secretSeed", &KeyFields::secret_seed},
                                                {"ss58Address", &KeyFields::ss58_address}}};

constexpr std::uint32_t kNoDigit = 16;

std::uint32_t hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return static_cast<std::uint32_t>(c - '0');
  }
  if (c >= 'a' && c <= 'f') {
    return static_cast<std::uint32_t>(c - 'a' + 10);
  }
  return c >= 'A' && c <= 'F' ? static_cast<std::uint32_t>(c - 'A' + 10) : kNoDigit;
}

/// Walks the text; strings are unescaped where they stand.
class FlatObjectReader {
 public:
  explicit FlatObjectReader(SecretBytes& text)
      : begin_(reinterpret_cast<char*>(text.data())), at_(begin_), end_(begin_ + text.size()) {}

  Result<KeyFields> read() {
    KeyFields fields;
    unsigned seen = 0;
    LODE_CHECK(expect('{'));
    if (!accept('}')) {
      do {
        LODE_CHECK(read_member(fields, seen));
      } while (accept(','));
      LODE_CHECK(expect('}'));
    }
    skip_space();
    if (at_ != end_) {
      return broken();
    }
    return fields;
  }

 private:
  Error broken() const {
    return fail(Errc::invalid_input, "not a flat JSON object at byte " +
                                         std::to_string(static_cast<std::size_t>(at_ - begin_)));
  }

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) {
      ++at_;
    }
  }

  bool accept(char c) {
    skip_space();
    if (at_ == end_ || *at_ != c) {
      return false;
    }
    ++at_;
    return true;
  }

  Result<void> expect(char c) {
    if (!accept(c)) {
      return broken();
    }
    return {};
  }

  Result<void> read_member(KeyFields& fields, unsigned& seen) {
    LODE_CHECK(expect('"'));
    LODE_TRY(const std::string_view name, read_string());
    LODE_CHECK(expect(':'));
    skip_space();
    const auto* const field = std::find_if(kFields.begin(), kFields.end(),
                                           [&](const NamedField& f) { return f.name == name; });
    const std::string shown =
        field == kFields.end() ? "an unknown field" : std::string(field->name);
    std::optional<std::string_view> value;
    if (accept('"')) {
      LODE_TRY(value, read_string());
    } else if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with("null")) {
      at_ += 4;
    } else {
      return fail(Errc::invalid_input, shown + ": a string or null was expected");
    }
    if (field == kFields.end()) {
      return {};
    }
    const unsigned bit = 1U << (field - kFields.begin());
    if ((seen & bit) != 0) {
      return fail(Errc::invalid_input, shown + ": stated twice");
    }
    seen |= bit;
    fields.*(field->member) = value;
    return {};
  }

  /// The rest of a string after its opening quote.
  Result<std::string_view> read_string() {
    char* const start = at_;
    char* out = at_;
    while (at_ != end_ && *at_ != '"') {
      if (static_cast<unsigned char>(*at_) < 0x20) {
        return broken();
      }
      if (*at_ != '\\') {
        *out++ = *at_++;
        continue;
      }
      ++at_;
      LODE_TRY(out, read_escape(out));
    }
    if (at_ == end_) {
      return broken();
    }
    ++at_;
    return std::string_view(start, static_cast<std::size_t>(out - start));
  }

  /// One escape after its backslash, written as UTF-8 to `out`; returns the end of what it wrote.
  Result<char*> read_escape(char* out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (at_ == end_) {
      return broken();
    }
    const char letter = *at_++;
    if (letter != 'u') {
      const std::size_t index = kLetters.find(letter);
      if (index == std::string_view::npos) {
        return broken();
      }
      *out++ = kMeanings[index];
      return out;
    }
    LODE_TRY(std::uint32_t code, read_code_unit());
    if (code >= 0xd800 && code <= 0xdbff && end_ - at_ >= 2 && at_[0] == '\\' && at_[1] == 'u') {
      at_ += 2;
      LODE_TRY(const std::uint32_t low, read_code_unit());
      if (low < 0xdc00 || low > 0xdfff) {
        return broken();
      }
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xd800 && code <= 0xdfff) {
      return broken();  // half of a pair
    }
    return write_utf8(code, out);
  }

  Result<std::uint32_t> read_code_unit() {
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const std::uint32_t digit = at_ == end_ ? kNoDigit : hex_digit(*at_);
      if (digit == kNoDigit) {
        return broken();
      }
      code = code << 4 | digit;
      ++at_;
    }
    return code;
  }

  static char* write_utf8(std::uint32_t code, char* out) {
    if (code < 0x80) {
      *out++ = static_cast<char>(code);
    } else if (code < 0x800) {
      *out++ = static_cast<char>(0xc0 | code >> 6);
      *out++ = static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      *out++ = static_cast<char>(0xe0 | code >> 12);
      *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3f));
      *out++ = static_cast<char>(0x80 | (code & 0x3f));
    } else {
      *out++ = static_cast<char>(0xf0 | code >> 18);
      *out++ = static_cast<char>(0x80 | (code >> 12 & 0x3f));
      *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3f));
      *out++ = static_cast<char>(0x80 | (code & 0x3f));
    }
    return out;
  }

  char* begin_;
  char* at_;
  char* end_;
};

}  // namespace

Result<KeyFields> parse_key_fields(SecretBytes& text) { return FlatObjectReader(text).read(); }

}  // namespace lode::chain
