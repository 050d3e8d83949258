#include "weights/safetensors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/file.h"
#include "base/rng.h"
#include "tests/support/mutations.h"
#include "tests/support/scratch_folder.h"

namespace lode::weights {
namespace {

using testing_support::ScratchFolder;

Bytes file_of(std::string_view json, std::size_t data_bytes) {
  ByteWriter file;
  file.write(static_cast<std::uint64_t>(json.size()));
  file.write_bytes(as_bytes(json));
  file.write_bytes(Bytes(data_bytes, 0x5a));
  return file.take();
}

Result<SafetensorsHeader> parse(ByteView file) { return parse_header(file, file.size()); }

Result<SafetensorsHeader> parse(std::string_view json, std::size_t data_bytes) {
  return parse(file_of(json, data_bytes));
}

/// Expects a refusal of that kind whose text holds `part`.
void expect_refused(std::string_view json, std::size_t data_bytes, Errc code,
                    std::string_view part) {
  const auto header = parse(json, data_bytes);
  ASSERT_FALSE(header) << json;
  EXPECT_EQ(header.error().code, code) << header.error().message();
  EXPECT_NE(header.error().context.find(part), std::string::npos) << header.error().message();
}

/// What parse_header promises of what it accepts.
void expect_consistent(const SafetensorsHeader& header, std::size_t file_bytes) {
  std::size_t covered = 0;
  for (const TensorEntry& tensor : header.tensors) {
    EXPECT_EQ(tensor.begin, covered);
    std::size_t bytes = element_bytes(tensor.dtype);
    for (const std::int64_t dimension : tensor.shape) {
      ASSERT_GE(dimension, 0);
      bytes *= static_cast<std::size_t>(dimension);
    }
    EXPECT_EQ(tensor.end - tensor.begin, bytes);
    covered = tensor.end;
  }
  EXPECT_EQ(header.data_offset + covered, file_bytes);
}

constexpr std::string_view kTwo = R"({"__metadata__":{"format":"pt","a":"b"},)"
                                  R"("w":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
                                  R"("b":{"shape":[],"data_offsets":[0,4],"dtype":"F32"}}   )";

TEST(Safetensors, ReadsAHeaderInAnyOrder) {
  const auto header = parse(kTwo, 16);
  ASSERT_TRUE(header) << header.error().message();
  ASSERT_EQ(header->tensors.size(), 2U);
  EXPECT_EQ(header->tensors[0].name, "b");
  EXPECT_EQ(header->tensors[0].dtype, DType::f32);
  EXPECT_TRUE(header->tensors[0].shape.empty());
  EXPECT_EQ(header->tensors[1].name, "w");
  EXPECT_EQ(header->tensors[1].dtype, DType::bf16);
  EXPECT_EQ(header->tensors[1].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(header->tensors[1].begin, 4U);
  EXPECT_EQ(header->tensors[1].end, 16U);
  EXPECT_EQ(header->metadata, (std::map<std::string, std::string>{{"format", "pt"}, {"a", "b"}}));
  EXPECT_EQ(header->data_offset, 8 + kTwo.size());
}

TEST(Safetensors, ReadsAHeaderWithoutTheData) {
  const Bytes file = file_of(kTwo, 16);
  EXPECT_TRUE(parse_header(ByteView(file).first(8 + kTwo.size()), file.size()));
  EXPECT_FALSE(parse_header(ByteView(file).first(7 + kTwo.size()), file.size()));
}

TEST(Safetensors, AcceptsFilesWithoutTensorsOrMetadata) {
  EXPECT_TRUE(parse("{}", 0));
  EXPECT_TRUE(parse(R"({"__metadata__":null})", 0));
  EXPECT_TRUE(parse(R"({"__metadata__":{}})", 0));
}

TEST(Safetensors, AcceptsTensorsWithoutElements) {
  const Bytes file = file_of(R"({"b":{"dtype":"F32","shape":[2,0],"data_offsets":[4,4]},)"
                             R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                             R"("c":{"dtype":"F64","shape":[0],"data_offsets":[0,0]}})",
                             4);
  const auto header = parse(file);
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->tensors.size(), 3U);
  expect_consistent(*header, file.size());
}

TEST(Safetensors, RejectsTruncationAtEveryByte) {
  test::for_each_truncation(file_of(kTwo, 16), [](const Bytes& bytes, std::size_t length) {
    const auto header = parse(bytes);
    ASSERT_FALSE(header) << length;
    EXPECT_FALSE(header.error().context.empty());
  });
}

TEST(Safetensors, GivesAnErrorOrAConsistentHeaderForEveryFlippedBit) {
  const Bytes file = file_of(kTwo, 16);
  int accepted = 0;
  test::for_each_bit_flip(file, [&](const Bytes& bytes, std::size_t) {
    const auto header = parse(bytes);
    if (header) {
      ++accepted;
      expect_consistent(*header, bytes.size());
    } else {
      EXPECT_FALSE(header.error().context.empty());
    }
  });
  EXPECT_GT(accepted, 0);  // in names, metadata and data
}

TEST(Safetensors, RefusesHolesOverlapsAndBytesLeftOver) {
  const auto two = [](const char* first, const char* second) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + std::string(first) +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
  };
  EXPECT_TRUE(parse(two("[0,4]", "[4,8]"), 8));
  expect_refused(two("[0,4]", "[5,9]"), 9, Errc::invalid_input,
                 "\"b\": data_offsets [5, 9]: leaves");
  expect_refused(two("[0,4]", "[3,7]"), 7, Errc::invalid_input,
                 "\"b\": data_offsets [3, 7]: overl");
  expect_refused(two("[0,4]", "[0,4]"), 4, Errc::invalid_input, "overlaps");
  expect_refused(two("[1,5]", "[5,9]"), 9, Errc::invalid_input, "leaves a hole");
  expect_refused(two("[0,4]", "[4,8]"), 9, Errc::invalid_input, "1 bytes after the last tensor");
  expect_refused(two("[0,4]", "[4,8]"), 7, Errc::invalid_input, "truncated");
  expect_refused(two("[0,4]", "[8,4]"), 8, Errc::invalid_input, "end before begin");
  expect_refused(two("[0,5]", "[5,8]"), 8, Errc::invalid_input, "asks for 4 bytes");
  expect_refused(two("[0,4]", "[4,18446744073709551615]"), 8, Errc::invalid_input, "truncated");
}

TEST(Safetensors, RefusesShapesThatOverflow) {
  const auto shaped = [](const std::string& shape, const char* dtype = "F32") {
    return R"({"a":{"dtype":")" + std::string(dtype) + R"(","shape":)" + shape +
           R"(,"data_offsets":[0,0]}})";
  };
  EXPECT_TRUE(parse(shaped("[0,2305843009213693951]"), 0));
  expect_refused(shaped("[0,2305843009213693952]"), 0, Errc::limit_exceeded, "63 bits");
  expect_refused(shaped("[4294967296,4294967296]"), 0, Errc::limit_exceeded, "63 bits");
  expect_refused(shaped("[9223372036854775808]"), 0, Errc::limit_exceeded, "63 bits");
  expect_refused(shaped("[18446744073709551616]"), 0, Errc::invalid_input, "64-bit integer");
  expect_refused(shaped("[-1]"), 0, Errc::invalid_input, "negative");
  expect_refused(shaped("[1.0]"), 0, Errc::invalid_input, "64-bit integer");
  expect_refused(shaped("[\"1\"]"), 0, Errc::invalid_input, "a string");
  expect_refused(shaped("[[1]]"), 0, Errc::invalid_input, "an array");
  EXPECT_TRUE(parse(shaped("[0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"), 0));
  expect_refused(shaped("[0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"), 0, Errc::limit_exceeded, "16 dim");
}

TEST(Safetensors, NamesTheTensorAndTheTypeItDoesNotRead) {
  for (const std::string dtype : {"U16", "U32", "U64", "F4", "F8_E8M0", "C64", "f32", ""}) {
    expect_refused(R"({"pos.ids":{"dtype":")" + dtype + R"(","shape":[0],"data_offsets":[0,0]}})",
                   0, Errc::unsupported, "\"pos.ids\": dtype \"" + dtype + '"');
  }
}

TEST(Safetensors, RefusesWhatComesTwice) {
  constexpr std::string_view kTensor = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  const std::string entry = "\"a\":" + std::string(kTensor);
  expect_refused("{" + entry + "," + entry + "}", 0, Errc::invalid_input, "\"a\": comes twice");
  expect_refused(R"({"__metadata__":{},"__metadata__":{}})", 0, Errc::invalid_input, "twice");
  expect_refused(R"({"__metadata__":null,"__metadata__":{}})", 0, Errc::invalid_input, "twice");
  expect_refused(R"({"__metadata__":{"k":"v","k":"v"}})", 0, Errc::invalid_input,
                 "\"k\" comes twice");
  for (const std::string field : {R"("dtype":"U8")", R"("shape":[0])", R"("data_offsets":[0,0])"}) {
    expect_refused(R"({"a":{)" + field + "," + field + "}}", 0, Errc::invalid_input, "comes twice");
  }
}

TEST(Safetensors, RefusesTensorsWithMissingOrStrangeFields) {
  const auto refuse = [](const char* fields, std::string_view part,
                         Errc code = Errc::invalid_input) {
    expect_refused(R"({"a":{)" + std::string(fields) + "}}", 0, code, part);
  };
  refuse("", "needs dtype, shape and data_offsets");
  refuse(R"("dtype":"U8","shape":[0])", "needs");
  refuse(R"("dtype":"U8","data_offsets":[0,0])", "needs");
  refuse(R"("shape":[0],"data_offsets":[0,0])", "needs");
  refuse(R"("dtype":"U8","shape":[0],"data_offsets":[0])", "less than two");
  refuse(R"("dtype":"U8","shape":[0],"data_offsets":[0,0,0])", "more than two");
  refuse(R"("dtype":"U8","shape":[0],"data_offsets":[-1,0])", "negative");
  refuse(R"("dtype":"U8","shape":0)", "a number");
  refuse(R"("dtype":7)", "a number");
  refuse(R"("dtype":null)", "null");
  refuse(R"("dtype":["U8"])", "an array");
  refuse(R"("shape":{})", "an object");
  refuse(R"("stride":[1])", "\"stride\"", Errc::unsupported);
}

TEST(Safetensors, RefusesWhatIsNoHeader) {
  const auto refuse = [](std::string_view json, std::string_view part) {
    expect_refused(json, 0, Errc::invalid_input, part);
  };
  refuse("", "expected '{'");
  refuse("[]", "expected '{'");
  refuse(" {}", "expected '{'");
  refuse("\xef\xbb\xbf{}", "expected '{'");
  refuse("{", "not JSON at byte");
  refuse("{}x", "not JSON at byte");
  refuse(std::string_view("{}\0x", 4), "not JSON");
  refuse(R"({"a":1})", "a number");
  refuse(R"({"a":true})", "a boolean");
  refuse(R"({"a":null})", "null");
  refuse(R"({"a":"b"})", "a string");
  refuse(R"({"__metadata__":[]})", "an array");
  refuse(R"({"__metadata__":{"a":1}})", "a number");
  refuse(R"({"__metadata__":{"a":{}}})", "an object");
  refuse("{\"a\xff\":{}}", "not JSON at byte");
  refuse(R"({"\ud800":{}})", "not JSON at byte");
  refuse(R"({"__metadata__":{"a":1e999}})", "not JSON at byte");
}

TEST(Safetensors, BoundsTheHeaderBeforeItLooksAtIt) {
  ByteWriter file;
  file.write(std::uint64_t{kMaxHeaderBytes + 1});
  const auto huge = parse_header(file.bytes(), std::uint64_t{1} << 40U);
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().code, Errc::limit_exceeded);
  ByteWriter past_the_end;
  past_the_end.write(std::uint64_t{1000});
  EXPECT_EQ(parse(past_the_end.bytes()).error().code, Errc::invalid_input);
  ByteWriter largest;
  largest.write(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parse(largest.bytes()).error().code, Errc::limit_exceeded);
}

