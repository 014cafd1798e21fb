#include "daemon/supervisor/session_book.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace slopn;
using namespace slopn::daemon;
using session::SessionId;

namespace {

const IpAddress kFour = *IpAddress::parse("10.0.0.5");
const IpAddress kSix = *IpAddress::parse("fd00::5");
const std::vector<IpPrefix> kBoth{IpPrefix::host(kFour), IpPrefix::host(kSix)};

constexpr SessionId kOld{4};
constexpr SessionId kNew{9};
constexpr SessionId kNewest{14};

using Ids = std::vector<SessionId>;
using Changes = std::vector<SessionBook::Change>;

}  // namespace

TEST_CASE("session book: addresses are free again when their session is over", "[unit][supervisor]")
{
  SessionBook book;
  CHECK(book.add(kOld, kBoth).empty());
  CHECK(book.has(kFour));
  CHECK(book.remove(kOld) == Changes{{kFour, std::nullopt}, {kSix, std::nullopt}});
  CHECK_FALSE(book.has(kFour));
  CHECK(book.remove(kOld).empty());
  CHECK(book.remove(kNew).empty());  // never there
}

TEST_CASE("session book: a newer session takes addresses over for good", "[unit][supervisor]")
{
  SessionBook book;
  book.add(kOld, kBoth);
  CHECK(book.add(kNew, kBoth) == Ids{kOld});
  CHECK(book.remove(kOld).empty());  // late, and it was not the holder any more
  book.for_each_holder([](const IpAddress&, SessionId holder) { CHECK(holder == kNew); });
  CHECK(book.remove(kNew).size() == 2);
}

TEST_CASE("session book: addresses fall back to the older session when the newer one fails",
          "[unit][supervisor]")
{
  SessionBook book;
  book.add(kOld, kBoth);
  book.add(kNew, {kBoth[0]});
  CHECK(book.remove(kNew) == Changes{{kFour, kOld}});
  CHECK(book.remove(kOld) == Changes{{kFour, std::nullopt}, {kSix, std::nullopt}});
}

TEST_CASE("session book: names all that have to go, each once", "[unit][supervisor]")
{
  SessionBook book;
  book.add(kOld, kBoth);
  book.add(kNew, kBoth);
  CHECK(book.add(kNewest, kBoth) == Ids{kOld, kNew});
  CHECK(book.remove(kNew).empty());
  CHECK(book.remove(kNewest) == Changes{{kFour, kOld}, {kSix, kOld}});
}
