#include "engine/page_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace jevons {
namespace {

PageHeader header_for(std::size_t page_bytes) {
  PageHeader header;
  header.page_bytes = page_bytes;
  header.fingerprint = sha256({});
  header.parent = shared_root_hash("model");
  for (std::size_t i = 0; i < header.tokens.size(); ++i) {
    header.tokens[i] = static_cast<std::int32_t>(i * 1000);
  }
  header.hash = next_page_hash(header.parent, header.tokens);
  return header;
}

std::vector<std::byte> file_of(const PageHeader& header, std::span<const std::byte> payload) {
  const PageHeaderBytes bytes = encode_page_header(header, payload);
  std::vector<std::byte> file(bytes.begin(), bytes.end());
  file.insert(file.end(), payload.begin(), payload.end());
  return file;
}

std::vector<std::byte> small_file() {
  std::vector<std::byte> payload(100);
  std::mt19937 random(1);
  for (std::byte& byte : payload) byte = static_cast<std::byte>(random());
  return file_of(header_for(payload.size()), payload);
}

TEST(PageFile, GivesBackWhatWasWritten) {
  const std::vector<std::byte> file = small_file();
  const auto page = parse_page_file(file);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->header, header_for(100));
  EXPECT_TRUE(std::equal(page->payload.begin(), page->payload.end(),
                         file.begin() + kPageHeaderBytes, file.end()));
}

// The layout that docs/FORMATS.md describes, byte by byte.
TEST(PageFile, LiesAsDocumented) {
  const std::vector<std::byte> file = small_file();
  const PageHeader header = header_for(100);
  const auto at = [&file](std::size_t offset, auto value) {
    std::memcpy(&value, file.data() + offset, sizeof value);
    return value;
  };
  EXPECT_EQ(std::memcmp(file.data(), "JEVONSKV", 8), 0);
  EXPECT_EQ(at(8, std::uint32_t{}), 1u);
  EXPECT_EQ(at(12, std::uint32_t{}), 64u);
  EXPECT_EQ(at(16, std::uint64_t{}), 100u);
  EXPECT_EQ(at(24, Sha256{}), header.fingerprint);
  EXPECT_EQ(at(56, PageHash{}), header.hash);
  EXPECT_EQ(at(76, PageHash{}), header.parent);
  EXPECT_EQ(at(96 + 4 * 5, std::int32_t{}), 5000);
  EXPECT_EQ(at(352, Sha256{}), sha256({std::span(file).first(352), std::span(file).subspan(384)}));
  EXPECT_EQ(file.size(), 384u + 100u);
}

TEST(PageFile, EveryFlippedBitIsSeen) {
  const std::vector<std::byte> file = small_file();
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::vector<std::byte> changed = file;
    changed[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    EXPECT_FALSE(parse_page_file(changed)) << "bit " << bit;
  }
}

TEST(PageFile, EveryOtherLengthIsSeen) {
  std::vector<std::byte> file = small_file();
  for (std::size_t length = 0; length < file.size(); ++length) {
    EXPECT_FALSE(parse_page_file(std::span(file).first(length))) << length;
  }
  file.push_back(std::byte{0});
  EXPECT_FALSE(parse_page_file(file));
}

TEST(PageFile, ErrorsNameTheField) {
  const auto message = [](std::size_t offset) {
    std::vector<std::byte> file = small_file();
    file[offset] ^= std::byte{2};
    return parse_page_file(file).error().message;
  };
  EXPECT_EQ(message(0), "it does not begin with JEVONSKV");
  EXPECT_EQ(message(8), "its format has version 3, expected 1");
  EXPECT_EQ(message(12), "it holds 66 tokens, expected 64");
  EXPECT_EQ(message(16), "100 bytes follow its header, which promises 102");
  EXPECT_EQ(message(200), "its checksum is wrong");
  EXPECT_EQ(message(400), "its checksum is wrong");
}

TEST(PageFile, NamesSayHashAndParent) {
  const PageHeader header = header_for(0);
  const std::string name = page_file_name(header.hash, header.parent);
  EXPECT_EQ(name.substr(0, 3), hex(header.hash).substr(0, 2) + "/");
  const auto names = parse_page_file_name(std::string_view(name).substr(3));
  ASSERT_TRUE(names);
  EXPECT_EQ(names->first, header.hash);
  EXPECT_EQ(names->second, header.parent);
  for (std::size_t i = 3; i < name.size(); ++i) {
    std::string changed = name.substr(3);
    changed[i - 3] = '_';
    EXPECT_FALSE(parse_page_file_name(changed)) << changed;
    EXPECT_FALSE(parse_page_file_name(std::string_view(name).substr(3, i - 3)));
  }
}

TEST(PageHash, StandsForEverythingBefore) {
  const PageHash root = shared_root_hash("model");
  const std::vector<std::int32_t> a(64, 1);
  std::vector<std::int32_t> b = a;
  b[63] = 2;
  EXPECT_NE(root, shared_root_hash("other model"));
  EXPECT_NE(next_page_hash(root, a), next_page_hash(root, b));
  EXPECT_NE(next_page_hash(root, a), next_page_hash(next_page_hash(root, a), a));
  EXPECT_NE(next_page_hash(enter_scope_hash(root, "x"), a), next_page_hash(root, a));
  EXPECT_NE(enter_scope_hash(root, "x"), enter_scope_hash(root, "y"));
  EXPECT_NE(enter_scope_hash(root, ""), root);
}

TEST(PageHash, IsSha256) {
  EXPECT_EQ(hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const std::string text = "abc";
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_EQ(hex(sha256({bytes.first(1), bytes.subspan(1)})),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace jevons
