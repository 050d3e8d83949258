// Reads spiece.model, the protocol buffer `sentencepiece.ModelProto` (sentencepiece_model.proto),
// as far as a unigram model needs it.
#include "tokenize/json_internal.h"
#include "tokenize/t5_files_internal.h"

namespace lode::tokenize {
namespace {

// Wire types of protocol buffers.
constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kFixed64 = 1;
constexpr std::uint32_t kLengthDelimited = 2;
constexpr std::uint32_t kFixed32 = 5;

// Field numbers.
constexpr std::uint32_t kModelPieces = 1;
constexpr std::uint32_t kModelTrainer = 2;
constexpr std::uint32_t kModelNormaliser = 3;
constexpr std::uint32_t kPieceText = 1;
constexpr std::uint32_t kPieceScore = 2;
constexpr std::uint32_t kPieceType = 3;
constexpr std::uint32_t kTrainerModelType = 3;
constexpr std::uint32_t kNormaliserCharsmap = 2;

constexpr std::uint64_t kUnigramType = 1;

/// ModelProto.SentencePiece.Type.
enum class PieceType : std::uint64_t { normal = 1, unknown = 2, control = 3, unused = 5 };

/// One field of a message: `bytes` of a length-delimited one, `number` of any other.
struct Field {
  std::uint32_t number_of_field = 0;
  std::uint32_t wire_type = 0;
  std::uint64_t number = 0;
  ByteView bytes;
};

Result<std::uint64_t> read_varint(ByteReader& reader) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    LODE_TRY(const std::uint8_t byte, reader.read<std::uint8_t>("varint"));
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) {
      return value;
    }
  }
  return fail(Errc::invalid_input,
              "varint at byte " + std::to_string(reader.offset()) + " has more than 10 bytes");
}

Result<Field> read_field(ByteReader& reader) {
  LODE_TRY(const std::uint64_t key, read_varint(reader));
  Field field{static_cast<std::uint32_t>(key >> 3U), static_cast<std::uint32_t>(key & 7U), 0, {}};
  if (field.wire_type == kVarint) {
    LODE_TRY(field.number, read_varint(reader));
  } else if (field.wire_type == kFixed64) {
    LODE_TRY(field.number, reader.read<std::uint64_t>("fixed64"));
  } else if (field.wire_type == kFixed32) {
    LODE_TRY(field.number, reader.read<std::uint32_t>("fixed32"));
  } else if (field.wire_type == kLengthDelimited) {
    LODE_TRY(const std::uint64_t size, read_varint(reader));
    LODE_TRY(field.bytes, reader.take(size, "field " + std::to_string(field.number_of_field)));
  } else {
    return fail(Errc::invalid_input, "field before byte " + std::to_string(reader.offset()) +
                                         " has wire type " + std::to_string(field.wire_type));
  }
  return field;
}

bool is_field(const Field& field, std::uint32_t number, std::uint32_t wire_type) {
  return field.number_of_field == number && field.wire_type == wire_type;
}

struct Model {
  std::vector<Piece> pieces;
  std::size_t unknown_id = kMaxVocabularyEntries;  ///< none yet
  std::uint64_t model_type = kUnigramType;
  std::optional<Charsmap> charsmap;
};

Result<void> read_piece(Model& model, ByteView message) {
  if (model.pieces.size() == kMaxVocabularyEntries) {
    return fail(Errc::limit_exceeded,
                "more than " + std::to_string(kMaxVocabularyEntries) + " pieces");
  }
  Piece piece;
  auto type = PieceType::normal;
  for (ByteReader reader(message); reader.remaining() > 0;) {
    LODE_TRY(const Field field, read_field(reader));
    if (is_field(field, kPieceText, kLengthDelimited)) {
      piece.text = as_text(field.bytes);
    } else if (is_field(field, kPieceScore, kFixed32)) {
      piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field.number));
    } else if (is_field(field, kPieceType, kVarint)) {
      type = static_cast<PieceType>(field.number);
    }
  }
  if (type == PieceType::unknown) {
    model.unknown_id = model.pieces.size();
  }
  // transformers' conversion keeps unused pieces as they are. It matches user-defined ones before
  // anything else and loses byte pieces: T5 has neither.
  piece.is_special = type == PieceType::unknown || type == PieceType::control;
  if (!piece.is_special && type != PieceType::normal && type != PieceType::unused) {
    return fail(Errc::unsupported, "piece " + std::to_string(model.pieces.size()) + " is of type " +
                                       std::to_string(static_cast<std::uint64_t>(type)));
  }
  model.pieces.push_back(std::move(piece));
  return {};
}

Result<void> read_trainer(Model& model, ByteView message) {
  for (ByteReader reader(message); reader.remaining() > 0;) {
    LODE_TRY(const Field field, read_field(reader));
    if (is_field(field, kTrainerModelType, kVarint)) {
      model.model_type = field.number;
    }
  }
  return {};
}

Result<void> read_normaliser(Model& model, ByteView message) {
  for (ByteReader reader(message); reader.remaining() > 0;) {
    LODE_TRY(const Field field, read_field(reader));
    if (is_field(field, kNormaliserCharsmap, kLengthDelimited) && !field.bytes.empty()) {
      LODE_TRY(model.charsmap, Charsmap::parse(field.bytes, "normalizer_spec.charsmap"));
    }
  }
  return {};
}

Result<Model> read_model(ByteView bytes) {
  Model model;
  for (ByteReader reader(bytes); reader.remaining() > 0;) {
    LODE_TRY(const Field field, read_field(reader));
    if (is_field(field, kModelPieces, kLengthDelimited)) {
      LODE_CHECK(read_piece(model, field.bytes));
    } else if (is_field(field, kModelTrainer, kLengthDelimited)) {
      LODE_CHECK(read_trainer(model, field.bytes));
    } else if (is_field(field, kModelNormaliser, kLengthDelimited)) {
      LODE_CHECK(read_normaliser(model, field.bytes));
    }
  }
  return model;
}

}  // namespace

Result<T5Files> parse_sentencepiece(ByteView bytes, const std::string& name) {
  auto read = read_model(bytes);
  if (!read) {
    return annotate(std::move(read).error(), name);
  }
  Model model = *std::move(read);
  if (model.model_type != kUnigramType) {
    return fail(Errc::unsupported, name + ": trainer_spec.model_type is " +
                                       std::to_string(model.model_type) + ", not 1 (unigram)");
  }
  T5Files files;
  LODE_CHECK(set_pieces(files, model.pieces, model.unknown_id, name));
  if (model.charsmap) {
    files.normaliser.emplace_back(*std::move(model.charsmap));
  }
  files.normaliser.emplace_back(StripStep{false, true});
  files.normaliser.emplace_back(ReplaceSpacesStep{std::string(kSpaceMark)});
  return files;
}

}  // namespace lode::tokenize
