#include "engine/kv_page_pool.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace jevons {
namespace {

TEST(KvPagePool, HandsOutNoMoreThanItHas) {
  KvPagePool pool(256, 3);
  std::vector<KvPage> held = {pool.acquire(), pool.acquire(), pool.acquire()};
  const std::set<std::byte*> places = {held[0]->data(), held[1]->data(), held[2]->data()};
  EXPECT_EQ(places.size(), 3U);
  EXPECT_EQ(held[0]->size_bytes(), 256U);
  EXPECT_EQ(pool.acquire(), nullptr);
  EXPECT_EQ(pool.n_free(), 0);
  std::byte* const place = held[1]->data();
  held[1].reset();
  EXPECT_EQ(pool.n_free(), 1);
  const KvPage again = pool.acquire();
  EXPECT_EQ(again->data(), place);  // memory is used again, not taken anew
}

TEST(KvPagePool, APageComesBackFromItsLastHolder) {
  KvPagePool pool(64, 1);
  KvPage one = pool.acquire();
  KvPage other = one;
  one.reset();
  EXPECT_EQ(pool.n_free(), 0);
  other.reset();
  EXPECT_EQ(pool.n_free(), 1);
}

TEST(KvPagePool, PagesMayOutliveIt) {
  KvPage page;
  {
    KvPagePool pool(64, 1);
    page = pool.acquire();
  }
  page->data()[63] = std::byte{1};
}

TEST(KvPagePool, ManyThreadsTakeAndGive) {
  KvPagePool pool(64, 8);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (int i = 0; i < 5000; ++i) {
        const KvPage a = pool.acquire();
        const KvPage b = pool.acquire();
        ASSERT_TRUE(a && b);  // 4 threads with two each
        a->data()[0] = static_cast<std::byte>(t);
        ASSERT_EQ(a->data()[0], static_cast<std::byte>(t));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool.n_free(), 8);
}

}  // namespace
}  // namespace jevons
