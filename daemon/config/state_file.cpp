#include "daemon/config/state_file.hpp"

namespace slopn::config {

Error damage_report(const std::filesystem::path& file, const Error& reason,
                    const std::filesystem::path& aside, std::string_view remedy)
{
  std::string text = file.string();
  text.append(": ").append(reason.context).append("; kept as ").append(aside.string());
  text.append(". ").append(remedy);
  return fail(Errc::data_corrupt, text);
}

}  // namespace slopn::config