TEST(Safetensors, BoundsNamesAndMetadata) {
  const auto named = [](std::size_t bytes) {
    return "{\"" + std::string(bytes, 'n') +
           R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})";
  };
  EXPECT_TRUE(parse(named(kMaxNameBytes), 0));
  expect_refused(named(kMaxNameBytes + 1), 0, Errc::limit_exceeded, "1024 bytes");
  EXPECT_LT(parse(named(1'000'000), 0).error().context.size(), 400U);
  std::string metadata = R"({"__metadata__":{)";
  for (std::size_t i = 0; i < kMaxMetadataEntries; ++i) {
    metadata += '"' + std::to_string(i) + "\":\"\",";
  }
  metadata.pop_back();
  EXPECT_TRUE(parse(metadata + "}}", 0));
  expect_refused(metadata + ",\"more\":\"\"}}", 0, Errc::limit_exceeded, "65536 entries");
}

TEST(Safetensors, ReadsNestingOfAnyDepthWithoutRecursion) {
  expect_refused("{\"a\":" + std::string(1'000'000, '['), 0, Errc::invalid_input, "an array");
  expect_refused("{\"a\":{\"shape\":" + std::string(1'000'000, '['), 0, Errc::invalid_input,
                 "an array");
}

// --- writing ---

struct RandomTensors {
  std::vector<Bytes> storage;
  std::vector<TensorToWrite> tensors;
};

