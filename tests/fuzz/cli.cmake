slopn_fuzz(redact SOURCES redact.cpp LIBS slopn::cli)
