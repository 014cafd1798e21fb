#pragma once

#include <cstdint>

#include "libtunnel/base/bytes.hpp"

namespace slopn {

/// CRC-32 as Ethernet, zlib and PNG use it (reflected, polynomial 0xEDB88320). Finds accidents in
/// our own files; it is no protection against anyone. Not made for the data path.
[[nodiscard]] std::uint32_t crc32(ByteView bytes) noexcept;

}  // namespace slopn
