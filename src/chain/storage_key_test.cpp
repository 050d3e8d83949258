#include "chain/storage_key.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace lode::chain {
namespace {

TEST(StorageKey, HashesNamesAsTheRuntimeDoes) {
  EXPECT_EQ(hex_encode(twox128("SubtensorModule")), "658faa385070e074c85bf6b568cf0555");
  EXPECT_EQ(hex_encode(twox128("Axons")), "b4e0c7b1d5f74994fcd58c28ab601fec");
  EXPECT_EQ(hex_encode(twox128("SubnetworkN")), "a1048e9d244171852dfe8db314dc68ca");
}

TEST(StorageKey, LeadsToTheUidOfAHotkey) {
  const auto alice = ss58_decode("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
  EXPECT_EQ(hex_encode(uid_key(17, *alice)),
            "658faa385070e074c85bf6b568cf0555aab1b4e78e1ea8305462ee53b3686dc81100"
            "de1e86a9a8c739864cf3cc5ec2bea59fd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684"
            "e7a56da27d");
  EXPECT_EQ(*decode_uid(Bytes{0xd3, 0}), 211);
  EXPECT_FALSE(decode_uid(Bytes{0xd3}));
}

TEST(StorageKey, LeadsToAValidatorsWeights) {
  const Bytes key = weights_key(17, 258);
  EXPECT_EQ(hex_encode(ByteView(key).last(4)), "11000201");
  EXPECT_EQ(hex_encode(ByteView(key).subspan(16, 16)), hex_encode(twox128("Weights")));
}

TEST(StorageKey, ReadsBackWeights) {
  const Weights weights{{3, 65535}, {200, 1}};
  EXPECT_EQ(hex_encode(encode_weights(weights)), "080300ffffc8000100");
  EXPECT_EQ(*decode_weights(encode_weights(weights)), weights);
  EXPECT_FALSE(decode_weights(Bytes{8, 3, 0, 255, 255}));
}

}  // namespace
}  // namespace lode::chain
