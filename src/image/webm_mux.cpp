// The WebM container through libmatroska: one video track, a cluster for every key frame.
#include <ebml/EbmlHead.h>
#include <ebml/EbmlSubHead.h>
#include <ebml/EbmlVersion.h>
#include <ebml/MemIOCallback.h>
#include <matroska/KaxCluster.h>
#include <matroska/KaxCues.h>
#include <matroska/KaxCuesData.h>
#include <matroska/KaxInfo.h>
#include <matroska/KaxSegment.h>
#include <matroska/KaxSemantic.h>
#include <matroska/KaxTracks.h>

#include <algorithm>

#include "base/assert.h"
#include "image/animation_internal.h"

namespace lode::image {
namespace {

// Nanoseconds per unit of time in the file: the millisecond that WebM asks for.
constexpr std::uint64_t kTimeScale = 1'000'000;
constexpr std::uint64_t kTrackNumber = 1;
// Room for the segment's length, which is known last.
constexpr unsigned kSegmentSizeBytes = 8;
// ITU-T H.273: BT.709 for all three; Matroska: 1 is the limited range, 2 not interlaced.
constexpr std::uint64_t kBt709 = 1, kLimitedRange = 1, kProgressive = 2;
constexpr std::uint64_t kVideoTrack = 1;

// One child of the type in the master, and its value.
template <class Child, class Value>
void set(libebml::EbmlMaster& master, const Value& value) {
  libebml::GetChild<Child>(master).SetValue(value);
}

void write_header(libebml::IOCallback& out) {
  libebml::EbmlHead head;
  set<libebml::EDocType>(head, "webm");
  set<libebml::EDocTypeVersion>(head, 4U);
  set<libebml::EDocTypeReadVersion>(head, 2U);
  head.Render(out, true);
}

void write_info(const VideoTrack& track, libebml::EbmlMaster& segment, libebml::IOCallback& out) {
  auto& info = libebml::GetChild<libmatroska::KaxInfo>(segment);
  set<libmatroska::KaxTimecodeScale>(info, kTimeScale);
  set<libmatroska::KaxDuration>(info, track.duration_ms);
  set<libmatroska::KaxMuxingApp>(info, L"libmatroska");
  set<libmatroska::KaxWritingApp>(info, L"lode");
  info.Render(out, true);
}

libmatroska::KaxTrackEntry& write_track(const VideoTrack& track, libebml::EbmlMaster& segment,
                                        libebml::IOCallback& out) {
  auto& tracks = libebml::GetChild<libmatroska::KaxTracks>(segment);
  auto& entry = libebml::GetChild<libmatroska::KaxTrackEntry>(tracks);
  entry.SetGlobalTimecodeScale(kTimeScale);
  set<libmatroska::KaxTrackNumber>(entry, kTrackNumber);
  set<libmatroska::KaxTrackUID>(entry, kTrackNumber);
  set<libmatroska::KaxTrackType>(entry, kVideoTrack);
  set<libmatroska::KaxTrackFlagLacing>(entry, 0U);
  set<libmatroska::KaxTrackDefaultDuration>(
      entry, static_cast<std::uint64_t>(1'000'000'000 / track.frames_per_second));
  set<libmatroska::KaxCodecID>(entry, "V_VP9");
  auto& video = libebml::GetChild<libmatroska::KaxTrackVideo>(entry);
  set<libmatroska::KaxVideoPixelWidth>(video, static_cast<std::uint64_t>(track.width));
  set<libmatroska::KaxVideoPixelHeight>(video, static_cast<std::uint64_t>(track.height));
  set<libmatroska::KaxVideoFlagInterlaced>(video, kProgressive);
  auto& colour = libebml::GetChild<libmatroska::KaxVideoColour>(video);
  set<libmatroska::KaxVideoColourMatrix>(colour, kBt709);
  set<libmatroska::KaxVideoColourTransferCharacter>(colour, kBt709);
  set<libmatroska::KaxVideoColourPrimaries>(colour, kBt709);
  set<libmatroska::KaxVideoColourRange>(colour, kLimitedRange);
  tracks.Render(out);
  return entry;
}

// One cluster: a key frame and what follows it. Appends where it stands to the cues.
void write_cluster(std::vector<VideoPacket>::iterator begin, std::vector<VideoPacket>::iterator end,
                   libmatroska::KaxTrackEntry& entry, libmatroska::KaxSegment& segment,
                   libmatroska::KaxCues& cues, libebml::IOCallback& out) {
  libmatroska::KaxCluster cluster;
  cluster.SetParent(segment);
  cluster.InitTimecode(begin->time_ms, kTimeScale);
  set<libmatroska::KaxClusterTimecode>(cluster, static_cast<std::uint64_t>(begin->time_ms));
  for (auto packet = begin; packet != end; ++packet) {
    auto& block = libebml::AddNewChild<libmatroska::KaxSimpleBlock>(cluster);
    block.SetParent(cluster);
    // The block deletes the buffer object, which does not own the bytes.
    auto* buffer = new libmatroska::DataBuffer(packet->data.data(),
                                               static_cast<std::uint32_t>(packet->data.size()));
    block.AddFrame(entry, packet->time_ms * kTimeScale, *buffer, libmatroska::LACING_NONE);
    block.SetKeyframe(packet->is_key);
    block.SetDiscardable(false);
  }
  libmatroska::KaxCues none;
  none.SetGlobalTimecodeScale(kTimeScale);
  cluster.Render(out, none);

  auto& point = libebml::AddNewChild<libmatroska::KaxCuePoint>(cues);
  set<libmatroska::KaxCueTime>(point, static_cast<std::uint64_t>(begin->time_ms));
  auto& position = libebml::GetChild<libmatroska::KaxCueTrackPositions>(point);
  set<libmatroska::KaxCueTrack>(position, kTrackNumber);
  set<libmatroska::KaxCueClusterPosition>(position, segment.GetRelativePosition(cluster));
}

}  // namespace

Bytes mux_webm(const VideoTrack& track, std::vector<VideoPacket> packets) {
  LODE_ASSERT(!packets.empty() && packets.front().is_key, "a video begins with a key frame");
  libebml::MemIOCallback out;
  write_header(out);
  libmatroska::KaxSegment segment;
  segment.WriteHead(out, kSegmentSizeBytes);
  write_info(track, segment, out);
  libmatroska::KaxTrackEntry& entry = write_track(track, segment, out);
  libmatroska::KaxCues cues;
  cues.SetGlobalTimecodeScale(kTimeScale);
  for (auto begin = packets.begin(); begin != packets.end();) {
    const auto end =
        std::find_if(begin + 1, packets.end(), [](const VideoPacket& p) { return p.is_key; });
    write_cluster(begin, end, entry, segment, cues, out);
    begin = end;
  }
  cues.Render(out);
  segment.ForceSize(out.getFilePointer() - segment.GetElementPosition() - segment.HeadSize());
  segment.OverwriteHead(out);
  const std::uint8_t* data = out.GetDataBuffer();
  return Bytes(data, data + out.GetDataBufferSize());
}

}  // namespace lode::image
