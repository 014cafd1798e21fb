#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <fstream>

#include "cli/bundle/redact.hpp"
#include "cli/bundle/secrets.hpp"
#include "cli/bundle/tar.hpp"
#include "libtunnel/crypto/keys.hpp"
#include "tests/unit/cli/control_samples.hpp"
#include "tests/unit/cli/run_slopnctl.hpp"

namespace {

using namespace slopn;
using cli::Addresses;
using cli::Redactor;
using test::content_of;
using test::slopnctl;

constexpr const char* kSecretKey = "hV2rX9Qm3LbT7cYp5NwKs1Zd8Gf4Jj6Ae0RuIoPqSxE";
constexpr const char* kHexKey = "8f14e45fceea167a5a36dedd4bea2543";

std::string cleaned(std::string_view text, Addresses addresses = Addresses::replace)
{
  return Redactor{addresses}.clean(text);
}

/// All files of an archive, one after the other.
std::string unpacked(const std::string& archive, const test::TemporaryDir& dir)
{
  const auto out = (dir.path() / "unpacked").string();
  if (std::system(("tar -xzOf " + archive + " >" + out).c_str()) != 0) return {};
  return content_of(out);
}

}  // namespace

TEST_CASE("redact: secrets in every form in which they are written", "[unit][cli]")
{
  const std::string key = kSecretKey;
  for (const std::string& text : {
           "slopn://vpn.example.org/?name=x&key=" + key,
           "see SLOPN://vpn.example.org/?key=" + key + "\nnext",
           "key=" + key,
           "key = \"" + key + " and more\"",
           "auth.key='" + key + "'",
           "{\"private_key\": \"" + key + "\"}",
           "token: " + key,
           "Authorization: Bearer " + key,
           "authorization=basic " + key + ", next",
           "https://user:" + key + "@example.org/x",
           "raw " + key + " in the text",
           "hex " + std::string{kHexKey},
           "psk=" + std::string{kHexKey},
           "-----BEGIN PRIVATE KEY-----\n" + key + "\n-----END PRIVATE KEY-----\n",
           "-----BEGIN PRIVATE KEY-----\n" + key,
       }) {
    CAPTURE(text, cleaned(text, Addresses::keep));
    CHECK(cleaned(text, Addresses::keep).find(key) == std::string::npos);
    CHECK(cleaned(text, Addresses::keep).find(kHexKey) == std::string::npos);
    CHECK(cleaned(text).find("<redacted>") != std::string::npos);
  }
  CHECK(cleaned("password=hunter2 user=x") == "password=<redacted> user=x");
  CHECK(cleaned("token = abc\n'secret' : 'x y'") == "token = <redacted>\n'secret' : '<redacted>'");
  CHECK(cleaned("passphrase: \"a b c\" end") == "passphrase: \"<redacted>\" end");
}

TEST_CASE("redact: a real private key in any place", "[unit][cli]")
{
  const auto pem = crypto::KeyPair::generate().to_pem().reveal();
  const auto base64 = pem.substr(28, 64);
  CHECK(cleaned("x " + pem + " y") == "x <redacted>\n y");
  CHECK(cleaned("load: " + base64).find(base64) == std::string::npos);
}

TEST_CASE("redact: leaves the rest as it is", "[unit][cli]")
{
  for (const char* text :
       {"tunnel: state=connected profile=home mtu=1400", "cipher TLS_AES_128_GCM_SHA256",
        "2025-11-21T12:03:12.000Z", "route 0.0.0.0/0 and ::/0 by slopn0", "10.8.0.2/24",
        "192.168.1.7:443", "fd00:8::2", "fe80::1%eth0", "127.0.0.1", "::1", "1.2.3",
        "commit 71c56a8", "systemctl restart slopnd", "key exchange: X25519MLKEM768", ""}) {
    CHECK(cleaned(text) == text);
  }
}

TEST_CASE("redact: public addresses are numbered, the same ones alike", "[unit][cli]")
{
  Redactor redactor{Addresses::replace};
  CHECK(redactor.clean("from 203.0.113.9:443 to [2001:db8::1]:443, not 203.0.113.9.") ==
        "from <address-1>:443 to [<address-2>]:443, not <address-1>.");
  CHECK(redactor.clean("remote=203.0.113.10") == "remote=<address-3>");
  CHECK(cleaned("from 203.0.113.9:443", Addresses::keep) == "from 203.0.113.9:443");
}

TEST_CASE("redact: gateways are outer addresses wherever they are", "[unit][cli]")
{
  Redactor redactor{Addresses::replace};
  redactor.know_outer("vpn.example.org:443");
  redactor.know_outer("[fd00:1::1]:443");
  redactor.know_outer("10.0.0.1:443");
  CHECK(redactor.clean("resolve VPN.example.org: 10.0.0.1, fd00:1::1; not myvpn.example.org") ==
        "resolve <host-1>: <address-1>, <address-2>; not myvpn.example.org");
}

TEST_CASE("redact: public keys and pins are numbered", "[unit][cli]")
{
  const auto key = crypto::KeyPair::generate().public_key().to_string();
  Redactor redactor{Addresses::keep};
  CHECK(redactor.clean("client " + key + " and sha256:abc, again " + key) ==
        "client <key-1> and <key-2>, again <key-1>");
}

