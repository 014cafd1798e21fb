#pragma once

#include "cli/catalogue.hpp"

/// One file per command or family of commands. Each adds itself, its options and its examples.
namespace slopn::cli {

void add_bundle(Group top);
void add_completion(Group top);
void add_confirm(Group top);
void add_connect(Group top);
void add_disconnect(Group top);
void add_doctor(Group top);
void add_events(Group top);
void add_gateway(Group top);
void add_keygen(Group top);
void add_log_level(Group top);
void add_logs(Group top);
void add_man(Group top);
void add_ping(Group top);
void add_profile(Group top);
void add_settings(Group top);
void add_speedtest(Group top);
void add_status(Group top);
void add_version(Group top);
void add_whoami(Group top);

}  // namespace slopn::cli
