#pragma once

#include <string>
#include <vector>

#include "cli/catalogue.hpp"

namespace slopn::cli {

struct ManPage {
  std::string file_name;  ///< "slopnctl-connect.1"
  std::string roff;       ///< For man(7) macros.
};

/// slopnctl(1) and a page for every command, from what `--help` is made of.
[[nodiscard]] std::vector<ManPage> man_pages(const Catalogue& catalogue);

}  // namespace slopn::cli
