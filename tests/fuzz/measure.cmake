slopn_fuzz(measure_protocol SOURCES measure_protocol.cpp LIBS slopn::measure_protocol)
