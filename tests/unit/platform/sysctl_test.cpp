#include "platform/linux/sysctl.hpp"

#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/temporary_dir.hpp"

namespace slopn::platform {
namespace {

// A stand-in for /proc/sys, and a place for the record.
class Switches {
 public:
  Switches()
  {
    std::filesystem::create_directories(root_ / "sys/net");
    write("net/a", "0\n");
    write("net/b", "1\n");
  }

  [[nodiscard]] SysctlKeeper keeper() const { return SysctlKeeper{record(), root_ / "sys"}; }
  [[nodiscard]] std::filesystem::path record() const { return root_ / "state/record"; }

  void write(const std::string& name, const std::string& value) const
  {
    std::ofstream{root_ / "sys" / name, std::ios::trunc} << value;
  }
  [[nodiscard]] std::string read(const std::string& name) const
  {
    std::string word;
    std::ifstream{root_ / "sys" / name} >> word;
    return word;
  }
  void remove(const std::string& name) const { std::filesystem::remove(root_ / "sys" / name); }

  [[nodiscard]] std::string record_text() const
  {
    std::ostringstream text;
    text << std::ifstream{record()}.rdbuf();
    return text.str();
  }
  void write_record(const std::string& text) const
  {
    std::filesystem::create_directories(record().parent_path());
    std::ofstream{record(), std::ios::trunc} << text;
  }

 private:
  test::TemporaryDir folder_;
  std::filesystem::path root_ = folder_.path();
};

}  // namespace

TEST_CASE("sysctl: restore gives back what was there before", "[unit][platform]")
{
  const Switches host;
  auto keeper = host.keeper();
  REQUIRE(keeper.set({{"net/a", "1"}, {"net/b", "2"}}).has_value());
  CHECK(host.read("net/a") == "1");
  CHECK(host.read("net/b") == "2");
  REQUIRE(keeper.restore().has_value());
  CHECK(host.read("net/a") == "0");
  CHECK(host.read("net/b") == "1");
  CHECK_FALSE(std::filesystem::exists(host.record()));
}

TEST_CASE("sysctl: the first record survives a crash and a second set", "[unit][platform]")
{
  const Switches host;
  REQUIRE(host.keeper().set({{"net/a", "1"}}).has_value());
  REQUIRE(host.keeper().set({{"net/a", "2"}, {"net/b", "2"}}).has_value());
  REQUIRE(host.keeper().restore().has_value());
  CHECK(host.read("net/a") == "0");
  CHECK(host.read("net/b") == "1");
}

TEST_CASE("sysctl: a switch that is right already is not ours", "[unit][platform]")
{
  const Switches host;
  REQUIRE(host.keeper().set({{"net/b", "1"}}).has_value());
  CHECK_FALSE(std::filesystem::exists(host.record()));
}

TEST_CASE("sysctl: what somebody else changed meanwhile is left alone", "[unit][platform]")
{
  const Switches host;
  REQUIRE(host.keeper().set({{"net/a", "1"}, {"net/b", "2"}}).has_value());
  host.write("net/a", "7");
  host.remove("net/b");
  REQUIRE(host.keeper().restore().has_value());
  CHECK(host.read("net/a") == "7");
}

TEST_CASE("sysctl: the record is for our eyes only", "[unit][platform]")
{
  const Switches host;
  REQUIRE(host.keeper().set({{"net/a", "1"}}).has_value());
  struct stat info {};
  REQUIRE(::stat(host.record().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("sysctl: a record of another boot or namespace means nothing", "[unit][platform]")
{
  const Switches host;
  host.write("net/a", "1");
  host.write_record("slopn-switches 1\nanother-boot 1\nnet/a 0 1\nend\n");
  REQUIRE(host.keeper().restore().has_value());
  CHECK(host.read("net/a") == "1");
  CHECK_FALSE(std::filesystem::exists(host.record()));
}

TEST_CASE("sysctl: a damaged record is reported once and forgotten", "[unit][platform]")
{
  const Switches host;
  REQUIRE(host.keeper().set({{"net/a", "1"}}).has_value());
  const std::string sound = host.record_text();

  std::vector<std::string> damaged{"", "something else\n", sound.substr(0, 20),
                                   sound.substr(0, sound.size() - 4)};
  std::string climbing = sound;
  climbing.replace(climbing.find("net/a"), 5, "net/../../a");
  damaged.push_back(climbing);
  for (const std::string& text : damaged) {
    CAPTURE(text);
    host.write_record(text);
    auto keeper = host.keeper();
    const auto restored = keeper.restore();
    REQUIRE(restored.has_error());
    CHECK(restored.error().code == make_error_code(Errc::data_corrupt));
    CHECK(host.read("net/a") == "1");
    CHECK(host.keeper().restore().has_value());

    host.write_record(text);
    CHECK(host.keeper().set({{"net/b", "2"}}).has_value());  // begins a new one
    CHECK(host.keeper().restore().has_value());
    CHECK(host.read("net/b") == "1");
  }
}

TEST_CASE("sysctl: without a record file the object itself remembers", "[unit][platform]")
{
  const Switches host;
  SysctlKeeper keeper{{}, host.record().parent_path().parent_path() / "sys"};
  REQUIRE(keeper.set({{"net/a", "1"}}).has_value());
  REQUIRE(keeper.restore().has_value());
  CHECK(host.read("net/a") == "0");
}

TEST_CASE("sysctl: a missing switch is an error that names it", "[unit][platform]")
{
  const Switches host;
  const auto set = host.keeper().set({{"net/none", "1"}});
  REQUIRE(set.has_error());
  CHECK(set.error().context.find("net/none") != std::string::npos);
}

}  // namespace slopn::platform
