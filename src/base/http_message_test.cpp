#include "base/http_message.h"

#include <gtest/gtest.h>

namespace lode {
namespace {

HttpRequest form(std::string type, std::string body) {
  return {"POST", "/generate/", {{"Content-Type", std::move(type)}}, std::move(body), "", 0};
}

TEST(HttpHeaders, FindsWithoutCase) {
  const HttpHeaders headers{{"BT_Header_Axon_IP", "1.2.3.4"}};
  ASSERT_NE(headers.find("bt_header_axon_ip"), nullptr);
  EXPECT_EQ(headers.find("bt_header_axon"), nullptr);
}

TEST(Form, RoundTripsAwkwardText) {
  const FormFields fields{{"prompt", "a 100% red mug & \"saucer\" = \xC3\xA9\n+"}, {"seed", "5"}};
  const auto decoded = form_decode(form("application/x-www-form-urlencoded", form_encode(fields)));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, fields);
}

TEST(Form, ReadsPlusAsSpaceAndAFieldWithoutValue) {
  const auto decoded =
      form_decode(form("application/x-www-form-urlencoded; charset=utf-8", "prompt=a+mug&x"));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*find_field(*decoded, "prompt"), "a mug");
  EXPECT_EQ(*find_field(*decoded, "x"), "");
}

TEST(Form, RefusesBrokenPercentEscapes) {
  for (const char* bad : {"a=%", "a=%4", "a=%zz"}) {
    EXPECT_FALSE(form_decode(form("application/x-www-form-urlencoded", bad))) << bad;
  }
}

TEST(Form, ReadsMultipartWithBinaryContent) {
  const std::string image("\x89PNG\r\n\0--x", 11);
  const std::string body =
      "--x\r\nContent-Disposition: form-data; name=\"seed\"\r\n\r\n7\r\n--x\r\n" +
      std::string(
          "Content-Disposition: form-data; name=\"prompt_image_file\"; "
          "filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n") +
      image + "\r\n--x--\r\n";
  const auto decoded = form_decode(form("multipart/form-data; boundary=x", body));
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(*find_field(*decoded, "seed"), "7");
  EXPECT_EQ(*find_field(*decoded, "prompt_image_file"), image);
}

TEST(Form, RefusesMultipartCutAtAnyByte) {
  const std::string body = "--x\r\nContent-Disposition: form-data; name=\"seed\"\r\n\r\n7\r\n--x--";
  ASSERT_TRUE(form_decode(form("multipart/form-data; boundary=x", body)));
  for (std::size_t length = 0; length < body.size(); ++length) {
    EXPECT_FALSE(form_decode(form("multipart/form-data; boundary=x", body.substr(0, length))))
        << length;
  }
}

TEST(Form, RefusesTooManyFieldsAndOtherTypes) {
  std::string many;
  for (int i = 0; i < 65; ++i) {
    many += "a=1&";
  }
  EXPECT_EQ(form_decode(form("application/x-www-form-urlencoded", many)).error().code,
            Errc::limit_exceeded);
  EXPECT_FALSE(form_decode(form("application/json", "{}")));
  EXPECT_FALSE(form_decode(HttpRequest{}));
}

}  // namespace
}  // namespace lode
