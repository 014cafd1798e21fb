#include "libtunnel/base/file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "libtunnel/base/crc32.hpp"
#include "temp_dir.hpp"
#include "tests/support/catch_result.hpp"

using namespace slopn;
using test::TempDir;

namespace {

constexpr ReadRules kAny{1024};
constexpr ReadRules kTrusted{1024, FileTrust::ourselves};

}  // namespace

TEST_CASE("file: a written file is read back, with its mode", "[unit][base]")
{
  const TempDir dir;
  REQUIRE(atomic_write_file(dir / "a", "first", 0600));
  REQUIRE(atomic_write_file(dir / "a", "second", 0640));
  const auto content = read_file(dir / "a", kAny);
  REQUIRE(content);
  CHECK(*content == "second");
  CHECK(test::mode_of(dir / "a") == 0640);
}

TEST_CASE("file: a write leaves no temporary file behind", "[unit][base]")
{
  const TempDir dir;
  test::write(dir / ".a.tmp", "left over from a crash");
  REQUIRE(atomic_write_file(dir / "a", "whole", 0600));
  CHECK_FALSE(std::filesystem::exists(dir / ".a.tmp"));
}

TEST_CASE("file: a write that fails leaves the old file", "[unit][base]")
{
  const TempDir dir;
  std::filesystem::create_directory(dir / "a");  // rename() cannot put a file over it
  const auto written = atomic_write_file(dir / "a", "new", 0600);
  REQUIRE_FALSE(written);
  CHECK(written.error().context.starts_with((dir / "a").string()));
  CHECK(std::filesystem::is_directory(dir / "a"));
  CHECK_FALSE(std::filesystem::exists(dir / ".a.tmp"));
}

TEST_CASE("file: a write replaces a symbolic link and does not follow it", "[unit][base]")
{
  const TempDir dir;
  test::write(dir / "victim", "untouched");
  std::filesystem::create_symlink(dir / "victim", dir / "a");
  std::filesystem::create_symlink(dir / "victim", dir / ".a.tmp");
  REQUIRE(atomic_write_file(dir / "a", "new", 0600));
  CHECK(test::content_of(dir / "victim") == "untouched");
  CHECK(std::filesystem::is_regular_file(std::filesystem::symlink_status(dir / "a")));
}

TEST_CASE("file: one byte too many is refused, not cut off", "[unit][base]")
{
  const TempDir dir;
  test::write(dir / "a", std::string(1024, 'x'));
  CHECK(read_file(dir / "a", kAny));
  test::write(dir / "a", std::string(1025, 'x'));
  const auto content = read_file(dir / "a", kAny);
  REQUIRE_FALSE(content);
  CHECK(content.error().code == Errc::invalid_argument);
}

TEST_CASE("file: a FIFO or folder is refused at once", "[unit][base]")
{
  const TempDir dir;
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  CHECK(read_file(dir / "fifo", kAny).error().code == Errc::invalid_argument);
  CHECK(read_file(dir.path(), kAny).error().code == Errc::invalid_argument);
}

TEST_CASE("file: a missing file keeps the operating system's code", "[unit][base]")
{
  const TempDir dir;
  const auto content = read_file(dir / "none", kAny);
  REQUIRE_FALSE(content);
  CHECK(content.error().code == boost::system::errc::no_such_file_or_directory);
}

TEST_CASE("file: one that everyone may write to is not trusted", "[unit][base]")
{
  const TempDir dir;
  test::write(dir / "a", "x");
  REQUIRE(::chmod((dir / "a").c_str(), 0666) == 0);
  CHECK(read_file(dir / "a", kAny));
  const auto content = read_file(dir / "a", kTrusted);
  REQUIRE_FALSE(content);
  CHECK(content.error().code == Errc::platform_denied);
  CHECK(content.error().context.find("chmod") != std::string::npos);
}

TEST_CASE("file: one of another user is not trusted", "[unit][base]")
{
  if (::geteuid() != 0) SKIP("only root can give files away");
  const TempDir dir;
  test::write(dir / "a", "x");
  REQUIRE(::chown((dir / "a").c_str(), 12345, 0) == 0);
  const auto content = read_file(dir / "a", kTrusted);
  REQUIRE_FALSE(content);
  CHECK(content.error().context.find("12345") != std::string::npos);
}

TEST_CASE("file: a private folder is made with its parents and kept tight", "[unit][base]")
{
  const TempDir dir;
  REQUIRE(make_private_dir(dir / "a/b/c", 0700));
  CHECK(test::mode_of(dir / "a/b/c") == 0700);
  REQUIRE(::chmod((dir / "a/b/c").c_str(), 0755) == 0);
  REQUIRE(make_private_dir(dir / "a/b/c", 0700));
  CHECK(test::mode_of(dir / "a/b/c") == 0700);
}

TEST_CASE("file: a symbolic link is no private folder", "[unit][base]")
{
  const TempDir dir;
  std::filesystem::create_directory_symlink("/tmp", dir / "link");
  CHECK_FALSE(make_private_dir(dir / "link", 0700));
}

TEST_CASE("file: damaged files are numbered", "[unit][base]")
{
  const TempDir dir;
  for (const auto* const expected : {"a.damaged-1", "a.damaged-2"}) {
    test::write(dir / "a", "x");
    const auto aside = set_aside_damaged(dir / "a");
    REQUIRE(aside);
    CHECK(*aside == dir / expected);
    CHECK_FALSE(std::filesystem::exists(dir / "a"));
  }
}

TEST_CASE("file: the number of damaged files kept is bounded", "[unit][base]")
{
  const TempDir dir;
  for (int i = 0; i < 105; ++i) {
    test::write(dir / "a", std::to_string(i));
    REQUIRE(set_aside_damaged(dir / "a"));
  }
  CHECK(test::content_of(dir / "a.damaged-100") == "104");
  CHECK_FALSE(std::filesystem::exists(dir / "a.damaged-101"));
}

TEST_CASE("crc32: gives the check value of the catalogue", "[unit][base]")
{
  CHECK(crc32(as_bytes("123456789")) == 0xCBF43926);
  CHECK(crc32({}) == 0);
}
