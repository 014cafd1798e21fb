#include "cli/bundle/tar.hpp"

#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <new>
#include <stdexcept>

namespace slopn::cli {
namespace {

constexpr std::size_t kBlockBytes = 512;

struct Field {
  std::size_t offset;
  std::size_t size;
};

// Where the fields of a ustar header are.
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kTime{136, 12};
constexpr Field kChecksum{148, 8};
constexpr Field kType{156, 1};
constexpr Field kMagic{257, 8};  // "ustar", a NUL and the version "00"

void put(std::string& header, Field field, std::string_view text)
{
  assert(text.size() <= field.size);
  header.replace(field.offset, text.size(), text);
}

/// Octal digits that fill the field but for the NUL at its end.
void put_number(std::string& header, Field field, std::uint64_t value)
{
  std::string digits(field.size - 1, '0');
  for (std::size_t at = digits.size(); value > 0 && at > 0; value /= 8) {
    digits[--at] = static_cast<char>('0' + value % 8);
  }
  put(header, field, digits);
}

/// The sum of all bytes, with spaces where the sum itself goes.
void put_checksum(std::string& header)
{
  put(header, kChecksum, std::string(kChecksum.size, ' '));
  std::uint64_t sum = 0;
  for (const char byte : header) sum += static_cast<unsigned char>(byte);
  put_number(header, {kChecksum.offset, 7}, sum);
  put(header, {kChecksum.offset + 6, 2}, std::string_view{"\0 ", 2});
}

}  // namespace

void TarWriter::add(std::string_view name, std::string_view content)
{
  assert(!name.empty() && name.size() < kName.size);
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(written_.time_since_epoch()).count();
  std::string header(kBlockBytes, '\0');
  put(header, kName, name);
  put_number(header, kMode, 0600);
  put_number(header, kUid, 0);
  put_number(header, kGid, 0);
  put_number(header, kSize, content.size());
  put_number(header, kTime, static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0)));
  put(header, kType, "0");  // a regular file
  put(header, kMagic, std::string_view{"ustar\00000", 8});
  put_checksum(header);
  bytes_ += header;
  bytes_ += content;
  bytes_.append((kBlockBytes - content.size() % kBlockBytes) % kBlockBytes, '\0');
}

std::string TarWriter::finish() &&
{
  bytes_.append(2 * kBlockBytes, '\0');
  return std::move(bytes_);
}

std::string gzip(std::string_view content)
{
  constexpr int kGzipHeader = 16;  // added to the window's size it asks for that format
  constexpr int kWindow = 15;
  constexpr int kMemory = 8;
  z_stream stream{};
  if (::deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kWindow + kGzipHeader, kMemory,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc{};
  }
  std::string out(::deflateBound(&stream, content.size()), '\0');
  std::string input{content};  // zlib's interface is not const
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error{"zlib did not take all"};
  return out;
}

}  // namespace slopn::cli
