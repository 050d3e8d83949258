#include <algorithm>
#include <array>

#include "splat/spz_body_internal.h"
#include "splat/spz_internal.h"

namespace lode::splat {
namespace {

constexpr std::uint32_t kVersion = 4;
constexpr int kReferenceLevel = 12;  // of Niantic's packer

/// The 32 bytes at the front of the file.
struct FileHeader {
  std::uint32_t magic = kSpzMagic;
  std::uint32_t version = kVersion;
  std::uint32_t n_gaussians = 0;
  std::uint8_t sh_degree = 0;
  std::uint8_t fractional_bits = 12;
  std::uint8_t flags = 0;
  std::uint8_t n_streams = 0;
  std::uint32_t table_offset = sizeof(FileHeader);
  std::array<std::uint8_t, 12> reserved{};
};
static_assert(sizeof(FileHeader) == 32);

/// One row of the table of streams.
struct StreamSizes {
  std::uint64_t compressed = 0;
  std::uint64_t content = 0;
};
static_assert(sizeof(StreamSizes) == 16);

Error bad(const std::string& what) { return fail(Errc::invalid_input, "SPZ: " + what); }

SpzHeader body_header(const FileHeader& header) {
  SpzHeader body;
  body.version = header.version;
  body.n_gaussians = header.n_gaussians;
  body.sh_degree = header.sh_degree;
  body.fractional_bits = header.fractional_bits;
  return body;
}

std::vector<SpzBlock> stored_blocks(const SpzLayout& layout) {
  std::vector<SpzBlock> blocks;
  for (std::size_t block = 0; block < kSpzBlockCount; ++block) {
    if (layout.size(static_cast<SpzBlock>(block)) != 0) {  // degree 0 has no stream for SH
      blocks.push_back(static_cast<SpzBlock>(block));
    }
  }
  return blocks;
}

Result<FileHeader> read_file_header(ByteView file) {
  LODE_TRY(const FileHeader header, ByteReader(file).read<FileHeader>("SPZ header"));
  LODE_CHECK(validate(body_header(header), kVersion));
  if (header.version != kVersion) {
    return fail(Errc::unsupported, "SPZ: version " + std::to_string(header.version) +
                                       " without a gzip member, 4 was expected");
  }
  if (header.table_offset < sizeof(FileHeader) || header.table_offset > file.size()) {
    return bad("the table of streams begins at " + std::to_string(header.table_offset) +
               ", outside the file");
  }
  if ((header.flags & kSpzHasExtensions) != 0) {
    LODE_CHECK(
        check_spz_extensions(file.subspan(sizeof(header), header.table_offset - sizeof(header))));
  }
  return header;
}

/// The table, after checking that its streams are those the header asks for and fill the file.
Result<std::vector<StreamSizes>> read_table(ByteReader& reader, const FileHeader& header,
                                            const SpzLayout& layout) {
  const std::vector<SpzBlock> blocks = stored_blocks(layout);
  if (header.n_streams != blocks.size()) {
    return bad(std::to_string(blocks.size()) + " streams expected, there are " +
               std::to_string(header.n_streams));
  }
  std::vector<StreamSizes> table;
  for (const SpzBlock block : blocks) {
    LODE_TRY(const auto sizes, reader.read<StreamSizes>("SPZ table of streams"));
    if (sizes.content != layout.size(block)) {
      return bad("stream " + std::to_string(table.size()) + " holds " +
                 std::to_string(sizes.content) + " bytes, " + std::to_string(layout.size(block)) +
                 " were expected");
    }
    table.push_back(sizes);
  }
  return table;
}

/// Unpacks the streams into one body. Its size is allocated at once only when that is plausible for
/// the length of the file, else as the streams really yield it.
Result<Bytes> decompress_streams(ByteReader& reader, const std::vector<StreamSizes>& table,
                                 const SpzLayout& layout) {
  const bool is_plausible = layout.bytes() / kPlausibleRatio <= reader.remaining();
  Bytes body(is_plausible ? layout.bytes() : sizeof(SpzHeader));
  std::size_t done = sizeof(SpzHeader);
  for (const StreamSizes& sizes : table) {
    LODE_TRY(const ByteView frame, reader.take(sizes.compressed, "SPZ stream"));
    if (is_plausible) {
      LODE_CHECK(decompress_zstd(frame, std::span(body).subspan(done, sizes.content)));
    } else {
      LODE_TRY(const Bytes content, decompress_spz(frame, sizes.content));
      if (content.size() != sizes.content) {
        return bad("a zstd stream holds less than was expected");
      }
      body.insert(body.end(), content.begin(), content.end());
    }
    done += sizes.content;
  }
  if (reader.remaining() != 0) {
    return bad(std::to_string(reader.remaining()) + " bytes follow the last stream");
  }
  return body;
}

}  // namespace

bool is_spz_v4(ByteView file) { return as_text(file).starts_with("NGSP"); }

Result<GaussianCloud> decode_spz_v4(ByteView file) {
  LODE_TRY(const FileHeader header, read_file_header(file));
  const SpzLayout layout(body_header(header));
  ByteReader reader(file.subspan(header.table_offset));
  LODE_TRY(const auto table, read_table(reader, header, layout));
  LODE_TRY(const Bytes body, decompress_streams(reader, table, layout));
  return unpack_body(body_header(header), body);
}

Result<Bytes> encode_spz_v4(const GaussianCloud& cloud, int level) {
  FileHeader header;
  header.n_gaussians = static_cast<std::uint32_t>(cloud.size());
  header.sh_degree = static_cast<std::uint8_t>(cloud.sh_degree);
  const SpzLayout layout(body_header(header));
  const std::vector<SpzBlock> blocks = stored_blocks(layout);
  header.n_streams = static_cast<std::uint8_t>(blocks.size());
  Bytes body(layout.bytes());
  LODE_CHECK(pack_body(cloud, body_header(header), body, [](std::size_t) {}));

  ByteWriter writer, streams;
  writer.write(header);
  for (const SpzBlock block : blocks) {
    const ByteView content = ByteView(body).subspan(layout.begin(block), layout.size(block));
    // Without workers, as the reference packer.
    ZstdFrame frame(content.size(), level == 0 ? kReferenceLevel : level, 0);
    LODE_TRY(const Bytes stream, frame.finish(content));
    writer.write(StreamSizes{stream.size(), content.size()});
    streams.write_bytes(stream);
  }
  writer.write_bytes(streams.bytes());
  return writer.take();
}

}  // namespace lode::splat