RandomTensors random_tensors(Rng& rng) {
  constexpr DType kAll[] = {DType::f64,     DType::f32,     DType::f16, DType::bf16,
                            DType::f8_e4m3, DType::f8_e5m2, DType::i64, DType::i32,
                            DType::i16,     DType::i8,      DType::u8,  DType::boolean};
  RandomTensors made;
  const std::size_t count = rng.below(12);
  for (std::size_t i = 0; i < count; ++i) {
    TensorToWrite tensor{
        .name = std::to_string(rng.below(100)) + "/\"\n\xc3\xa4" + std::to_string(i),
        .dtype = kAll[rng.below(std::size(kAll))]};
    std::size_t bytes = element_bytes(tensor.dtype);
    for (std::size_t rank = rng.below(4); rank > 0; --rank) {
      tensor.shape.push_back(static_cast<std::int64_t>(rng.below(5)));
      bytes *= static_cast<std::size_t>(tensor.shape.back());
    }
    Bytes& values = made.storage.emplace_back(bytes);
    std::ranges::generate(values, [&] { return static_cast<std::uint8_t>(rng.below(256)); });
    made.tensors.push_back(std::move(tensor));
  }
  for (std::size_t i = 0; i < count; ++i) {
    made.tensors[i].bytes = made.storage[i];
  }
  return made;
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const ScratchFolder folder;
  const auto path = folder / "x.safetensors";
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng(seed);
    const RandomTensors made = random_tensors(rng);
    const std::map<std::string, std::string> metadata = {{"seed", std::to_string(seed)}};
    const auto written = write_safetensors(path, made.tensors, metadata);
    ASSERT_TRUE(written) << written.error().message();
    const Bytes file = *read_file(path, 1U << 20U);
    const auto header = parse(file);
    ASSERT_TRUE(header) << header.error().message();
    expect_consistent(*header, file.size());
    EXPECT_EQ(header->metadata, metadata);
    EXPECT_EQ(header->data_offset % 8, 0U);
    ASSERT_EQ(header->tensors.size(), made.tensors.size());
    for (const TensorToWrite& tensor : made.tensors) {
      const auto entry = std::ranges::find(header->tensors, tensor.name, &TensorEntry::name);
      ASSERT_NE(entry, header->tensors.end());
      EXPECT_EQ(entry->dtype, tensor.dtype);
      EXPECT_EQ(entry->shape, tensor.shape);
      EXPECT_EQ(entry->begin % element_bytes(entry->dtype), 0U) << "wide types come first";
      EXPECT_TRUE(std::ranges::equal(
          ByteView(file).subspan(header->data_offset + entry->begin, entry->end - entry->begin),
          tensor.bytes));
    }
  }
}

