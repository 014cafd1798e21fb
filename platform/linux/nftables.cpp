#include "platform/linux/nftables.hpp"

#include <nftables/libnftables.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace slopn::platform {
namespace {

struct FreeContext {
  void operator()(nft_ctx* context) const noexcept { nft_ctx_free(context); }
};

// libnftables explains in several lines and draws arrows below the commands; the first says it.
std::string first_line(const char* text)
{
  std::string_view line{text == nullptr ? "" : text};
  line = line.substr(0, line.find('\n'));
  return std::string{line.empty() ? std::string_view{"nftables"} : line};
}

}  // namespace

Result<> run_nftables(const std::string& commands)
{
  // A context holds a socket and megabytes of tables; it lives only as long as it is needed.
  const std::unique_ptr<nft_ctx, FreeContext> context{nft_ctx_new(NFT_CTX_DEFAULT)};
  if (!context) return fail(Errc::platform_denied, "open nftables");
  if (nft_ctx_buffer_error(context.get()) != 0 || nft_ctx_buffer_output(context.get()) != 0)
    return fail(make_error_code(boost::system::errc::not_enough_memory), "open nftables");

  if (nft_run_cmd_from_buffer(context.get(), commands.c_str()) != 0) {
    return fail(Errc::platform_denied,
                "nftables: " + first_line(nft_ctx_get_error_buffer(context.get())));
  }
  return {};
}

std::string nftables_removal(const std::string& table)
{
  return "add table inet " + table + "\ndelete table inet " + table + "\n";
}

}  // namespace slopn::platform
