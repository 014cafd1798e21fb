#pragma once

namespace slopn::crypto {

/// Seeds the random numbers of this thread, if they are not yet. The first one a thread asks for
/// costs tens of milliseconds (AWS-LC gathers entropy of its own then): better now than in the
/// first handshake.
void prepare_random_numbers();

}  // namespace slopn::crypto