TEST(Safetensors, RefusesToWriteWhatItWouldNotRead) {
  const ScratchFolder folder;
  const auto path = folder / "x.safetensors";
  const Bytes four(4);
  const auto code_of = [&](std::vector<TensorToWrite> tensors,
                           std::map<std::string, std::string> metadata = {}) {
    const auto written = write_safetensors(path, tensors, metadata);
    EXPECT_FALSE(written);
    EXPECT_TRUE(written.error().context.starts_with(path.string())) << written.error().message();
    return written ? Errc::internal : written.error().code;
  };
  EXPECT_EQ(code_of({{"a", DType::u8, {5}, four}}), Errc::invalid_input);
  EXPECT_EQ(code_of({{"a", DType::u8, {-4}, four}}), Errc::invalid_input);
  EXPECT_EQ(code_of({{"a", DType::u8, {4}, four}, {"a", DType::f32, {}, four}}),
            Errc::invalid_input);
  EXPECT_EQ(code_of({{"__metadata__", DType::u8, {4}, four}}), Errc::invalid_input);
  EXPECT_EQ(code_of({{"a\xff", DType::u8, {4}, four}}), Errc::invalid_input);
  EXPECT_EQ(code_of({}, {{"key", "\xff"}}), Errc::invalid_input);
  EXPECT_EQ(code_of({{std::string(1025, 'n'), DType::u8, {4}, four}}), Errc::limit_exceeded);
  EXPECT_EQ(code_of({{"a", DType::u8, std::vector<std::int64_t>(17, 1), four}}),
            Errc::limit_exceeded);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "nothing is left behind";
}

}  // namespace
}  // namespace lode::weights
