#pragma once

// Not part of any program: check_layers.cmake must refuse the next line.
#include <boost/asio/io_context.hpp>
