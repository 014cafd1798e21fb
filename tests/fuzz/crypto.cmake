slopn_fuzz(keys SOURCES keys.cpp LIBS slopn::crypto)
