#include "app/term/paste.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace jevons {
namespace {

const std::string kBegin = "\x1b[200~";
const std::string kEnd = "\x1b[201~";

// What a line editor would get: all characters, with the time-outs of a patient person.
std::string type(KeyStream& keys) {
  std::string line;
  for (;;) {
    std::string character = keys.next(false);
    if (character.empty() && keys.has_partial()) character = keys.next(true);
    if (character.empty()) return line;
    line += character;
  }
}

std::string type_all(const std::string& bytes) {
  KeyStream keys;
  keys.push(bytes);
  return keys.expand(type(keys));
}

TEST(KeyStream, TypedTextComesCharacterByCharacter) {
  KeyStream keys;
  keys.push("aé日🙂");
  for (const char* expected : {"a", "é", "日", "🙂"}) EXPECT_EQ(keys.next(false), expected);
  EXPECT_EQ(keys.next(false), "");
}

TEST(KeyStream, WaitsForTheRestOfACharacter) {
  KeyStream keys;
  keys.push("\xE6\x97");
  EXPECT_EQ(keys.next(false), "");
  EXPECT_TRUE(keys.has_partial());
  keys.push("\xA5");
  EXPECT_EQ(keys.next(false), "日");
  keys.push("\xFF");
  EXPECT_EQ(keys.next(false), "\xFF");  // can never become one
}

TEST(KeyStream, EscapeSequencesPass) {
  EXPECT_EQ(type_all("\x1b[A\x1b[3~\x1b[1;5C"), "\x1b[A\x1b[3~\x1b[1;5C");
  KeyStream keys;
  keys.push("\x1b");
  EXPECT_EQ(keys.next(false), "");
  EXPECT_TRUE(keys.has_partial());
  EXPECT_EQ(keys.next(true), "\x1b");
}

TEST(KeyStream, AShortPasteIsTypedAndALongOneKeptAside) {
  EXPECT_EQ(type_all("x" + kBegin + "pasted" + kEnd + "y"), "xpastedy");
  KeyStream keys;
  keys.push("say " + kBegin + "one\rtwo\r\nthree" + kEnd + "!");
  const std::string line = type(keys);
  EXPECT_EQ(line, "say [paste 1: 3 lines]!");
  EXPECT_EQ(keys.expand(line), "say one\ntwo\nthree!");
  EXPECT_EQ(keys.expand("say [paste 1: 3 lin"), "say [paste 1: 3 lin");
  const std::string long_text(5000, 'q');
  keys.push(kBegin + long_text + kEnd);
  const std::string second = type(keys);
  EXPECT_EQ(second, "[paste 2: 5000 bytes]");
  EXPECT_EQ(keys.expand(second + second), long_text + second);
  keys.forget_pastes();
  EXPECT_EQ(keys.expand(second), second);
}

TEST(KeyStream, EscapesInsideAPasteAreNotTyped) {
  KeyStream keys;
  keys.push(kBegin + "a\x1b[Ab" + kEnd);
  const std::string line = type(keys);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(keys.expand(line), "a\x1b[Ab");
}

TEST(KeyStream, EveryCutGivesTheSame) {
  const std::string bytes =
      "é" + kBegin + "l1\rl2 日\r" + kEnd + "\x1b[D" + kBegin + "short" + kEnd + "🙂\n";
  const std::string whole = type_all(bytes);
  EXPECT_EQ(whole, "él1\nl2 日\n\x1b[Dshort🙂\n");
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    for (std::size_t second = cut; second <= bytes.size(); second += 3) {
      KeyStream keys;
      std::string line;
      const auto drain = [&] {
        for (std::string c = keys.next(false); !c.empty(); c = keys.next(false)) line += c;
      };
      keys.push(bytes.substr(0, cut));
      drain();
      keys.push(bytes.substr(cut, second - cut));
      drain();
      keys.push(bytes.substr(second));
      drain();
      ASSERT_EQ(keys.expand(line), whole) << cut << " " << second;
    }
  }
}

}  // namespace
}  // namespace jevons
