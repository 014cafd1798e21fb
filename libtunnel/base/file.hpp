#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "libtunnel/base/result.hpp"

namespace slopn {

/// Who may have written a file that is about to be believed.
enum class FileTrust {
  anyone,    ///< Any readable regular file.
  ourselves  ///< Owned by root or by our own uid, and not writable by everyone.
};

struct ReadRules {
  std::size_t max_bytes;  ///< A longer file is an error (Errc::invalid_argument), never cut off.
  FileTrust trust = FileTrust::anyone;
};

/// The whole of a regular file. Never waits: a FIFO or device is refused (Errc::invalid_argument).
/// A file that `FileTrust::ourselves` forbids is Errc::platform_denied; the context says what to
/// change. Other failures carry the operating system's code, as a missing file does
/// (`boost::system::errc::no_such_file_or_directory`).
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path,
                                            const ReadRules& rules);

/// What a written file must survive.
enum class Durability : std::uint8_t {
  machine_crash,  ///< Waits until the disk has it.
  own_crash,      ///< Our own end, however sudden. Enough for what a reboot makes void anyway.
};

/// Puts `content` in the place of `path`: after a crash there is the old file or the new one, whole.
///
/// Writes a temporary file beside it, with `mode` from its first byte on, syncs it, renames it and
/// syncs the folder. A symbolic link at `path` is replaced, not followed.
[[nodiscard]] Result<> atomic_write_file(const std::filesystem::path& path,
                                         std::string_view content, mode_t mode,
                                         Durability durability = Durability::machine_crash);

/// Makes `dir` and its parents. `mode` is for `dir` only, and rights beyond it are taken away from
/// one that exists; parents get what the umask leaves. A `dir` that is a symbolic link, or belongs
/// to someone who is neither root nor we, is refused.
[[nodiscard]] Result<> make_private_dir(const std::filesystem::path& dir, mode_t mode);

/// Moves a damaged file out of the way: "clients.toml" becomes "clients.toml.damaged-1", or the
/// next free number. After 100 of them the last is overwritten. Returns the new path.
[[nodiscard]] Result<std::filesystem::path> set_aside_damaged(const std::filesystem::path& path);

}  // namespace slopn
