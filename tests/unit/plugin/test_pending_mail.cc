// How answers get from a plugin's threads to the work that waits for them.
#include <atomic>
#include <thread>

#include "actors/plugin/pending_mail.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

using Letter = PendingMail::Letter;

TEST_CASE("mail wakes whoever waits once for all letters that it has not taken", "[plugin]") {
  const auto gauges = std::make_shared<PendingGauges>();
  int woken = 0;
  PendingMail mail(gauges, [&woken] { ++woken; });
  for (std::uint64_t ticket = 1; ticket <= 3; ++ticket) mail.expect(ticket);
  mail.put(2, Letter::Kind::answered, "two");
  mail.put(1, Letter::Kind::failed, "one");
  CHECK(woken == 1);
  const std::vector<Letter> letters = mail.take();
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].ticket == 2);
  CHECK(letters[0].text == "two");
  CHECK(letters[1].kind == Letter::Kind::failed);
  CHECK(mail.take().empty());
  mail.put(3, Letter::Kind::dropped, "");
  CHECK(woken == 2);
  CHECK(gauges->unwanted.load() == 0);
}

TEST_CASE("what nobody expects, forgot or leaves behind is counted and wakes nobody", "[plugin]") {
  const auto gauges = std::make_shared<PendingGauges>();
  int woken = 0;
  PendingMail mail(gauges, [&woken] { ++woken; });
  mail.put(1, Letter::Kind::answered, "never asked for");
  mail.expect(2);
  mail.forget(2);
  mail.put(2, Letter::Kind::answered, "forgotten");
  mail.expect(3);
  mail.expect(4);
  mail.put(3, Letter::Kind::answered, "not taken");
  mail.close();
  mail.put(4, Letter::Kind::answered, "too late");
  CHECK(woken == 1);
  CHECK(gauges->unwanted.load() == 4);
  CHECK(mail.take().empty());
}

TEST_CASE("each letter of many threads is taken or counted, once, also while the mail is closed", "[plugin]") {
  constexpr std::uint64_t kThreads = 4, kEach = 2'000;
  const auto gauges = std::make_shared<PendingGauges>();
  std::atomic<std::uint64_t> woken{0};
  PendingMail mail(gauges, [&woken] { ++woken; });
  for (std::uint64_t ticket = 0; ticket < kThreads * kEach; ++ticket) mail.expect(ticket);
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&mail, t] {
      for (std::uint64_t i = 0; i < kEach; ++i) mail.put(t * kEach + i, Letter::Kind::answered, "text");
    });
  }
  std::uint64_t taken = 0;
  while (taken < kThreads * kEach / 2) taken += mail.take().size();
  mail.close();
  const std::uint64_t woken_by_then = woken.load();
  for (std::thread& thread : threads) thread.join();
  CHECK(woken.load() == woken_by_then);
  CHECK(taken + gauges->unwanted.load() == kThreads * kEach);
}

}  // namespace
}  // namespace weir