TEST_CASE("redact: hostile texts take time in proportion", "[unit][cli]")
{
  for (const char* piece : {":", "a:", "1.", "key=", "://", "\"", "-----BEGIN", "aB1", "token:\"",
                            "sha256:", "slopn://"}) {
    std::string text;
    while (text.size() < 200'000) text += piece;
    CHECK(cleaned(text).size() <= 12 * text.size());
  }
}

TEST_CASE("redact: documents, by the names of their fields", "[unit][cli]")
{
  Redactor redactor{Addresses::replace};
  cli::Json document{{"name", "home"},
                     {"private_key", "short"},
                     {"list", {"203.0.113.9", {{"auth.token", "t"}}}},
                     {"count", 3}};
  redactor.clean(document);
  CHECK(
      document.dump() ==
      R"({"name":"home","private_key":"<redacted>","list":["<address-1>",{"auth.token":"<redacted>"}],"count":3})");
}

TEST_CASE("tar: is read by tar, with names, sizes and modes", "[unit][cli]")
{
  cli::TarWriter tar{std::chrono::system_clock::time_point{std::chrono::seconds{1'763'726'592}}};
  tar.add("d/empty", "");
  tar.add("d/one", std::string(512, 'x'));
  tar.add("d/two", "hello\n");
  const test::TemporaryDir dir{0755};
  const auto archive = (dir.path() / "a.tar.gz").string();
  std::ofstream{archive} << cli::gzip(std::move(tar).finish());
  const auto out = (dir.path() / "list").string();
  CHECK(std::system(("TZ=UTC0 tar -tvzf " + archive + " >" + out + " 2>&1").c_str()) == 0);
  CHECK(content_of(out) ==
        "-rw------- 0/0               0 2025-11-21 12:03 d/empty\n"
        "-rw------- 0/0             512 2025-11-21 12:03 d/one\n"
        "-rw------- 0/0               6 2025-11-21 12:03 d/two\n");
  CHECK(unpacked(archive, dir) == std::string(512, 'x') + "hello\n");
}

TEST_CASE("bundle: no secret survives, whatever the daemon says", "[unit][cli]")
{
  auto answers = test::full_answers();
  const std::string secret = kSecretKey;
  answers.logs.front().set_message("loaded key=" + secret + " for vpn.example.org (203.0.113.9)");
  answers.logs.back().set_message("slopn://vpn.example.org/?key=" + secret);
  answers.events[2].mutable_event()->mutable_network_changed()->set_description("token " + secret);
  answers.findings.back().set_detail("-----BEGIN PRIVATE KEY-----\n" + secret);
  answers.settings.mutable_entries(0)->set_value("private: " + secret);
  answers.profiles.front().set_authentication(secret);
  const auto public_key = answers.profiles.front().client_key();
  const test::FakeControl daemon{std::move(answers)};
  const test::TemporaryDir dir{0755};
  const auto archive = (dir.path() / "b.tar.gz").string();

  const auto end = slopnctl(daemon, {"bundle", "-o", archive});
  CHECK(end.code == 0);
  struct stat info {};
  REQUIRE(::stat(archive.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);
  const auto all = unpacked(archive, dir);
  CHECK(all.find("queue full") == std::string::npos);  // replaced above
  CHECK(all.find("tunnel") != std::string::npos);
  for (const std::string& gone :
       {secret, public_key, std::string{"vpn.example.org"}, std::string{"203.0.113.9"},
        std::string{"192.0.2.1"}, std::string{"alice"}}) {
    CAPTURE(gone);
    CHECK(all.find(gone) == std::string::npos);
  }
  CHECK(slopnctl(daemon, {"bundle", "-o", archive}).code == 1);  // never over another
}

TEST_CASE("bundle: addresses are kept when asked for, secrets never", "[unit][cli]")
{
  auto answers = test::full_answers();
  answers.logs.front().set_message("key=" + std::string{kSecretKey} + " 203.0.113.9");
  const test::FakeControl daemon{std::move(answers)};
  const test::TemporaryDir dir{0755};
  const auto end = slopnctl(daemon, {"bundle", "--keep-addresses"}, {.work_dir = dir.path()});
  CHECK(end.code == 0);
  CHECK(end.out.starts_with("wrote slopn-bundle-"));
  const auto all = unpacked((dir.path() / "slopn-bundle-*.tar.gz").string(), dir);
  CHECK(all.find("203.0.113.9") != std::string::npos);
  CHECK(all.find("vpn.example.org") != std::string::npos);
  CHECK(all.find(kSecretKey) == std::string::npos);
}

TEST_CASE("bundle: is made without a daemon too", "[unit][cli]")
{
  const test::TemporaryDir dir{0755};
  const auto archive = (dir.path() / "b.tar.gz").string();
  const auto end = slopnctl({"--socket", "/nonexistent/x", "bundle", "-o", archive});
  CHECK(end.code == 0);
  const auto all = unpacked(archive, dir);
  CHECK(all.find("daemon_unreachable") != std::string::npos);
  CHECK(all.find("\"release\"") != std::string::npos);
  const auto piped = slopnctl({"--socket", "/nonexistent/x", "bundle", "-o", "-"});
  CHECK(piped.code == 0);
  CHECK(piped.out.starts_with("\x1f\x8b"));
}
